"""The pre-registered criterion: what a run must show, and what makes a run say nothing.

docs/loop.md has it in words. It was fixed before the first run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from skillclaw.bench.loop.effects import ARMS, Effect, held_out
from skillclaw.bench.loop.measure import THRESHOLD, screened
from skillclaw.bench.loop.results import Attempt
from skillclaw.skills.records import Verdict

__all__ = ["ALPHA", "CRITERION", "MOST_ERRORS", "Judgement", "Word", "validity", "verdict"]

CRITERION = (
    "Primary endpoint: success on the held-out tasks of the last day, evolving minus frozen, on the same "
    "tasks. Supported: the 95% interval of the paired bootstrap of the difference lies above 0 and exact "
    "McNemar p is below 0.05. Harm: the interval lies below 0. Not supported: everything else, and every run "
    "that is not valid."
)

ALPHA = 0.05

MOST_ERRORS = 0.05
"""Share of the held-out attempts of an arm that may have an error or lack their other half."""

FIXED = ("frozen", "ceiling")
"""Arms whose skills never change."""

Word = Literal["supported", "not supported", "harm"]


class Judgement(NamedTuple):
    """`word` is None while the last day is not done. `reasons` are in the order of the criterion."""

    word: Word | None
    valid: bool
    reasons: tuple[Verdict, ...]


def verdict(effect: Effect, checks: Sequence[Verdict], *, complete: bool = True) -> Judgement:
    """The criterion applied to the primary endpoint (`effect` of the last day, over everything).

    checks    what `validity` found
    complete  whether the last day is done: before that nothing is decided
    """
    valid = all(check.verdict != "reject" for check in checks)
    above = effect.ci is not None and effect.ci[0] > 0
    below = effect.ci is not None and effect.ci[1] < 0
    sure = effect.p is not None and effect.p < ALPHA
    reasons = [_interval(effect, above, below), _mcnemar(effect, sure), *checks]
    if not complete:
        reasons.insert(
            0,
            Verdict(check="complete", verdict="hold", reason="The last day is not done: nothing is decided."),
        )
        return Judgement(None, valid, tuple(reasons))
    word: Word = "not supported"
    if valid and above and sure:
        word = "supported"
    elif valid and below:
        word = "harm"
    return Judgement(word, valid, tuple(reasons))


def _interval(effect: Effect, above: bool, below: bool) -> Verdict:
    if effect.ci is None or effect.difference is None:
        why = "The interval cannot be computed: it takes pairs of two templates at least."
        return Verdict(check="interval", verdict="reject", reason=why)
    low, high = (100 * v for v in effect.ci)
    where = "lies above 0" if above else "lies below 0" if below else "holds 0"
    said = f"{100 * effect.difference:+.1f} points; the 95% interval [{low:+.1f}, {high:+.1f}] {where}."
    return Verdict(check="interval", verdict="pass" if above else "reject", reason=said)


def _mcnemar(effect: Effect, sure: bool) -> Verdict:
    if effect.p is None:
        return Verdict(check="mcnemar", verdict="reject", reason="There is no pair to compare.")
    said = (
        f"Of {effect.pairs} pairs the evolving arm alone succeeded in {effect.better}, the frozen arm alone "
        f"in {effect.worse}: exact McNemar p = {effect.p:.2g}."
    )
    return Verdict(check="mcnemar", verdict="pass" if sure else "reject", reason=said)


def validity(attempts: Iterable[Attempt], effect: Effect, *, threshold: float = THRESHOLD) -> list[Verdict]:
    """What would make a run say nothing, a check each; `effect` is the primary endpoint's."""
    given = list(attempts)
    measured = held_out(given)
    last = [a for a in measured if a.day in effect.days]
    return [
        _errors(measured),
        _errors(last, last=True),
        _halves(effect),
        *_apart(given),
        _chosen(given, threshold),
        _steady(measured),
    ]


def _errors(attempts: Sequence[Attempt], *, last: bool = False) -> Verdict:
    name, when = ("errors, last day", "of the last day") if last else ("errors", "of all days")
    shares = []
    for arm in ARMS[:2]:
        own = [a for a in attempts if a.arm == arm]
        shares.append((sum(bool(a.error) for a in own), len(own), arm))
    bad = any(errors > MOST_ERRORS * n for errors, n, _ in shares)
    said = " and ".join(f"{errors} of {n} ({arm})" for errors, n, arm in shares)
    return Verdict(
        check=name,
        verdict="reject" if bad else "pass",
        reason=f"Held-out attempts {when} with an error: {said}; {MOST_ERRORS:.0%} may have one.",
    )


def _halves(effect: Effect) -> Verdict:
    whole = effect.pairs + effect.dropped + effect.unpaired
    bad = not effect.pairs or effect.unpaired > MOST_ERRORS * whole
    said = f"{effect.unpaired} of {whole} held-out tasks of the last day were done in one arm only."
    return Verdict(check="pairs", verdict="reject" if bad else "pass", reason=said)


def _apart(attempts: Sequence[Attempt]) -> list[Verdict]:
    """Held-out tasks that anybody could have seen before."""
    measured = held_out(attempts)
    learned = {(a.suite, a.task) for a in attempts if a.phase == "stream"}
    worked_on = {a.template for a in attempts if a.phase == "stream"}
    screen = {(a.template, a.seed) for a in attempts if a.phase == "screen"}
    days: dict[tuple[str, int], set[int]] = defaultdict(set)
    for a in measured:
        days[a.template, a.seed].add(a.day)
    seen = sorted({a.task for a in measured if (a.suite, a.task) in learned})
    unseen = sorted({a.template for a in measured if a.variant == "template" and a.template in worked_on})
    tuned = sorted({a.task for a in measured if (a.template, a.seed) in screen})
    again = sorted({a.task for a in measured if len(days[a.template, a.seed]) > 1})
    return [
        _none("held apart", seen, "held-out tasks were in the stream that is learned from"),
        _none("unseen templates", unseen, "templates that learning must never see were in the stream"),
        _none("screening apart", tuned, "held-out tasks have a seed that chose their template"),
        _none("fresh each day", again, "held-out tasks were measured on two days"),
    ]


def _chosen(attempts: Sequence[Attempt], threshold: float) -> Verdict:
    """Only what passed the screening may be measured; a run without one has nothing to say here."""
    enter = {(row.suite, row.template): row.enters for row in screened(attempts, threshold)}
    if not enter:
        return Verdict(check="screening", verdict="n/a", reason="No templates were screened.")
    bad = {a.template for a in held_out(attempts) if not enter.get((a.suite, a.template), False)}
    return _none("screening", sorted(bad), "templates were measured that the screening does not let in")


def _none(check: str, found: Sequence[str], what: str) -> Verdict:
    some = f" ({', '.join(found[:3])}{', ...' if len(found) > 3 else ''})" if found else ""
    said = f"{len(found) or 'No'} {what}{some}."
    return Verdict(check=check, verdict="reject" if found else "pass", reason=said)


def _steady(measured: Sequence[Attempt]) -> Verdict:
    """The control's skills may not change: for one template and user it is offered the same on all days."""
    offered: dict[tuple[str, str, str], set[tuple[str, ...]]] = defaultdict(set)
    for a in measured:
        if a.arm in FIXED and not a.error:
            offered[a.arm, a.template, a.user].add(tuple(sorted(a.skills)))
    bad = sorted({template for (_, template, _), sets in offered.items() if len(sets) > 1})
    return _none(
        "control", bad, "templates were met with other skills on other days in an arm whose skills are fixed"
    )
