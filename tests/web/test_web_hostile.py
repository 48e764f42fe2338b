"""Texts and requests that are made to break the dashboard's pages, or to cost much."""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from dashboard_house import dashboard
from hubs_at_hand import Hubs, bundle
from made_sessions import made, sh

from skillclaw import settings
from skillclaw.skills.records import Bundle, File, Pattern, Proposal, Verdict
from skillclaw.trajectory.model import SessionMeta, Signal, SkillUse
from skillclaw.web.markdown import rendered
from skillclaw.web.pages import ROUTES
from skillclaw.web.sidebyside import changes

SECOND = 1.0
"""Seconds of processor time that the worst text may cost; before there were bounds each took 2 to 30."""


def cost(do: object) -> float:
    began = time.process_time()
    do()  # type: ignore[operator]
    return time.process_time() - began


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "![[" * 33_000,
        "[a](" * 25_000,
        "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "|a\n" * 20_000,
    ],
)
def test_markdown_that_makes_the_parser_slow_is_shown_as_it_is(text: str) -> None:
    assert cost(lambda: rendered(text)) < SECOND
    assert str(rendered(text)).startswith("<pre>")


def test_markdown_for_people_is_rendered_still() -> None:
    text = "\n\n".join(f"- [link {n}](https://example.org/{n}) and a [list][{n}]" for n in range(1500))
    assert str(rendered(text)).startswith("<ul>")


def of(text: str, name: str = "SKILL.md") -> Bundle:
    return Bundle(name="x", files=[File(path=name, data=text.encode())])


def test_lines_that_are_all_alike_cost_little_to_compare() -> None:
    old, new = "a\nb\n" * 1400, "b\na\n" * 700 + "b\nb\n" * 700
    assert cost(lambda: changes(of(old), of(new))) < SECOND
    points = [".," * 200 + "\n", ",." * 200 + "\n"]
    many = of(points[0] * 2900), of(points[1] * 2900)
    assert cost(lambda: changes(*many)) < SECOND


def test_of_many_files_the_first_are_compared() -> None:
    files = [File(path=f"{n:03d}.txt", data=f"{n}\n".encode() * 2900) for n in range(12)]
    found = changes(Bundle(name="x", files=[]), Bundle(name="x", files=files))
    assert [bool(one.rows) for one in found[:4]] == [True, True, False, False]
    assert all("too long" in one.notes for one in found[2:])


