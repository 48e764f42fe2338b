"""How a session went, from signals.

Every sign is recorded as a `Signal` with the rule that saw it; one documented rule combines them:

1. Feedback of the user decides (the latest one), confidence 1.
2. Else a graded reward or an outcome given with an import decides, confidence 0.95.
3. Else the signs in the steps (`signs`) are weighed: the log odds of success are `BASE` plus the weight of
   each rule that applied, each rule once (weights of evidence, Good 1950). From `SUCCESS` up it is a success,
   down to `FAILURE` a failure, between them unknown. Confidence is the probability that the verdict is right,
   at most `CAP`: signs never look like a grader's word; of "unknown" it is 0.

A session without any sign is unknown. `outcome` is idempotent: signals that it derives replace the derived
ones that the session already carries; feedback, reward and reports are kept. What the weights were fitted on,
how well they do and what they cannot see stands in docs/outcomes.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from skillclaw.trajectory.flow import Act, Event, flow
from skillclaw.trajectory.goals import same_goal, tail
from skillclaw.trajectory.model import SessionMeta, Signal, Trajectory, meta
from skillclaw.trajectory.signs import signs

__all__ = ["GIVEN", "RULES", "Outcome", "Rule", "judged", "outcome", "probability", "same_goal", "tail"]

Outcome = Literal["success", "failure", "unknown"]

GIVEN = frozenset({"feedback", "reward", "reported"})
"""Kinds that come from outside; all others are derived from the steps, each time anew."""

ATTESTING = frozenset({"tests", "exit", "accept"})
"""Kinds of signs that do not come from the agent's own doing and saying."""

BASE = -0.48
"""Log odds of success before any sign, fitted with the weights."""

BASE_COMMANDS = 0.0
"""The same where the agent ran commands: no labelled runs of that kind, so even odds."""

SUCCESS = 0.55
FAILURE = 0.35
"""Probabilities of success from which on (down to which) a verdict is given. On the learning tasks "success"
is right in 69% (WorkBench) and 63% (tau-bench), "failure" in 88% and 79%.
"""

CAP = 0.95


class Rule(NamedTuple):
    """What a sign is worth. `weight`: log likelihood ratio (nats) of the sign in successes against failures.

    fitted: whether the weight comes from labelled runs; the others are judgement, because those runs hold
    too few of them. A fitted weight has the direction that the rule's name states, or is 0.
    """

    kind: str
    weight: float
    fitted: bool = True
    good: bool = False


RULES: dict[str, Rule] = {
    "last test run passed": Rule("tests", 1.5, fitted=False, good=True),
    "last test run failed": Rule("tests", -1.5, fitted=False),
    "last changing command worked": Rule("exit", 0.5, fitted=False, good=True),
    "last changing command failed": Rule("exit", -0.8, fitted=False),
    "user corrects": Rule("correction", -1.3, fitted=False),
    "user corrects, taken up": Rule("correction", 0.0),
    "user asks again": Rule("correction", -0.8, fitted=False),
    "user interrupted": Rule("correction", -0.8, fitted=False),
    "user interrupted and left": Rule("abandoned", -1.0, fitted=False),
    "user says it works": Rule("accept", 1.5, fitted=False, good=True),
    "user gives thanks": Rule("accept", 0.23, good=True),
    "tool error left unresolved": Rule("error", -0.93),
    "tool errors resolved": Rule("error", 0.0),
    "same failing call repeated": Rule("loop", -1.11),
    "same call repeated": Rule("loop", -0.89),
    "identifier from nowhere": Rule("grounds", -1.26),
    "identifiers were given or looked up": Rule("grounds", 0.36, good=True),
    "last lookup found nothing": Rule("grounds", -0.79),
    "twelve calls or more": Rule("effort", -0.48),
    "several changes, one was asked for": Rule("effort", -1.12),
    "asked for a change, nothing called": Rule("effort", -1.05),
    "asked for a change, only looked": Rule("effort", 0.0),
    "handed over to a person": Rule("answer", 1.12, good=True),
    "says it is done": Rule("answer", 0.34, good=True),
    "says it is done, changed nothing": Rule("answer", -0.21),
    "says nothing was needed": Rule("answer", 0.52, good=True),
    "says the condition does not hold": Rule("answer", 1.31, good=True),
    "says it could not": Rule("answer", 0.0),
    "asks back": Rule("answer", -0.3, fitted=False),
    "ends with a call as text": Rule("answer", 0.0),
    "stopped at a limit": Rule("abandoned", -0.68),
    "never answered": Rule("abandoned", -1.93),
    "ended without an answer": Rule("abandoned", -0.7, fitted=False),
    "ended with an open call": Rule("abandoned", -1.0, fitted=False),
}
"""Every rule by name, the `source` of its signal."""


