"""The whole gate over days, in a group on a folder: a change is replayed on cases, voted on by idle machines,
approved by a person, measured by a switchback, and promoted; or rolled back, and gone with the next poll."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asked import skill_in
from atif_sessions import Ran, session, write
from chat_model import ChatModel, call, results, text
from past_days import Days, past
from team import found, joined, machine, printed, sc, state, taken
from voters import TEACHERS, status

from skillclaw.sandbox import why_no_room
from skillclaw.server.work import sync

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(why_no_room()), reason=why_no_room()),
]
VOTERS = ("eve", "fay")
CLIENTS = (*TEACHERS, *VOTERS)
DAYS = 15
ERROR = "error: externally-managed-environment\n\nThis environment is externally managed"
BROKEN = Ran("pip install httpie", 1, ERROR)
WORKING = [
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
]
ASKED = "install httpie please"


def model(request: dict[str, Any]) -> Any:
    """Knows nothing by itself, and does what the skill before it says: a case's agent's, and a voter's."""
    said = str(request["messages"])
    if any(tool["function"]["name"] == "Bash" for tool in request.get("tools", [])):
        asked = request["messages"][1]["content"]
        skill = skill_in(asked) if "BEGIN DATA" in asked else asked
        return call("Bash", command="python3 -m venv .venv" if "-m venv" in skill else "pip install httpie")
    if results(request):
        return text("Done.")
    return call("bash", command="touch made" if "-m venv" in said else "true")


@pytest.fixture
def days() -> Iterator[Days]:
    with past(22) as found_:
        yield found_


@pytest.fixture
def team(tmp_path: Path, days: Days) -> Iterator[Path]:
    """Ada evolves, rev reviews; three teach, and two whose machines vote; a model of everybody's own."""
    found(tmp_path)
    joined(tmp_path, "rev", "--role", "reviewer")
    with ChatModel(model) as served:
        for who in CLIENTS:
            joined(tmp_path, who)
        for who in ("ada", *CLIENTS):
            config(tmp_path, who, **{"evolve.model.name": "m", "evolve.model.url": served.url})
        for who in CLIENTS:
            folder = tmp_path / who / "skills"
            folder.mkdir()
            config(tmp_path, who, **{"sync.targets": json.dumps([str(folder)])})
        for who in TEACHERS:
            learnt(tmp_path, days, who, 2)
            shares(tmp_path, who)
        for who in VOTERS:
            learnt(tmp_path, days, who, 4)
            config(tmp_path, who, **{"gate.votes.enabled": "true"})
        for name in ("tool", "lib", "app"):
            folder = tmp_path / "ada" / ".skillclaw" / "cases" / name
            folder.mkdir(parents=True)
            (folder / "case.toml").write_text(
                f'instruction = "{ASKED}, for the {name}"\ntimeout = 20\n', "utf-8"
            )
            (folder / "grade.sh").write_text("[ -e made ]", "utf-8")
        config(tmp_path, "ada", **{"gate.replay.mode": "executable", "gate.replay.max_calls": "400"})
        sc(tmp_path, "ada", "hub", "settings", "policy", "strict")
        sc(tmp_path, "ada", "hub", "settings", "votes", '{"needed": 2, "voters": 2, "hours": 400}')
        yield tmp_path


def config(place: Path, who: str, **values: str) -> None:
    for key, value in values.items():
        sc(place, who, "config", "set", key, value)


def shares(place: Path, who: str) -> None:
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    sc(place, who, "share", "send")


def cycle(place: Path) -> dict[str, Any]:
    taken(place)
    report: dict[str, Any] = sc(place, "ada", "evolve", "--hub", "team")
    return report


def canary(team: Path, days: Days) -> str:
    """From sessions to a canary: replayed, voted on, approved. Its skill."""
    report = cycle(team)
    (waits,) = [one for one in report["proposals"] if one["verdict"] == "open"]
    (replay,) = report["replays"]
    assert replay["agent"] == "minimal" and len(replay["scores"]) == 3
    said = {one["check"]: (one["verdict"], one["reason"]) for one in waits["reasons"]}
    assert said["replay"][0] == "pass" and "3 of 3 cases won" in said["replay"][1]
    days.wait(0.1)
    for who in VOTERS:
        assert [one["state"] for one in sc(team, who, "jobs", "run")] == ["sent"]
    days.wait(0.1)
    (voted,) = [one for one in cycle(team)["proposals"] if one["id"] == waits["id"]]
    assert voted["verdict"] == "held", "strict asks a person, too"
    assert {one["check"]: one["verdict"] for one in voted["reasons"]}["votes"] == "pass"
    assert status(team, waits["id"]) == "held"
    days.wait(0.1)
    done = sc(team, "rev", "proposals", "approve", waits["id"], "--note", "It bit me too.")
    assert (done["released"]["stage"], done["released"]["share"]) == ("canary", 0.5)
    return str(waits["skill"])


