"""`evolve --hub`: what members sealed becomes the group's skill, and nothing else of it gets out."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from team import found, home, hub, joined, sc, state, taken

from skillclaw.errors import UsageError
from skillclaw.hub import keys
from skillclaw.hub.inbox import send
from skillclaw.hub.sealed import list_sessions, object_name, put_session, seal, sealing_key
from skillclaw.server.groups.collecting import evidence_key, pseudonym
from skillclaw.server.groups.late import WHY

pytestmark = pytest.mark.live

ERROR = "error: externally-managed-environment\n\nThis environment is externally managed"
RECOVERY = (
    Ran("pip install httpie", 1, ERROR),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)


def worked(place: Path, who: str, *numbers: int) -> None:
    """Sessions of the machine's own user, shared with the team."""
    made = []
    for number in numbers:
        one = session("", number, "install httpie please", RECOVERY)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    sc(place, who, "import", str(write(place / who / f"s{numbers[0]}.jsonl", made)))
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    (report,) = sc(place, who, "share", "send")
    assert (report["sent"], report["error"]) == (len(numbers), "")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in ("bob", "cyd", "dan"):
        joined(tmp_path, who)
    return tmp_path


def test_what_three_members_met_becomes_the_groups_skill(team: Path) -> None:
    for who in ("bob", "cyd", "dan"):
        worked(team, who, 1, 2)
    first = sc(team, "ada", "evolve", "--hub", "team")
    assert (first["hub"], first["collected"]["taken"], first["collected"]["refused"]) == ("team", 6, {})
    (released,) = first["released"]
    assert released["stage"] == "canary"
    assert {p["users"] for p in first["patterns"]} == {3}
    current = state(team, "bob").skills[released["skill"]]
    release = current.release(released["version"])
    assert release is not None and release.sidecar is not None
    text = hub(team).get_bundle(release).files[0].data.decode()
    assert "venv" in text
    # people stand in the evidence under a name that tells nothing
    record = json.loads(hub(team).get_object(release.sidecar))
    refs = [ref for item in record["items"] for ref in item.get("evidence", [])]
    users = {ref["user"] for item in record["items"] for ref in item.get("evidence", [])}
    secret = keys.load(home(team, "ada") / "keys", state(team).group, "pseudonyms")
    assert secret is not None
    members = [key for key in state(team).keys.values() if key.name in ("bob", "cyd", "dan")]
    assert users == {pseudonym(key, secret.encode()) for key in members}
    own = {key.name: [row["id"] for row in sc(team, key.name, "sessions", "list")] for key in members}
    named = {evidence_key(key.member, one, secret.encode()) for key in members for one in own[key.name]}
    assert {ref["session"] for ref in refs} == named
    # nor does what a member takes back, which the log tells, tell which pseudonym is its own
    guesses = {evidence_key(key.member, one, b"") for key in members for one in own[key.name]}
    assert not named & (guesses | {one for ids in own.values() for one in ids})
    assert not users & {
        pseudonym(key, guess) for key in members for guess in (b"", bytes.fromhex(key.public))
    }
    again = sc(team, "ada", "evolve", "--hub", "team")
    assert (again["collected"]["taken"], again["collected"]["known"]) == (0, 6)
    assert again["released"] == []
    # the machine's own sessions and the group's stay apart
    assert sc(team, "ada", "sessions", "list") == []
    for path in (home(team, "ada") / "groups").rglob("*"):
        assert path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0


def test_one_member_alone_is_no_group(team: Path) -> None:
    worked(team, "bob", 1, 2, 3, 4, 5)
    report = sc(team, "ada", "evolve", "--hub", "team")
    assert report["collected"]["taken"] == 5
    assert report["released"] == []
    assert state(team).skills == {}


def test_taken_back_sessions_leave_the_evidence_and_the_hub(team: Path) -> None:
    for who in ("bob", "cyd"):
        worked(team, who, 1, 2)
    (released,) = sc(team, "ada", "evolve", "--hub", "team")["released"]
    for who in ("bob", "cyd"):
        sc(team, who, "sessions", "forget", "--all", "--yes")
    taken(team)
    assert sum(len(keys_) for keys_ in state(team).withdrawn.values()) == 4
    report = sc(team, "ada", "evolve", "--hub", "team")
    assert report["sessions"] == 0
    assert list_sessions(hub(team)) == []
    assert state(team).skills[released["skill"]].current is None


def test_a_dry_run_changes_nothing_in_the_hub(team: Path) -> None:
    for who in ("bob", "cyd", "dan"):
        worked(team, who, 1)
    before = sorted(path for path in (team / "group").rglob("*") if path.is_file())
    told = sc(team, "ada", "evolve", "--hub", "team", "--dry-run")
    assert told["released"] and told["collected"]["taken"] == 3
    assert sorted(path for path in (team / "group").rglob("*") if path.is_file()) == before


def test_only_the_evolvers_machine_can(team: Path) -> None:
    with pytest.raises(UsageError, match="not the evolver"):
        sc(team, "bob", "evolve", "--hub", "team")


