"""The kept reports of the replay bench say what its own rule makes of their scores."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from skillclaw.gate import policy
from skillclaw.gate.replay.deciding import counted, replay_verdict
from skillclaw.gate.replay.records import CaseScore, ReplayResult

KEPT = Path(__file__).parents[2] / "docs" / "runs" / "replay"
TABLE = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")


@pytest.mark.parametrize("topic", sorted(path.name for path in KEPT.iterdir()))
def test_the_mined_skill_passes_and_no_wrong_one_does(topic: str) -> None:
    report = json.loads((KEPT / topic / "report.json").read_text("utf-8"))
    assert report["done"] and report["held"]
    passed = []
    for row in report["skills"]:
        scores = msgspec.convert(row["scores"], list[CaseScore])
        result = ReplayResult(proposal="p", scores=scores)
        assert counted(result) == {name: row[name] for name in ("won", "lost", "tied", "void")}
        assert replay_verdict(result, policy("strict")).verdict == row["verdict"]
        if row["verdict"] == "pass":
            passed.append(row["skill"])
        start = f"| `{row['skill']}` | {len(scores)} | {row['won']} | {row['lost']} | {row['tied']}"
        assert start in TABLE, "the page shows it"
    assert passed == ["mined"] and len(report["skills"]) == 4


def test_there_are_two_topics() -> None:
    assert sorted(path.name for path in KEPT.iterdir()) == ["calendar", "email"]