def outcome(trajectory: Trajectory) -> tuple[Outcome, float, list[Signal]]:
    """Success, failure or unknown, the confidence (0..1), and the signals it came from."""
    known = meta(trajectory)
    given = [s for s in known.signals if s.kind in GIVEN]
    given += _imported(known, given)
    events = flow(trajectory)
    derived = _derive(events)
    decided = _stated(given) or _weighed(_log_odds(events, derived))
    return (*decided, given + derived)


def judged(events: list[Event]) -> Outcome:
    """How a part of a session went, by its own signs alone."""
    return _weighed(_log_odds(events, _derive(events)))[0]


def attested(events: list[Event]) -> bool:
    """Whether a sign of success in a part of a session is not the agent's own: the user was content, tests
    passed, a command that changes something ended well. That the agent says it is done, and looked up what it
    used, are signs that every session of one way has, right or wrong."""
    return any(RULES[sign.rule].good and RULES[sign.rule].kind in ATTESTING for sign in signs(events))


def probability(trajectory: Trajectory) -> float | None:
    """The probability of success by the signs in the steps alone; None when there is none."""
    events = flow(trajectory)
    odds = _log_odds(events, _derive(events))
    return None if odds is None else _sigmoid(odds)


def _imported(known: SessionMeta, given: list[Signal]) -> list[Signal]:
    """A reward or outcome that an imported file states, unless its signal is there already."""
    if known.source != "import":
        return []
    kinds = {s.kind for s in given}
    found: list[Signal] = []
    if known.reward is not None and "reward" not in kinds:
        found.append(Signal(kind="reward", value=max(-1.0, min(1.0, 2 * known.reward - 1)), source="import"))
    # An outcome with confidence was judged by this module before; only one without comes from the file.
    if known.outcome != "unknown" and "reported" not in kinds and known.confidence == 0.0:
        found.append(
            Signal(kind="reported", value=1.0 if known.outcome == "success" else -1.0, source="import")
        )
    return found


def _stated(given: list[Signal]) -> tuple[Outcome, float] | None:
    """The verdict of a person or a grader, if there is one."""
    # A stated outcome is the grader's verdict; a reward between 0 and 1 may only be part of it.
    for kind, confidence in (("feedback", 1.0), ("reported", 0.95), ("reward", 0.95)):
        said = [s for s in given if s.kind == kind]
        if said:
            return _named(said[-1].value), confidence
    return None


def _named(value: float) -> Outcome:
    return "success" if value > 0 else "failure" if value < 0 else "unknown"


def _derive(events: list[Event]) -> list[Signal]:
    """The signs as signals: `value` is what the sign alone makes of even odds, 2p - 1."""
    return [
        Signal(
            kind=RULES[sign.rule].kind,
            value=round(2 * _sigmoid(RULES[sign.rule].weight) - 1, 3),
            step=sign.step or None,  # 0: of a sub-agent, where the session itself has no step
            source=sign.rule,
        )
        for sign in signs(events)
    ]


def _log_odds(events: Iterable[Event], derived: list[Signal]) -> float | None:
    rules = sorted({s.source for s in derived})
    if not rules:
        return None
    base = BASE_COMMANDS if any(isinstance(e, Act) and e.command is not None for e in events) else BASE
    return base + sum(RULES[rule].weight for rule in rules)


def _weighed(odds: float | None) -> tuple[Outcome, float]:
    if odds is None:
        return "unknown", 0.0
    p = _sigmoid(odds)
    if FAILURE < p < SUCCESS:
        return "unknown", 0.0
    return ("success", round(p, 4)) if p >= SUCCESS else ("failure", round(1 - p, 4))


def _sigmoid(odds: float) -> float:
    p = 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
    return max(1 - CAP, min(CAP, p))
