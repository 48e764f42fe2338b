"""From the scores of a replay to a verdict. Pure.

A case is won or lost only if at least four of five repeats agree; the rest are ties, which count for nothing:
what changes nothing has not helped. A decision is won only by an action that is known to work: any text can
make a model do something else, and what is neither known to fail nor to work is no gain. To go from one that
works to such a one is a loss all the same. And it is won only by an action that the text names: a text that
says something else, and makes the model think of it by the way, has shown nothing of what it says. Passed is
what wins more cases than it loses and loses none. `proven` is what a fair coin would reach in one of twenty
replays at most (exact sign test, one-sided).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

from skillclaw.gate.policies import Policy
from skillclaw.gate.replay.records import CaseScore, ReplayResult
from skillclaw.skills.records import Verdict

__all__ = [
    "AGREE",
    "LEAST_CASES",
    "NOT_NAMED",
    "PROVEN",
    "Count",
    "by_the_way",
    "counted",
    "outcome",
    "proven_p",
    "replay_verdict",
]

AGREE = 0.8
"""Share of all repeats of a case that have to go the same way."""

LEAST_CASES = 3
"""Cases that could be tried, below which a replay says nothing."""

PROVEN = 0.05

NEITHER = 0.5
"""The score of a decision for what is not known to fail, nor to work."""

NOT_NAMED = "the model did better, but by an action that the skill does not name"

Outcome = Literal["won", "lost", "tied", "void"]
Count = dict[Outcome, int]


def outcome(score: CaseScore) -> Outcome:
    """`void` where too few repeats could be tried on both sides for any of them to decide."""
    tried = _tried(score)
    needed = math.ceil(AGREE * len(score.after) - 1e-9)
    if not score.after or len(tried) < needed:
        return "void"
    if sum(named and _better(score, old, new) for old, new, named in tried) >= needed:
        return "won"
    return "lost" if sum(new < old for old, new, _ in tried) >= needed else "tied"


def by_the_way(score: CaseScore) -> bool:
    """Whether it is tied only since the text does not name what worked."""
    better = sum(_better(score, old, new) for old, new, _ in _tried(score))
    return outcome(score) == "tied" and better >= math.ceil(AGREE * len(score.after) - 1e-9)


def silenced(score: CaseScore) -> bool:
    """Whether the model did what works without the change, and with it does nothing, or fails."""
    if score.kind != "decision" or None not in score.after:
        return False
    pairs = zip(score.before, score.after, strict=True)
    worse = sum(old is not None and old > NEITHER and (new is None or new < old) for old, new in pairs)
    return worse >= math.ceil(AGREE * len(score.after) - 1e-9)


def _tried(score: CaseScore) -> list[tuple[float, float, bool]]:
    """Of each repeat that could be tried on both sides: how it went without and with, and whether what worked
    is named."""
    size = len(score.after)
    named = score.named if len(score.named) == size else [True] * size
    rows = zip(score.before, score.after, named, strict=True)
    return [(old, new, own) for old, new, own in rows if old is not None and new is not None]


def _better(score: CaseScore, old: float, new: float) -> bool:
    return new > old and new > (NEITHER if score.kind == "decision" else 0.0)


def counted(result: ReplayResult) -> Count:
    """How many cases ended how."""
    found = Counter(outcome(score) for score in result.scores)
    return {"won": found["won"], "lost": found["lost"], "tied": found["tied"], "void": found["void"]}


def proven_p(won: int, lost: int) -> float:
    """P(at least `won` of `won + lost`) of a fair coin; 1 where no case was decided."""
    decided = won + lost
    return float(sum(math.comb(decided, k) for k in range(won, decided + 1))) / 2.0**decided


def replay_verdict(result: ReplayResult, policy: Policy) -> Verdict:
    """What the replay says of the proposal under `policy`, with the cost in the reason."""
    count = counted(result)
    usable = len(result.scores) - count["void"]
    quiet = sum(silenced(score) for score in result.scores)
    if quiet and not count["lost"]:
        where = f"In {quiet} of {len(result.scores)} cases"
        why = f"{where} the model did what works, and with it does nothing, or fails.{_cost(result)}"
        return Verdict(check="replay", verdict="hold", reason=why)
    if usable < LEAST_CASES:
        why = f"Only {usable} held-out cases could be replayed; {LEAST_CASES} are needed. {result.missing}"
        return Verdict(
            check="replay", verdict="hold" if policy.replay else "n/a", reason=why.strip() + _cost(result)
        )
    p = proven_p(count["won"], count["lost"])
    said = f"{count['won']} of {usable} cases won, {count['lost']} lost, {count['tied']} tied"
    if count["lost"]:
        return Verdict(
            check="replay", verdict="reject", reason=f"It made cases worse: {said}.{_cost(result)}"
        )
    if not count["won"]:
        beside = sum(by_the_way(score) for score in result.scores)
        why = f" In {beside} {NOT_NAMED}." if beside else ""
        return Verdict(
            check="replay", verdict="hold", reason=f"It changed nothing: {said}.{why}{_cost(result)}"
        )
    label = f"proven (p = {p:.3g})" if p <= PROVEN else f"not yet proven (p = {p:.3g})"
    return Verdict(check="replay", verdict="pass", reason=f"{said}: {label}.{_cost(result)}")


def _cost(result: ReplayResult) -> str:
    cost = result.cost
    if not cost.calls and not cost.seconds:
        return ""
    usd = "" if cost.usd is None else f", ${cost.usd:.2f}"
    return f" It took {cost.calls} calls, {cost.tokens} tokens{usd}, {cost.seconds:.0f} s."
