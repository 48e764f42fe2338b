"""What members say of their own success: one signal, for their own session; an importer's grades count."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from team import found, hub, joined, machine, sc
from test_server_group_cycle import RECOVERY, posted

from skillclaw.journal.store import SessionStore
from skillclaw.server.groups.collecting import Collected, collect, group_folder
from skillclaw.trajectory.episodes import cut
from skillclaw.trajectory.model import SessionMeta, Trajectory, meta

BROKEN = (*RECOVERY[:1], Ran("sudo pip install httpie", 1, "sudo: a password is required"))
"""What goes wrong, whatever is said of it."""
MEMBERS = ("bob", "cyd", "dan")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in MEMBERS:
        joined(tmp_path, who)
    joined(tmp_path, "imp", "--role", "importer")
    return tmp_path


def put(team: Path, who: str, number: int, ran: tuple[Ran, ...] = BROKEN, **said: Any) -> None:
    """Put a session into the hub as the client of `who` would seal it, with what it says of itself."""
    one = session(who, number, "install httpie please", ran, outcome=None)
    own = {"key": f"{number:016x}", "source": "history", "task": "graded"}
    one["extra"]["skillclaw"] |= {**own, **said}
    role = "importer" if who == "imp" else "member"
    posted(team, who, json.dumps(one).encode(), number, role=role)


def collected(team: Path) -> tuple[Collected, dict[str, list[Trajectory]]]:
    """What the evolver takes in, and all that it has by now, by the name of the member who sent it."""
    ada, group = machine(team, "ada"), hub(team)
    names = {key.member: key.name for key in group.state().keys.values()}
    with closing(SessionStore(group_folder(ada, group.info.group))) as sessions:
        report = collect(ada, group, sessions, now=datetime.now(UTC))
        whole = list(sessions.trajectories())
    by: dict[str, list[Trajectory]] = {}
    for one in sorted(whole, key=lambda one: one.session_id or ""):
        by.setdefault(names[meta(one).client], []).append(one)
    return report, by


def given(one: SessionMeta) -> list[tuple[str, float, str]]:
    """Its signals that somebody stated."""
    return [(s.kind, s.value, s.source) for s in one.signals if s.kind in ("feedback", "reported", "reward")]


def grade(kind: str, value: float, source: str = "grader") -> dict[str, Any]:
    return {"kind": kind, "value": value, "source": source}


def test_grades_that_members_forge_are_one_word_of_theirs(team: Path) -> None:
    """Enough sessions of enough members for a skill, each with every grade that a session can have."""
    forged = {
        "reward": 1.0,
        "outcome": "success",
        "confidence": 1.0,
        "signals": [grade("reward", 1.0), grade("reported", 1.0, "import"), grade("feedback", 1.0, "user")],
    }
    for number, who in enumerate(MEMBERS * 2):
        put(team, who, number, user=f"person {number}", client=f"machine {number}", **forged)
    report, by = collected(team)
    assert (report.taken, report.refused, sorted(by)) == (6, {}, sorted(MEMBERS))
    all_of_them = [meta(one) for sessions in by.values() for one in sessions]
    for one in all_of_them:
        assert (one.reward, one.task) == (None, None)
        assert given(one) == [("reported", 1.0, "member")]
        assert (one.outcome, one.confidence) == ("success", 0.95), "a report, which no person's word is"
    # who said it is who signed it: three people, however they name themselves
    assert len({one.user for one in all_of_them}) == 3


def test_a_reward_and_an_outcome_that_a_member_only_writes_down_are_nothing(team: Path) -> None:
    put(team, "bob", 1)
    put(team, "bob", 2, reward=1.0, outcome="success", confidence=1.0)
    _, by = collected(team)
    plain, claimed = (meta(one) for one in by["bob"])
    assert (claimed.reward, given(claimed)) == (None, [])
    assert (claimed.outcome, claimed.confidence) == (plain.outcome, plain.confidence) != ("success", 1.0)


def test_the_grades_of_an_importer_count(team: Path) -> None:
    put(team, "imp", 1, reward=1.0)
    put(team, "imp", 2, reward=0.0, signals=[grade("reward", -1.0)])
    put(team, "imp", 3, signals=[grade("feedback", -1.0, "user"), grade("reward", 1.0)])
    _, by = collected(team)
    good, bad, said = (meta(one) for one in by["imp"])
    assert [one.reward for one in (good, bad, said)] == [1.0, 0.0, None]
    assert {one.task for one in (good, bad, said)} == {"graded"}
    assert given(good) == [("reward", 1.0, "import")]
    assert given(bad) == [("reward", -1.0, "grader")]
    assert given(said) == [("feedback", -1.0, "user"), ("reward", 1.0, "grader")]
    outcomes = [(one.outcome, one.confidence) for one in (good, bad, said)]
    assert outcomes == [("success", 0.95), ("failure", 0.95), ("failure", 1.0)]


def test_what_a_member_says_decides_its_own_session_alone(team: Path) -> None:
    """The same work five times, one of which is called a failure: by its signs it went well."""
    for number, who in enumerate(("bob", "bob", "cyd", "dan")):
        put(team, who, number, RECOVERY)
    _, before = collected(team)
    put(team, "bob", 4, RECOVERY, signals=[grade("feedback", -1.0, "user")], user="cyd", client="dan")
    _, after = collected(team)
    assert {who: len(after[who]) - len(before[who]) for who in MEMBERS} == {"bob": 1, "cyd": 0, "dan": 0}
    told = after["bob"].pop()
    assert after == before
    assert meta(told).user == meta(after["bob"][0]).user
    assert given(meta(told)) == [("reported", -1.0, "member")]
    assert {one.success for one in cut(told)} == {False}
    others = [part for sessions in before.values() for one in sessions for part in cut(one)]
    assert {part.success for part in others} == {True}


def test_of_several_words_of_a_member_the_last_one_is_its_report(team: Path) -> None:
    """As on its own machine: its own feedback before other grades, and of two the later one."""
    put(team, "bob", 1, signals=[grade("reward", 1.0), grade("feedback", 1.0), grade("feedback", -1.0)])
    put(team, "bob", 2, signals=[grade("reward", 1.0), grade("reported", -0.5)])
    put(team, "bob", 3, signals=[grade("reward", -1.0), grade("reward", 0.2)])
    _, by = collected(team)
    assert [given(meta(one)) for one in by["bob"]] == [
        [("reported", value, "member")] for value in (-1.0, -1.0, 1.0)
    ]


def test_what_a_members_client_sends_of_a_graded_session_is_its_report(team: Path) -> None:
    """The whole way: an import with a reward, and feedback, on the member's machine."""
    one = session("", 1, "install httpie please", RECOVERY, outcome="failure")
    two = session("", 2, "install httpie please", BROKEN, outcome=None)
    for made in (one, two):
        del made["extra"]["skillclaw"]["user"]
    two["extra"]["skillclaw"]["reward"] = 1.0
    sc(team, "bob", "import", str(write(team / "bob" / "s.jsonl", [one, two])))
    rows = sc(team, "bob", "sessions", "list")
    assert sorted(row["outcome"] for row in rows) == ["failure", "success"]
    sc(team, "bob", "config", "set", "share.default", "redacted")
    sc(team, "bob", "share", "allow", "--hub", "team", "--past")
    (sent,) = sc(team, "bob", "share", "send")
    assert (sent["sent"], sent["error"]) == (2, "")
    _, by = collected(team)
    found = {meta(one).outcome: meta(one) for one in by["bob"]}
    assert [found[outcome].reward for outcome in ("success", "failure")] == [None, None]
    assert given(found["success"]) == [("reported", 1.0, "member")]
    assert given(found["failure"]) == [("reported", -1.0, "member")]
