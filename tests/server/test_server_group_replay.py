"""Replay in a group: on sessions that members sent to the evolver, which nobody else gets to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from asked import skill_in
from atif_sessions import Ran, session, write
from providers import Act, Call, Provider
from team import found, hub, joined, sc, state

from skillclaw.errors import UsageError
from skillclaw.skills.records import Proposal

STEPS = [
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing in Zanzibar"),
]


def knows_by_the_skill(body: dict[str, Any]) -> Act:
    prompt = body["messages"][1]["content"]
    return Call("Bash", {"command": "npm ci" if "npm ci" in skill_in(prompt) else "npm test"})


def replaying(place: Path, url: str) -> None:
    for key, value in (
        ("evolve.model.name", "m"),
        ("evolve.model.url", url),
        ("gate.replay.mode", "decision"),
    ):
        sc(place, "ada", "config", "set", key, value)


@pytest.mark.slow
def test_the_evolver_tries_what_members_sent_and_the_hub_gets_the_verdict_alone(tmp_path: Path) -> None:
    found(tmp_path)
    for who in ("bob", "cyd", "dan"):
        joined(tmp_path, who)
        made = [session("", n, "run the test-suite of this project", STEPS) for n in range(5)]
        for number, one in enumerate(made):
            del one["extra"]["skillclaw"]["user"]
            one["session_id"] = f"{who}-{number}"
        sc(tmp_path, who, "import", str(write(tmp_path / who / "s.jsonl", made)))
        sc(tmp_path, who, "config", "set", "share.default", "redacted")
        sc(tmp_path, who, "share", "allow", "--hub", "team", "--past")
        assert sc(tmp_path, who, "share", "send")[0]["sent"] == 5
    with Provider("chat", knows_by_the_skill) as provider:
        replaying(tmp_path, provider.url)
        report = sc(tmp_path, "ada", "evolve", "--hub", "team")
        asked = len(provider.seen)
    (result,) = report["replays"]
    assert [(one["before"], one["after"]) for one in result["scores"]] == [([0.0] * 5, [1.0] * 5)] * 4
    assert asked == result["cost"]["calls"] == 60
    (known,) = state(tmp_path).proposals.values()
    assert known.status == "released"
    (said,) = [one for one in known.verdicts if one.check == "replay"]
    assert said.verdict == "pass" and "4 of 4 cases won" in said.reason
    record = msgspec.json.decode(hub(tmp_path).get_object(known.object), type=Proposal)
    assert record.patterns == []
    for path in (tmp_path / "group").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Zanzibar" not in data and b"held_out" not in data, path
    shown = sc(tmp_path, "ada", "proposals", "show", known.id)
    assert shown["replay"]["scores"] == result["scores"]
    assert sc(tmp_path, "bob", "proposals", "show", known.id)["replay"] is None


def test_nothing_is_replayed_by_a_provider_that_the_group_was_not_told_of(tmp_path: Path) -> None:
    found(tmp_path)
    replaying(tmp_path, "https://api.example.org/v1")
    with pytest.raises(UsageError, match=r"api\.example\.org to be replayed"):
        sc(tmp_path, "ada", "evolve", "--hub", "team")
    sc(tmp_path, "ada", "config", "set", "gate.replay.mode", "off")
    assert sc(tmp_path, "ada", "evolve", "--hub", "team")["replays"] == []
