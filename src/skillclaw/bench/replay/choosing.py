"""The candidates for cases, and how the bare model does at them. See `screening` for the rule."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from skillclaw.bench.replay.desk import LONG, Desk, Progress
from skillclaw.bench.replay.runs import with_tools
from skillclaw.bench.replay.screening import Screened, screen, stays
from skillclaw.bench.replay_tasks import SuiteTasks
from skillclaw.bench.suites import load_suite
from skillclaw.errors import SkillClawError
from skillclaw.evolve.replay.cases import Case, CaseSources, find_cases
from skillclaw.evolve.replay.choosing import choose_points
from skillclaw.evolve.replay.decision import agents_tools, decision_scores
from skillclaw.evolve.replay.decision_asking import Tool
from skillclaw.evolve.replay.decision_points import Point
from skillclaw.evolve.replay.replayer import OTHERS
from skillclaw.evolve.replay.trying import try_case
from skillclaw.skills.records import Proposal, content_id
from skillclaw.trajectory.model import meta

__all__ = ["CANDIDATES", "chosen_points", "chosen_tasks", "points_of", "tasks_of", "trying_on"]

CANDIDATES = 8
"""Candidates for each case that is wanted."""
COMMON = 0.1
"""Share of the skill's sessions that used a part of the office whose tools the agent gets: a small model has
to read every tool that it is told of."""
SCREEN_SEED = 1_000_003
UNDONE = "The cases could not be chosen."
GO_ON = "Mend that; the same command goes on."


def points_of(desk: Desk, mined: Proposal) -> list[Point]:
    """The decisions that the skill could be tried on, as the replay finds them."""
    return choose_points(mined, desk.context, CANDIDATES * desk.plan.cases)[0]


def chosen_points(
    desk: Desk, mined: Proposal, candidates: Sequence[Point], progress: Progress
) -> tuple[list[Point], list[Screened]]:
    """Those that the bare model fails. Raises SkillClawError where it cannot be asked."""
    keys = dict.fromkeys(ref.session for pattern in mined.patterns for ref in pattern.evidence)
    others = [one for key in list(keys)[:OTHERS] if (one := desk.lessons.session(key)) is not None]
    tools = agents_tools(candidates, others)
    tried = (lambda one: _decides(desk, one, tools)) if desk.plan.screen else None
    return screen(candidates, tried, desk.plan.cases, progress)


def _decides(desk: Desk, point: Point, tools: Mapping[str, Sequence[Tool]]) -> Screened:
    """Both sides are the bare model: the second is answered by what was recorded of the first."""
    assert desk.asker is not None
    with desk.timed():
        tried = decision_scores(
            [_with_other_seeds(point)],
            before="",
            after="",
            tools=tools,
            asker=desk.asker,
            redactor=desk.context.redactor,
            repeats=desk.plan.screen,
            max_calls=0,
            deadline=time.monotonic() + LONG,
        )
    if tried.cut_off:
        raise SkillClawError(UNDONE, tried.cut_off, GO_ON)
    scores = tried.scores[0].before
    name = meta(point.before).task or ""
    return Screened(case=point.case, name=name, kind="decision", scores=scores, stays=stays(scores))


def _with_other_seeds(point: Point) -> Point:
    """A case's seeds are made from its name."""
    then = None if point.then is None else replace(point.then, case=content_id("screen", point.then.case))
    return replace(point, case=content_id("screen", point.case), then=then)


def trying_on(proposal: Proposal, mined: Proposal, points: Sequence[Point]) -> Proposal:
    """The proposal, tried on just these decisions of `mined`: its patterns hold out no other session."""
    wanted = {(point.pattern, meta(point.before).key) for point in points}
    patterns = [
        replace(pattern, held_out=[ref for ref in pattern.held_out if (pattern.id, ref.session) in wanted])
        for pattern in mined.patterns
    ]
    return replace(proposal, patterns=patterns)


def tasks_of(desk: Desk, mined: Proposal) -> list[Case]:
    """Graded tasks that nothing was learned from and that the skill comes up for, with the tools of
    those parts of the office that a tenth of the sessions behind the skill used."""
    found = find_cases(
        mined,
        CaseSources(tasks=[SuiteTasks(load_suite("workbench"))], sessions=desk.lessons.outside),
        current_skills={},
        most=CANDIDATES * desk.plan.cases,
    )
    used: Counter[str] = Counter()
    keys = {ref.session for pattern in mined.patterns for ref in pattern.evidence}
    for session in (desk.lessons.session(key) for key in keys):
        calls = [call for step in session.steps for call in step.tool_calls or ()] if session else []
        used.update({call.function_name.partition(".")[0] for call in calls})
    domains = {name for name, sessions in used.items() if sessions >= COMMON * len(keys)}
    return [with_tools(one, domains, desk.plan.seconds) for one in found.cases]


def chosen_tasks(
    desk: Desk, candidates: Sequence[Case], progress: Progress
) -> tuple[list[Case], list[Screened]]:
    """Those that the agent without a skill fails. Raises SkillClawError where it cannot work."""
    tried = (lambda one: _works(desk, one)) if desk.plan.screen else None
    return screen(candidates, tried, desk.plan.cases, progress)


def _works(desk: Desk, case: Case) -> Screened:
    assert desk.runner is not None
    runs = try_case(
        case,
        desk.runner,
        {},
        repeats=desk.plan.screen,
        seed=SCREEN_SEED,
        ledger=desk.ledger,
        home=desk.home,
    )
    if all(score is None for score in runs.scores):
        raise SkillClawError(UNDONE, " ".join(runs.notes), GO_ON)
    scores = runs.scores
    return Screened(case=case.id, name=case.name, kind="executable", scores=scores, stays=stays(scores))
