"""Decision-point replay: at recorded steps that went wrong a model is asked for the next action.

It is asked with the skill as it is and with the change; its answer is scored by shape. No tool is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from skillclaw.evolve.models import ModelError, Spending
from skillclaw.evolve.replay.decision_asking import STAGE, Tool, ask, once_more, prompt_of, tools_of
from skillclaw.evolve.replay.decision_done import done_before
from skillclaw.evolve.replay.decision_naming import names
from skillclaw.evolve.replay.decision_points import Point, next_move
from skillclaw.evolve.replay.decision_scoring import FAILS, NEITHER, WORKS, known_to_matter, score, ways
from skillclaw.gate.replay.records import CaseScore, Cost
from skillclaw.trajectory.model import Record, Trajectory

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.gate.context import Masker

__all__ = ["Tried", "agents_tools", "decision_scores"]

SESSIONS = 12
"""Sessions of an agent that are looked through for its tools, beside the cases themselves."""

LATER = 0.75
"""The score of an answer that makes the failing call and then, when it failed, does what works."""

SPARE = 1500
"""Tokens of a model's context that are left for its answer and the tools."""

AGAIN = 2
"""Times that a model which makes a call anew, whose result it has before it, is told so and asked on."""

FAILURES = 3
"""Questions in a row that brought no answer, after which no more are asked."""


class Tried(Record, frozen=True, kw_only=True):
    """What trying the cases gave. `cut_off`: why not all of them were tried, where another time may do better
    (the provider, the budget); empty where all were."""

    scores: list[CaseScore] = []
    cost: Cost = Cost()
    cut_off: str = ""


def agents_tools(points: Sequence[Point], others: Sequence[Trajectory]) -> dict[str, list[Tool]]:
    """By agent its tools, as the cases' sessions and `others` used them."""
    sessions: dict[str, list[Trajectory]] = {}
    for session in (*(point.before for point in points), *others):
        sessions.setdefault(session.agent.name, []).append(session)
    cases = {point.before.agent.name for point in points}
    return {
        agent: tools_of(own[: len(points) + SESSIONS]) for agent, own in sessions.items() if agent in cases
    }


def decision_scores(
    points: Sequence[Point],
    *,
    before: str,
    after: str,
    tools: Mapping[str, Sequence[Tool]],
    asker: Asker,
    redactor: Masker,
    repeats: int,
    max_calls: int,
    deadline: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tried:
    """Ask at every point `repeats` times with the skill text `before` and with `after`, in turn, with equal
    seeds. `deadline` is a time of `time.monotonic`, `max_calls` bounds the requests that are paid for."""
    began, spent = time.monotonic(), _spent(asker)
    scores: list[CaseScore] = []
    cut_off, lost, failed, total = "", "", 0, 2 * repeats * len(points)
    for number, point in enumerate(points):
        own = tools.get(point.before.agent.name, ())
        trials = [_Trial(asker, point, skill, own, redactor) for skill in (before, after)]
        sides: list[list[float | None]] = [[], []]
        for repeat in range(repeats):
            for side, trial in zip(sides, trials, strict=True):
                progress(number * 2 * repeats + repeat * 2, total)
                if not cut_off and time.monotonic() > deadline:
                    cut_off = "It took longer than gate.replay.max_seconds."
                if not cut_off and max_calls and _spent(asker).calls - spent.calls >= max_calls:
                    cut_off = "It took more calls than gate.replay.max_calls."
                if cut_off:
                    side.append(None)
                    continue
                try:
                    side.append(trial.score(repeat))
                    failed = 0
                except ModelError as error:
                    side.append(None)
                    if error.kind == "unusable":
                        continue
                    failed += error.kind != "not recorded"
                    lost = " ".join(f"{error.what} {error.why} {error.todo}".split())
                    if error.final or failed >= FAILURES:
                        cut_off = lost
        scores.append(
            CaseScore(
                case=point.case,
                kind="decision",
                source="recorded",
                user=point.user,
                before=sides[0],
                after=sides[1],
                named=[repeat not in trials[1].beside for repeat in range(repeats)],
            )
        )
    used = _spent(asker)
    cost = Cost(
        calls=used.calls - spent.calls,
        tokens=used.tokens - spent.tokens,
        usd=round(used.usd - spent.usd, 6) if asker.ledger.priced else None,
        seconds=round(time.monotonic() - began, 1),
    )
    return Tried(scores=scores, cost=cost, cut_off=cut_off or lost)


class _Trial:
    """One side of a case. `beside`: the repeats in which what worked is nothing that the skill names."""

    def __init__(
        self, asker: Asker, point: Point, skill: str, tools: Sequence[Tool], redactor: Masker
    ) -> None:
        room = asker.context_tokens - SPARE
        self._asker, self._tools, self._redactor = asker, tools, redactor
        self._skill = skill
        self.beside: set[int] = set()
        self._prompts = [
            (one, prompt_of(one, skill, redactor, room)) for one in (point, point.then) if one is not None
        ]

    def score(self, repeat: int) -> float | None:
        """How the model does this time; None where its answer is no action. Raises ModelError."""
        (first, *then) = self._prompts
        try:
            found = self._asked(*first, repeat)
        except ModelError:
            if self._asker.offline:
                for one in then:  # what it may take at most is told, too
                    self._asked(*one, repeat)
            raise
        if found != FAILS or not then:
            return found
        found = self._asked(*then[0], repeat)
        return LATER if found == WORKS else found

    def _asked(self, point: Point, prompt: str, repeat: int) -> float | None:
        for time_ in range(AGAIN + 1):
            called = ask(self._asker, prompt, self._tools, _seed(point, repeat))
            if called is None:
                return None
            move = next_move(point, called.tool, called.arguments)
            found = score(point, move)
            if found == WORKS and not any(
                names(self._skill, way, point.failing, known_to_matter(point)) for way in ways(point, move)
            ):
                self.beside.add(repeat)
            act = done_before(point.before, called.tool, called.arguments) if found == NEITHER else None
            if act is None or time_ == AGAIN:
                break
            # Small models do over what they did: what comes after it is what the case is about.
            prompt = once_more(prompt, act, self._redactor)
        return found


def _seed(point: Point, repeat: int) -> int:
    """Its own for each case, so that two sessions that went alike are two questions and not one."""
    return int(point.case[:7], 16) + repeat


def _spent(asker: Asker) -> Spending:
    """What this stage used up to now."""
    stages = [one for one in asker.ledger.spent().stages if one.stage == STAGE]
    return Spending(
        tokens=sum(one.tokens_in + one.tokens_out for one in stages),
        calls=sum(one.calls for one in stages),
        usd=sum(one.usd for one in stages),
        recorded=sum(one.recorded for one in stages),
    )