def test_a_skill_of_many_large_files_makes_no_huge_page(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    files = [File(path=f"references/{n}.md", data=b"- a word\n" * 15_000) for n in range(12)]
    hubs.release(hubs.machine.hub, bundle("large", "- A line.", *files))
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        page = dash.visitor().get("/skills/personal/large")
    assert page.status == 200
    assert len(page.body) < 8_000_000
    assert page.text.count("It is no text, or too large to be shown.") == 10


def test_names_of_a_session_break_no_page_and_lead_where_the_skill_is(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    hubs.admit()
    hubs.release(hubs.team, bundle("team-skill", "- Ask first."))
    names = ("a/b", "", "..", "a?b#c", "\u202egnp", "team-skill")
    uses = [SkillUse(name=name, hub=hubs.team.info.group, offered=True, read_step=1) for name in names]
    known = SessionMeta(
        key="0" * 16,
        user="ana",
        source="history",
        skills=uses,
        signals=[Signal(kind="result", value=1.0, source="odd|\u202eone <b>")],  # type: ignore[arg-type]
    )
    hubs.machine.sessions.put_many([made("run it", sh("npm test", "ok"), meta=known)])
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        visitor = dash.visitor()
        page = visitor.get("/sessions/" + "0" * 16)
        assert page.status == 200
        links = [one.attrs["href"] for one in page.html.one("section", aria_labelledby="skills").find("a")]
        assert links == [f"{dash.base}/skills/team/team-skill"]
        assert visitor.get(links[0]).status == 200
        assert "odd|[U+202E]one <b>" in page.text
        assert "\u202e" not in page.body


def test_a_proposal_of_a_member_breaks_no_reviewers_page(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    hubs.admit()
    odd = [
        msgspec.convert(
            {
                "id": id_,
                "kind": "recovery",
                "title": "t|{n} \u202e{0.__class__}",
                "topic": "x",
                "signature": "x",
            },
            Pattern,
            strict=False,
        )
        for id_ in ("a/b", "", "..", "x?y")
    ]
    one = bundle("odd-one", "- A line.")
    made_ = Proposal(
        id="p-odd",
        action="create",
        skill="odd-one",
        base=None,
        engine="extractive",
        why="t|{n} {0.__class__} \u202e",
        bundle=one,
        patterns=odd,
    )
    hubs.team.propose(made_)
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        page = dash.visitor().get("/proposals/team/p-odd")
    assert page.status == 200
    assert "t|{n} {0.__class__} [U+202E]" in page.text


@pytest.mark.parametrize(
    "back",
    [
        "//[",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "{base}//[\\",
        "{base}/\r\nSet-Cookie: a=b",
        "{base}.evil.example/",
    ],
)
def test_an_action_leads_to_no_other_page_than_ours(tmp_path: Path, back: str) -> None:
    with dashboard(tmp_path / "h", {}) as dash:
        visitor = dash.visitor()
        body = urlencode(
            {"csrf": visitor.csrf(), "theme": "dark", "back": back.format(base=dash.base)}
        ).encode()
        page = visitor.ask("POST", f"{dash.base}/choose", body)
        assert (page.status, page.headers["location"]) == (303, f"{dash.base}/")


def test_what_is_in_an_error_comes_into_no_log(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from skillclaw.web.pages import home

    def fails(*given: object) -> None:
        raise KeyError("hunter2 of a session")

    # At the dashboard's own logger: those above it are of the whole process, and other tests set them.
    told = io.StringIO()
    heard, own = logging.StreamHandler(told), logging.getLogger("skillclaw.web")
    monkeypatch.setattr(own, "handlers", [heard])
    with dashboard(tmp_path / "h", {}) as dash, caplog.at_level(logging.DEBUG, "skillclaw.web"):
        visitor = dash.visitor()
        monkeypatch.setattr(home, "now", fails)
        page = visitor.get("/")
    assert page.status == 500
    state = (own.level, own.getEffectiveLevel(), own.disabled, logging.root.manager.disable)
    assert "KeyError at" in told.getvalue(), f"{page.body[:500]} {state}"
    assert "hunter2" not in page.body + told.getvalue() + "".join(capfd.readouterr())


def test_credentials_of_an_address_are_shown_to_nobody(tmp_path: Path) -> None:
    home = tmp_path / "h"
    address = "s3://bucket/team?region=eu-west-1&secret_access_key=hunter2hunter2"
    settings.set_value(home, "hubs.team.url", address)
    (home / "config.toml").chmod(0o600)
    with dashboard(home, {}) as dash:
        visitor = dash.visitor()
        page = dash.visitor(read_only=True).get("/settings", show="hubs.team.url")
        assert page.status == 200
        assert "s3://bucket/team?..." in page.body
        for path in ("/settings", "/group", "/settings/sharing"):
            assert "hunter2" not in visitor.get(path).body
        told = visitor.post(
            "/settings/change", {"key": "hubs.team.url", "value": "s3://bucket/team?..."}
        ).told
        assert "Nothing was changed." in told
        told = visitor.post("/settings/change", {"key": "hubs.team.url", "value": "s3://other/team?..."}).told
        assert "Give the whole address anew." in told
    assert settings.load(home, {}).hubs["team"].url == address


def test_who_may_only_look_logs_nobody_else_out(tmp_path: Path) -> None:
    with dashboard(tmp_path / "h", {}) as dash:
        owner, guest = dash.visitor(), dash.visitor(read_only=True)
        assert "Log out everywhere" not in guest.get("/").body
        assert "This browser may look and do nothing." in guest.post("/leave", {"all": "1"}).told
        assert owner.get("/").status == 200
        guest.post("/leave")
        assert guest.get("/").status == 401
        owner.post("/leave", {"all": "1"})
        assert owner.get("/").status == 401


def test_without_the_evolvers_packages_the_map_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skillclaw.web.pages import home

    def missing(*given: object) -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    with dashboard(tmp_path / "h", {}) as dash:
        monkeypatch.setattr(home, "now", missing)
        page = dash.visitor().get("/")
    assert page.status == 501
    assert "sklearn is not installed. Say: " in page.text
    assert "[evolve]" in page.text


def test_no_action_of_a_member_or_of_a_browser_that_only_looks_reaches_the_groups_log(tmp_path: Path) -> None:
    """Whatever form somebody makes up: each action there is, by who may not take it."""
    hubs = Hubs(tmp_path)
    hubs.admit()
    made_at = hubs.release(hubs.team, bundle("team-skill", "- Ask first."))
    own = hubs.release(hubs.machine.hub, bundle("own-skill", "- Mine."))
    asked = Proposal(
        id="p-asked",
        action="create",
        skill="asked",
        base=None,
        engine="extractive",
        why="",
        bundle=bundle("asked", "- It."),
    )
    hubs.team.propose(asked)
    hubs.team.record_verdicts("p-asked", [Verdict(check="approval", verdict="hold", reason="x")], "held")
    (owner,) = [one.public for one in hubs.team.state().keys.values() if one.role == "owner"]
    fields = dict.fromkeys(("sure", "pinned", "uses"), "1") | dict.fromkeys(
        ("version", "to", "base"), made_at
    )
    fields |= {
        "public": owner,
        "role": "owner",
        "days": "7",
        "note": "n",
        "why": "w",
        "text": "t",
        "name": "n",
    }
    members = ("vote-proposal", "request-key", "leave-group", "propose-skill", "propose-copy", "merge-copies")
    with dashboard(hubs.machine.home, hubs.environ) as dash:
        member, guest = dash.visitor(), dash.visitor(read_only=True)
        tokens = member.csrf(), guest.csrf()
        before = hubs.team.state().seq, hubs.fresh().hub.state().seq
        settings_before = (hubs.machine.home / "config.toml").read_bytes()
        tried = 0
        for route in ROUTES:
            if "POST" not in (route.methods or set()):
                continue
            for hub, name in (("team", "team-skill"), ("personal", "own-skill")):
                parts = {
                    "hub": hub,
                    "name": name,
                    "id": "p-asked",
                    "agent": "codex",
                    "kind": "sync",
                    "key": "0" * 16,
                }
                path = route.path
                for key, value in parts.items():
                    path = path.replace(f"{{{key}}}", value)
                form = fields | {"key": owner if "revoke-key" in route.name else "policy", "value": "strict"}
                told = guest.post(path, form, csrf=tokens[1]).told
                assert "This browser may look and do nothing." in told, path
                if hub == "team" and "{hub}" in route.path and route.name not in members:
                    assert member.post(path, form, csrf=tokens[0]).status < 500, path
                    tried += 1
        assert tried >= 12
        assert (hubs.team.state().seq, hubs.fresh().hub.state().seq) == before
        assert (hubs.machine.home / "config.toml").read_bytes() == settings_before
        assert not (hubs.machine.home / "dashboard" / "jobs").exists()
    assert hubs.fresh().hub.state().skills["own-skill"].current == own
