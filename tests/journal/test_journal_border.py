"""What leaves for a group names neither the person nor the place, and no host that the group did not list."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.journal.border import outgoing
from skillclaw.journal.redact import Redactor
from skillclaw.trajectory.model import SessionMeta, Trajectory, decode, meta

KEY = b"k" * 32
REDACTOR = Redactor(KEY, home=PurePosixPath("/home/ada"), user_names=["ada"])
OWN = SessionMeta(
    key="0123456789abcdef",
    user="ada",
    client="c-1",
    project="till",
    source="history",
    env={"os": "linux", "git_remote": "host.example/acme/till", "git_branch": "ada/secret-plan"},
)


def leaves(*turns: object, own: SessionMeta = OWN, group: str = "g", hosts: tuple[str, ...] = ()) -> str:
    stored = REDACTOR.trajectory(made(*turns, meta=own))
    return outgoing(stored, REDACTOR, client_key=KEY, group=group, hosts=hosts).body.decode()


def told(body: str) -> SessionMeta:
    return meta(decode(body))


def test_person_client_project_and_branch_stay_here() -> None:
    sub = made("look into it", meta=OWN, name="sub-1")
    stored = made("go", ("Task", {"prompt": "x"}, "sub:sub-1", None), meta=OWN, subs=[sub])
    out = outgoing(stored, REDACTOR, client_key=KEY, group="g")
    for word in ("ada", "c-1", "till", "secret-plan", "acme"):
        assert word not in out.body.decode(), word
    assert meta(decode(out.body)).env == {"os": "linux"}
    assert out.size == len(out.body)


def test_members_see_the_same_project_and_groups_do_not() -> None:
    one, other = told(leaves("x")).project, told(leaves("y", group="h")).project
    assert one.startswith("p-")
    assert one != other
    plain = msgspec.structs.replace(OWN, env={})
    assert told(leaves("x", own=plain)).project.startswith("l-")
    stored = made("x", meta=plain)
    theirs = outgoing(stored, REDACTOR, client_key=b"j" * 32, group="g").body.decode()
    assert told(theirs).project != told(leaves("x", own=plain)).project
    assert told(leaves("x", own=msgspec.structs.replace(plain, project=""))).project == ""


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("curl https://wiki.corp.example/page and again wiki.corp.example", "wiki.corp.example"),
        ("psql postgres://db7:5433/x", "db7:5433"),
        ("ssh deploy@build-box -p 22", "build-box"),
        ("git clone git@git.corp.example:acme/till.git", "git.corp.example"),
        ("telnet queue.corp.example:5672", "queue.corp.example:5672"),
        ("http://[fd00::17]:8080/", "fd00::17"),
        ("GET http://intranet/ said: intranet:80 refused", "intranet:80"),
    ],
)
def test_hosts_and_their_ports_are_masked(text: str, gone: str) -> None:
    body = leaves(text, sh("true", text))
    assert gone not in body
    assert told(body).masked["host"] >= 2
    assert body.count("<host:") >= 2


@pytest.mark.parametrize(
    "text",
    [
        "curl http://localhost:8080/healthz; curl http://127.0.0.1:9/x",
        'File "src/main.py:12": error in main.py:12:5 and lib.rs:40',
        "std::vector and a: 12, key:80 and 10:30",
        "see https://pypi.org/simple/ and https://files.pythonhosted.org/x",
    ],
)
def test_what_is_no_host_or_is_listed_stays(text: str) -> None:
    assert "<host:" not in leaves(text, hosts=("pypi.org", ".pythonhosted.org"))


def test_a_word_that_is_a_host_elsewhere_stays_a_word() -> None:
    body = leaves("ssh ada@printer then fix the printer driver at http://printer/")
    assert "fix the printer driver" in body
    assert "http://printer" not in body


LABEL = st.from_regex(r"[a-z][a-z0-9]{2,8}", fullmatch=True)
HOSTS = st.tuples(LABEL, LABEL, st.sampled_from(["example", "internal", "corp"])).map(".".join)


@given(
    HOSTS,
    st.sampled_from(["https://{}/x", "ssh root@{}", "nc {}:5432", "ftp://u@{}:21/"]),
    st.text(max_size=30),
)
def test_a_host_seen_once_is_masked_everywhere(host: str, form: str, around: str) -> None:
    body = leaves(
        f"{around} {form.format(host)} {around}",
        sh("true", f"Unable to resolve {host}."),
        f"ask {host.upper()}",
    )
    assert host not in body.lower()


@given(st.text(max_size=300))
def test_any_text_leaves_as_a_valid_session_and_the_same_again(text: str) -> None:
    stored: Trajectory = REDACTOR.trajectory(made(text, sh("true", text), meta=OWN))
    out = outgoing(stored, REDACTOR, client_key=KEY, group="g")
    again = outgoing(decode(out.body), REDACTOR, client_key=KEY, group="g")
    assert len(decode(out.body).steps) == len(stored.steps)
    assert [s.message for s in decode(again.body).steps] == [s.message for s in decode(out.body).steps]
