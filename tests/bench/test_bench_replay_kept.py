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


@pytest.mark.parametrize(
    ("run", "good"),
    [
        ("calendar", ["mined"]),
        ("email", ["mined"]),
        ("email-1-3", ["mined"]),
        ("email-4-6", ["mined"]),
        ("calendar-1-3", []),
        ("calendar-4-6", []),
    ],
)
def test_no_wrong_skill_passes_and_the_page_says_where_the_mined_one_does(run: str, good: list[str]) -> None:
    report = json.loads((KEPT / run / "report.json").read_text("utf-8"))
    assert report["done"] and report["held"] == bool(good)
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
    assert passed == good and len(report["skills"]) == 4


def test_the_attempt_that_was_stopped_is_kept_with_its_result() -> None:
    report = json.loads((KEPT / "calendar-first" / "report.json").read_text("utf-8"))
    assert not report["done"]
    told = [(row["skill"], row["verdict"], row["won"], row["lost"]) for row in report["skills"]]
    assert told == [("mined", "reject", 0, 1), ("shuffled", "reject", 0, 2)]
    assert "`mined` won none of 6 and lost 1, `shuffled` lost 2" in TABLE


def test_the_page_counts_the_right_answers_of_the_wrong_skills() -> None:
    report = json.loads((KEPT / "email" / "report.json").read_text("utf-8"))
    right = {
        row["skill"]: sum(one == 1 for score in row["scores"] for one in score["after"])
        for row in report["skills"]
    }
    assert right == {"mined": 20, "plausible": 13, "misled": 10, "shuffled": 0}
    assert "in 13 of 20 answers" in TABLE and "in 10 of 20" in TABLE


def test_the_page_counts_the_answers_that_give_the_argument() -> None:
    for run, expected in (("calendar-1-3", (0, 4)), ("calendar", (1, 16)), ("calendar-4-6", (0, 0))):
        report = json.loads((KEPT / run / "report.json").read_text("utf-8"))
        (mined,) = (row["scores"] for row in report["skills"] if row["skill"] == "mined")
        right = [sum(one == 1 for score in mined for one in score[side]) for side in ("before", "after")]
        assert tuple(right) == expected
    assert "in 4 of 30 tries with the skill and in none of 30 without" in TABLE
    assert "it was 16 of 30" in TABLE and "none of the 30 answers with it works" in TABLE
