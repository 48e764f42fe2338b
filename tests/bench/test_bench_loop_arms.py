"""Arms beside the evolving one, a skill that is planted, and a rule that changes in the middle of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_bench_loop_run import MADE, SKILL, Desk, Worker, begin, desk, go, of, plan, told

from skillclaw.bench.loop.results import read_results
from skillclaw.bench.loop.run import run_loop
from skillclaw.bench.suites import Grade

__all__ = ["desk"]

ALL = ("evolving", "frozen", "ceiling", "no-gate", "single", "llm")


def test_every_arm_that_learns_has_its_own_days_and_nights_and_is_measured_last(
    desk: Desk, tmp_path: Path
) -> None:
    MADE.clear()
    made = plan(arms=ALL)
    assert run_loop(begin(tmp_path / "run", desk, Worker(), made, evolver={"evolve.engine": "llm"}))
    ways = {rig.place.name: (rig.names, rig.way) for rig in MADE}
    both = ["user1", "user2"]
    team = {"policy": "team", "gate": True, "settings": {}}
    assert ways == {
        "rig": (both, team),
        "no-gate": (both, team | {"gate": False}),
        "single": (["user1"], team | {"policy": "solo"}),
        "llm": (both, team | {"settings": {"evolve.engine": "llm"}}),
    }
    stream = of(tmp_path / "run", "stream")
    sessions = Counter(a.arm for a in stream)
    assert set(sessions.values()) == {3 * 2 * 3} and set(sessions) == set(ALL) - {"frozen", "ceiling"}
    # One user does the very tasks that all users do.
    tasks = {arm: sorted((a.day, a.task) for a in stream if a.arm == arm) for arm in sessions}
    assert tasks["single"] == tasks["evolving"] == tasks["no-gate"]
    assert {a.user for a in stream if a.arm == "single"} == {"user1"}
    days = {arm: {a.day for a in of(tmp_path / "run", "held_out") if a.arm == arm} for arm in ALL}
    assert days == {arm: {1, 2, 3, 4} if arm in ALL[:3] else {4} for arm in ALL}
    nights = read_results(tmp_path / "run" / "results.jsonl")[1]
    assert sorted((n.arm, n.day) for n in nights) == sorted((a, d) for a in sessions for d in (1, 2, 3))


def test_a_run_of_many_arms_that_is_stopped_anywhere_ends_as_one_that_was_not(
    desk: Desk, tmp_path: Path
) -> None:
    made = plan(arms=ALL, days=3)
    assert go(tmp_path / "whole", desk, Worker(), made=made)
    stops = 0
    while not go(tmp_path / "run", desk, Worker(stop_after=40 + stops % 5), made=made):
        stops += 1
        assert stops < 60
    assert stops > 2
    assert told(tmp_path / "run") == told(tmp_path / "whole")


def test_the_forecast_counts_every_arm(desk: Desk, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", desk, Worker(), plan(arms=ALL))
    before = run.forecast()
    assert run_loop(run)
    entered = run.forecast()
    assert entered.left == 0 and entered.attempts == len(run.results.attempts) <= before.attempts


def test_a_day_of_which_the_answers_are_remembered_may_be_stopped_in_its_middle(
    desk: Desk, tmp_path: Path
) -> None:
    worker = Worker()
    run = begin(tmp_path / "run", desk, worker, plan(screen=0), resumes=True)
    measured = 2 * 5 * 3
    run.until = lambda: len(worker.calls) >= measured + 2
    assert not run.go_on()
    assert run.results.nights == [] and of(tmp_path / "run", "stream") == []
    run.until = lambda: False
    assert run.go_on()
    assert len(of(tmp_path / "run", "stream")) == 3 * 2 * 3
    run.results.close()


def test_a_planted_skill_is_there_from_its_day_on_and_is_followed(desk: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong" / "whistle"
    wrong.mkdir(parents=True)
    (wrong / "SKILL.md").write_text(SKILL.replace("bell", "whistle"))
    made = plan(plant="whistle", plant_day=2, watched=("Ring the whistle", "Ring the bell"))
    run = begin(tmp_path / "run", desk, Worker(), made, planted=wrong)
    assert run_loop(run)
    offered = {a.day: a.skills for a in run.results.attempts if (a.arm, a.phase) == ("evolving", "held_out")}
    assert offered == {1: (), 2: ("whistle",), 3: ("bell", "whistle"), 4: ("bell", "whistle")}
    assert [n.holds for n in run.results.nights] == [
        ("Ring the whistle",),
        *[("Ring the whistle", "Ring the bell")] * 2,
    ]


class Later(Desk):
    """The same tasks, and nothing is right any more."""

    def grade(self, task: Any, workspace: object, transcript: Sequence[Mapping[str, Any]]) -> Grade:
        return msgspec.structs.replace(super().grade(task, workspace, transcript), success=False, score=0.0)


@pytest.mark.parametrize("day", [2, 3])
def test_from_its_day_on_the_suite_is_the_drifted_one(desk: Desk, tmp_path: Path, day: int) -> None:
    made = plan(drift="bell", drift_day=day)
    run = begin(tmp_path / "run", desk, Worker(), made, drifted=Later(desk.curated()))
    assert run_loop(run)
    right = {a.day for a in run.results.attempts if a.success and a.phase == "held_out"}
    assert right == set(range(1, day))
    assert {a.day for a in run.results.attempts if a.success and a.phase == "stream"} <= right