def posted(
    team: Path, who: str, body: bytes, number: int, day: str = "2026-11-20", role: str = "member"
) -> str:
    """Put a session of a member's own making into the hub."""
    key = keys.load(home(team, who) / "keys", state(team).group, role)
    evolver = sealing_key(state(team))
    assert key is not None and evolver is not None
    name = object_name(b"k" * 32, state(team).group, who, number, day)
    sealed = seal(body, key, group=state(team).group, evolver=evolver.sealing, name=name)
    put_session(hub(team, who), name, sealed)
    return name


def claimed(key: str, number: int = 1, **more: Any) -> bytes:
    one = session("eve", number, "install httpie please", RECOVERY)
    one["extra"]["skillclaw"] |= {"key": key, "source": "history", **more}
    return json.dumps(one).encode()


def test_a_member_speaks_for_itself_alone(team: Path) -> None:
    for number, who in enumerate(("cyd", "dan", "root", "bob")):
        posted(team, "bob", claimed(f"{number:016x}", number, user=who, client=who, reward=1.0), number)
    report = sc(team, "ada", "evolve", "--hub", "team")
    assert report["collected"]["taken"] == 4
    assert {pattern["users"] for pattern in report["patterns"]} <= {1}
    assert report["released"] == []


def test_a_member_cannot_take_the_place_of_anothers_session(team: Path) -> None:
    worked(team, "cyd", 1)
    (row,) = sc(team, "cyd", "sessions", "list")
    posted(team, "bob", claimed(row["id"], 1), 1)
    assert sc(team, "ada", "evolve", "--hub", "team")["collected"]["taken"] == 2
    send(hub(team, "bob"), "tombstone", {"keys": [row["id"]]})
    taken(team)
    report = sc(team, "ada", "evolve", "--hub", "team")
    assert (report["collected"]["forgotten"], report["sessions"]) == (1, 1)
    members = {key.name: key.member for key in state(team).keys.values()}
    assert state(team).withdrawn == {members["bob"]: [row["id"]]}


def test_what_does_not_hold_is_told_once_and_stops_nothing(team: Path) -> None:
    worked(team, "cyd", 1)
    bad = [
        posted(team, "bob", b"no session", 1),
        posted(team, "bob", b'{"schema_version": "ATIF-v1.5"', 2),
        posted(team, "bob", b"[" * 100_000, 3),
        posted(team, "bob", claimed(""), 4),
        posted(team, "bob", json.dumps(session("x", 1, "y", [])).encode().replace(b'"steps"', b'"stepz"'), 5),
    ]
    torn = object_name(b"k" * 32, state(team).group, "torn", 1, "2026-11-20")
    put_session(hub(team, "bob"), torn, b"SKSEAL\x01" + b"\0" * 100)
    report = sc(team, "ada", "evolve", "--hub", "team")
    assert report["collected"]["taken"] == 1
    assert set(report["collected"]["refused"]) == {*bad, torn}
    assert sc(team, "ada", "evolve", "--hub", "team")["collected"]["refused"] == {}


def test_a_revoked_members_sessions_count_no_more(team: Path) -> None:
    for who in ("bob", "cyd"):
        worked(team, who, 1, 2)
    (released,) = sc(team, "ada", "evolve", "--hub", "team")["released"]
    sc(team, "ada", "hub", "revoke-key", "bob", "--yes")
    sc(team, "ada", "hub", "revoke-key", "cyd", "--yes")
    assert sc(team, "ada", "evolve", "--hub", "team")["sessions"] == 0
    assert state(team).skills[released["skill"]].current is None


def test_a_revoked_members_sessions_are_not_taken(team: Path) -> None:
    worked(team, "bob", 1)
    sc(team, "ada", "hub", "revoke-key", "bob", "--yes")
    worked(team, "cyd", 1)
    collected = sc(team, "ada", "evolve", "--hub", "team")["collected"]
    assert collected["taken"] == 1
    assert list(collected["refused"].values()) == ["Its signer was revoked, or had left the group before."]


def test_what_a_former_member_puts_there_with_an_earlier_day_is_not_taken(team: Path) -> None:
    worked(team, "bob", 1)
    sc(team, "bob", "hub", "leave", "--yes")
    taken(team)
    time.sleep(1.1)  # the log tells seconds
    late = posted(team, "bob", claimed(""), 1)
    collected = sc(team, "ada", "evolve", "--hub", "team")["collected"]
    assert collected["taken"] == 1, "what was there before counts"
    assert collected["refused"] == {late: WHY}


def test_sessions_from_before_a_rotation_still_open(team: Path) -> None:
    worked(team, "bob", 1)
    sc(team, "ada", "hub", "rotate", "--role", "evolver")
    worked(team, "cyd", 1)
    assert sc(team, "ada", "evolve", "--hub", "team")["collected"]["taken"] == 2


def test_old_objects_go_after_they_were_taken(team: Path) -> None:
    old = posted(team, "bob", claimed("0123456789abcdef"), 1, day="2020-01-01")
    new = posted(team, "bob", claimed("0123456789abcdee", 2), 2, day="2199-01-01")
    collected = sc(team, "ada", "evolve", "--hub", "team")["collected"]
    assert (collected["taken"], collected["expired"]) == (2, 1)
    assert old not in list_sessions(hub(team)) and new in list_sessions(hub(team))
