"""One run of the bench in its folder: learn, choose cases, try the skills on them.

Everything that a model answered is kept in the folder, so that the same command goes on where it was killed
and asks nothing twice: decisions as recorded answers (`home/evolve/models`), agents' runs in `runs.jsonl`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from skillclaw.bench.replay.choosing import (
    CANDIDATES,
    chosen_points,
    chosen_tasks,
    points_of,
    tasks_of,
    trying_on,
)
from skillclaw.bench.replay.desk import LONG, Desk, Progress
from skillclaw.bench.replay.lessons import Cycle, about, learn, with_held_out
from skillclaw.bench.replay.runs import SuiteRuns
from skillclaw.bench.replay.screening import NO_RULE, RULE, Screened
from skillclaw.bench.replay.wrong import misled, plausible, shuffled
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.decision_points import Point
from skillclaw.evolve.replay.plan import ReplayPlan
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.gate import judge, prune
from skillclaw.gate.checks import replay as replay_check
from skillclaw.gate.replay.deciding import counted, proven_p
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.library.folders import to_folder
from skillclaw.settings import ReplaySettings
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.trajectory.model import meta

__all__ = ["Skills", "forecast", "mined_skills", "run_replay_bench", "write_skills"]

REPORT = "report.json"
GOOD = "mined"

Skills = Mapping[str, Proposal]


def mined_skills(desk: Desk, cycle: Cycle) -> Skills:
    """The mined skill as the gate leaves it, and the wrong ones, for the same sessions."""
    found = learn(desk.lessons, desk.home, cycle)
    mined, _ = prune(about(found, desk.plan.topic), desk.context)
    taught = {meta(one).task or "" for one in desk.lessons.teaching()}
    mined = with_held_out(mined, list(desk.lessons.outside()), taught)
    return {
        GOOD: mined,
        "shuffled": shuffled(mined, found),
        "plausible": plausible(mined, desk.plan.topic),
        "misled": misled(mined, desk.plan.topic),
    }


def forecast(desk: Desk, skills: Skills) -> dict[str, Any]:
    """What a run takes at most; nothing is asked. `seconds` are null where the pace is not known yet. Of
    each case one side more is run than there are skills: that without any."""
    plan, mined = desk.plan, skills[GOOD]
    sides = (1 + len(skills)) * plan.cases * plan.repeats
    found: dict[str, Any] = {"decisions": None, "tasks": None}
    if desk.asker is not None:
        candidates = len(points_of(desk, mined))
        calls = candidates * plan.screen + sides
        each = desk.pace.each
        found["decisions"] = {
            "candidates": candidates,
            "calls": [calls, 2 * calls],
            "tokens_each": round(desk.pace.tokens / desk.pace.calls) if desk.pace.calls else None,
            "seconds": None if each is None else [round(calls * each), round(2 * calls * each)],
        }
    if desk.runner is not None:
        candidates = len(tasks_of(desk, mined))
        runs, each = candidates * plan.screen + sides, desk.runner.each
        found["tasks"] = {
            "candidates": candidates,
            "runs": runs,
            "seconds": None if each is None else round(runs * each),
        }
    return found


def run_replay_bench(
    desk: Desk, skills: Skills, *, progress: Progress = lambda done, total, what: None
) -> dict[str, Any]:
    """Choose the cases and try the skills; what was found is in `report.json` too, as far as it goes.

    Raises SkillClawError where the model cannot be asked: what was answered by then is kept.
    """
    mined = skills[GOOD]
    points: list[Point] = []
    tasks: list[Case] = []
    looked: list[Screened] = []
    if desk.asker is not None:
        points, seen = chosen_points(desk, mined, points_of(desk, mined), progress)
        looked += seen
    if desk.runner is not None:
        tasks, seen = chosen_tasks(desk, tasks_of(desk, mined), progress)
        looked += seen
    runs = SuiteRuns(tasks, desk.runner, desk.ledger) if desk.runner is not None else None
    rows: list[dict[str, Any]] = []
    for name, proposal in skills.items():

        def shown(done: int, total: int, name: str = name) -> None:
            progress(done, total, f"trying the {name} skill")

        rows.append(_tried(desk, name, trying_on(proposal, mined, points), runs, shown))
        report = _report(desk, looked, rows, done=len(rows) == len(skills))
    return report


def _tried(
    desk: Desk,
    name: str,
    proposal: Proposal,
    runs: SuiteRuns | None,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """The check `replay` on one skill, as the policy `strict` asks it; and what the other checks say."""
    plan = desk.plan
    settings = ReplaySettings(mode=plan.mode, repeats=plan.repeats, max_calls=0, max_seconds=LONG)
    replayer = Replayer(
        plan=ReplayPlan(settings=settings, model=desk.model),
        context=desk.context,
        home=desk.home,
        asker=desk.asker,
        executable=runs,
        progress=progress,
    )
    with desk.timed():
        (verdict,) = replay_check.check(proposal, desk.context.with_replayer(replayer))
    result = replayer.results[proposal.id]
    why = replayer.cut_off.get(proposal.id, "") or (runs.cut_off if runs is not None else "")
    if why:
        raise SkillClawError(f"The {name} skill was not tried to the end.", why, "The same command goes on.")
    whole = judge(proposal, desk.context.with_replayer(lambda _: result))
    return _row(name, result, verdict, whole)


def _row(name: str, result: ReplayResult, verdict: Verdict, whole: Sequence[Verdict]) -> dict[str, Any]:
    count = counted(result)
    return {
        "skill": name,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        **{str(end): number for end, number in count.items()},
        "p": proven_p(count["won"], count["lost"]),
        "cost": msgspec.to_builtins(result.cost),
        "others": [
            {"check": one.check, "verdict": one.verdict, "reason": one.reason}
            for one in whole
            if one.verdict in ("hold", "reject") and one.check != "replay"
        ],
        "scores": msgspec.to_builtins(result.scores),
    }


def _report(
    desk: Desk, looked: Sequence[Screened], rows: Sequence[dict[str, Any]], *, done: bool
) -> dict[str, Any]:
    """`held`: the mined skill passed and no other did; null while not all are tried."""
    passed = {row["skill"]: row["verdict"] == "pass" for row in rows}
    found = {
        "plan": msgspec.to_builtins(desk.plan),
        "rule": RULE if desk.plan.screen else NO_RULE,
        "screening": msgspec.to_builtins(list(looked)),
        "candidates_for_each": CANDIDATES,
        "skills": list(rows),
        "pace": msgspec.to_builtins(desk.pace),
        "done": done,
        "held": None if not done else all(good == (name == GOOD) for name, good in passed.items()),
    }
    try:
        (desk.folder / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
    except OSError as error:
        raise StorageError(f"Cannot write to {desk.folder}.", str(error), "Free space; go on.") from error
    return found


def write_skills(desk: Desk, skills: Skills) -> None:
    """Put the skills where a person can read them: `skills/` in the run's folder."""
    try:
        (desk.folder / "skills").mkdir(exist_ok=True)
        for name, proposal in skills.items():
            if proposal.bundle is not None and not (place := desk.folder / "skills" / name).exists():
                to_folder(proposal.bundle, place)
    except OSError as error:
        raise StorageError(f"Cannot write to {desk.folder}.", str(error), "Free space; go on.") from error