def lived(team: Path, days: Days, skill: str, ran: Callable[[bool], list[Ran]]) -> dict[str, set[bool]]:
    """Days of five machines: each polls in the morning, and its agent works with what lies there.
    By client whether it had the skill."""
    had: dict[str, set[bool]] = {who: set() for who in CLIENTS}
    made: dict[str, list[dict[str, Any]]] = {who: [] for who in CLIENTS}
    for day in range(DAYS):
        days.wait(1)
        for who in CLIENTS:
            there = polled(team, days, who, skill)
            had[who].add(there)
            made[who].append(one_of(who, 100 + day, days.now + timedelta(hours=1), ran(there)))
    for who in CLIENTS:
        sc(team, who, "import", str(write(team / who / "live.jsonl", made[who])))
        shares(team, who)
    return had


def one_of(who: str, number: int, at: datetime, ran: list[Ran]) -> dict[str, Any]:
    """A session of the machine's own user."""
    one = session("", number, f"{ASKED} for {who}", ran)
    del one["extra"]["skillclaw"]["user"]
    one["session_id"] = f"{who}-{number}"
    one["steps"][0]["timestamp"] = at.isoformat()
    return one


def learnt(place: Path, days: Days, who: str, count: int) -> None:
    """Sessions of the days before, in which it went wrong first."""
    made = [one_of(who, n, days.now - timedelta(days=n + 1), [BROKEN, *WORKING]) for n in range(count)]
    sc(place, who, "import", str(write(place / who / "before.jsonl", made)))


def polled(team: Path, days: Days, who: str, skill: str) -> bool:
    """Sync as the daemon of `who` does; whether the skill lies there then."""
    at = machine(team, who)
    at.hubs.clock = lambda: days.now
    sync(at)
    return (team / who / "skills" / skill / "SKILL.md").exists()


@pytest.mark.slow
def test_a_change_that_helps_comes_to_everybody_and_its_story_is_told(team: Path, days: Days) -> None:
    skill = canary(team, days)
    had = lived(team, days, skill, lambda there: WORKING if there else [BROKEN, *WORKING])
    assert any(len(found_) == 2 for found_ in had.values()), "the days took turns"
    days.wait(1)
    report = cycle(team)
    (rollout,) = report["rollouts"]
    assert rollout["action"] == "promote", rollout["why"]
    effect = rollout["effect"]
    assert (effect["endpoint"], effect["treated_rate"], effect["control_rate"]) == ("event", 0.0, 1.0)
    assert effect["clients"] == len(CLIENTS) and effect["treated_n"] + effect["control_n"] == DAYS * 5
    assert state(team).skills[skill].stage == "stable"
    assert all(polled(team, days, who, skill) for who in CLIENTS), "no block withholds it any more"
    told = printed(team, "bob", "skills", "log", f"team/{skill}")
    assert "Released as a canary, which each client has on 50% of the days" in told
    assert "approved by rev (reviewer: It bit me too.)" in told
    assert "Stable since then. It helps: the failure that it is about 0% with it, 100% without" in told
    assert "Not decided yet" not in told


def test_a_change_that_harms_is_rolled_back_and_gone_with_the_next_poll(team: Path, days: Days) -> None:
    skill = canary(team, days)
    days.wait(0.5)
    assert "0 of 40 eligible sessions" in cycle(team)["rollouts"][0]["why"]
    told = printed(team, "ada", "skills", "log", f"team/{skill}")
    assert "Not decided yet. Not enough data yet: 0 of 40 eligible sessions, 0 of 3 people." in told
    assert "Not decided yet.\n" in printed(team, "bob", "skills", "log", f"team/{skill}")
    lived(team, days, skill, lambda there: [BROKEN, *WORKING] if there else WORKING)
    days.wait(1)
    (rollout,) = cycle(team)["rollouts"]
    assert rollout["action"] == "rollback" and rollout["why"].startswith("It harms: the failure")
    assert state(team).skills[skill].current is None
    assert not any(polled(team, days, who, skill) for who in CLIENTS)
    told = printed(team, "bob", "skills", "log", f"team/{skill}")
    assert "Rolled back; nothing took its place. It harms" in told
    days.wait(0.2)
    assert cycle(team)["released"] == [], "what harmed is not released again from the same evidence"
