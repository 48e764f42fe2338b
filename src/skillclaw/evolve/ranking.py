"""Which pattern is worth most, and what changed since the cycle before. Pure: values in, values out.

Expected value = frequency x failure rate x cost: the tool calls lost per 100 sessions where nobody follows
the pattern's advice. It orders a reader's attention and promises no gain: what an agent already does right
by itself is not taken off.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from skillclaw.evolve.statistics import wilson
from skillclaw.evolve.view import (
    ClusterPoint,
    CycleView,
    EffectLine,
    PatternMark,
    ProposalLine,
    ReleasedLine,
    SetAside,
)
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.model import Record

__all__ = [
    "Change",
    "Changes",
    "ClusterPoint",
    "CycleView",
    "EffectLine",
    "PatternMark",
    "ProposalLine",
    "Ranked",
    "ReleasedLine",
    "SetAside",
    "Value",
    "carried",
    "carriers",
    "changed",
    "expected_value",
    "marks",
    "ranked",
]

FEW = 10
"""A failure rate of fewer sessions than this is marked as weak."""

THIN = 5
"""So is a pattern that fewer sessions than this support."""

CARRIED = 0.6
"""One user (or day) with this share of the evidence carries the pattern."""


class Value(NamedTuple):
    """The expected value of a pattern and what it is made of.

    frequency     sessions that meet the situation, per 100 sessions
    failure_rate  share (0..1) of those without the advice that failed; None where there were none
    cost          tool calls lost each time; 1 where it was not measured (`cost_known` false)
    value         frequency x failure_rate x cost: calls lost per 100 sessions; None without a failure rate
    ci            95% interval of `value`, the cost taken as given
    weak          fewer than `FEW` sessions stand behind the failure rate, or than `THIN` behind the pattern
    """

    frequency: float
    failure_rate: float | None
    cost: float
    value: float | None
    ci: tuple[float, float] | None
    cost_known: bool
    met: int
    judged: int
    weak: bool


class Ranked(NamedTuple):
    """A pattern at its place in the ranking."""

    pattern: Pattern
    value: Value


class Change(NamedTuple):
    """A pattern as it was and as it is."""

    before: PatternMark
    now: PatternMark


class Changes(Record, frozen=True, kw_only=True):
    """What a cycle has that the one before had not, and the reverse; each list best valued first.

    grown, shrunk  more or fewer sessions support it
    shifted        its odds ratio left the earlier 95% interval
    verdicts       a skill made from it got another verdict, or its first
    """

    new: list[PatternMark] = []
    gone: list[PatternMark] = []
    grown: list[Change] = []
    shrunk: list[Change] = []
    shifted: list[Change] = []
    verdicts: list[Change] = []
    same: int = 0


def expected_value(pattern: Pattern, sessions: int, cost: float | None = None) -> Value:
    """What the situation of `pattern` costs in tool calls per 100 of the cycle's `sessions`.

    `cost`: mean number of calls lost each time; None takes the pattern's own, or 1. What the situation is
    and what goes wrong depends on the kind, see `_situation`. Both rates have Wilson intervals; that of the
    product is by MOVER on logarithms (Zou, Donner, Statistics in Medicine 27 (2008) 1693-1702).
    """
    met, judged, failed = _situation(pattern)
    sessions = max(sessions, met)
    given = pattern.stats.cost if cost is None else cost
    each = 1.0 if given is None else given
    share = met / sessions if sessions else 0.0
    rate = failed / judged if judged else None
    interval = None
    if rate is not None:
        certain = pattern.kind == "correction"
        rate_ci = (1.0, 1.0) if certain else wilson(failed, judged)
        low, high = _product(share, wilson(met, sessions), rate, rate_ci)
        interval = (100 * low * each, 100 * high * each)
    return Value(
        frequency=100 * share,
        failure_rate=rate,
        cost=each,
        value=None if rate is None else 100 * share * rate * each,
        ci=interval,
        cost_known=given is not None,
        met=met,
        judged=judged,
        weak=judged < FEW or pattern.sessions < THIN,
    )


def _situation(pattern: Pattern) -> tuple[int, int, int]:
    """Sessions that met the situation; those of them without the advice whose end is known; how many failed.

    procedure   somebody asked for it; without: those that went another way
    recovery    the call failed with the error; without: those that did not find the way
    pitfall     the call was made the failing way, which is what all of them did
    correction  the user had to object, which is the failure
    """
    stats = pattern.stats
    evidence = {(r.user, r.session) for r in pattern.evidence}
    against = {(r.user, r.session) for r in pattern.contradictions}
    either = len(evidence | against)
    judged, failed = stats.without_n, stats.without_n - stats.without_success
    if pattern.kind == "correction":
        return either, either, either
    if pattern.kind == "pitfall":
        return max(either, judged), judged, failed
    if pattern.kind == "procedure":
        return max(either, stats.with_n) + judged, judged, failed
    # Sessions that tried the way in vain are among those without, unless their end is not known.
    unknown = {(r.user, r.session) for r in pattern.contradictions if r.success is None} - evidence
    return max(len(evidence), stats.with_n) + judged + len(unknown), judged, failed


def _product(
    first: float, first_ci: tuple[float, float], second: float, second_ci: tuple[float, float]
) -> tuple[float, float]:
    """The interval of first x second. Where one is 0 logarithms fail: then the bounds' products, which are
    wider.
    """
    if first <= 0 or second <= 0:
        return 0.0, first_ci[1] * second_ci[1]
    below = math.hypot(math.log(first / first_ci[0]), math.log(second / second_ci[0]))
    above = math.hypot(math.log(first_ci[1] / first), math.log(second_ci[1] / second))
    return first * second * math.exp(-below), first * second * math.exp(above)


def ranked(
    patterns: Iterable[Pattern], sessions: int, costs: Mapping[str, float] | None = None
) -> list[Ranked]:
    """The patterns by expected value, greatest first; those without one last. `costs` by pattern id."""
    known = costs or {}
    found = [Ranked(p, expected_value(p, sessions, known.get(p.id))) for p in patterns]

    def place(entry: Ranked) -> tuple[float, float, int, int, str]:
        pattern, value = entry
        measured = math.inf if value.value is None else -round(value.value, 9)
        return measured, -value.frequency * value.cost, -pattern.users, -pattern.sessions, pattern.id

    return sorted(found, key=place)


def carriers(pattern: Pattern) -> list[str]:
    """Sentences that name a user or day on whom most of the evidence rests: where it could be chance of one
    person, or of one day.
    """
    sessions = {(r.user, r.session): r for r in pattern.evidence}
    total = len(sessions)
    found = []
    for what, values in (
        ("user", [r.user for r in sessions.values()]),
        ("day", [r.day for r in sessions.values() if r.day]),
    ):
        counts = Counter(values)
        if not counts:
            continue
        name, count = min(counts.items(), key=lambda x: (-x[1], x[0]))
        if total > 1 and count >= CARRIED * total:
            whole = "all" if count == total else f"{count} of"
            found.append(f"{whole} {total} sessions from one {what} ({name})")
    return found


def marks(view: CycleView, costs: Mapping[str, float] | None = None) -> list[PatternMark]:
    """What to keep of `view` for the next cycle's comparison, in the order of the ranking."""
    verdicts: dict[str, dict[str, str]] = {}
    for proposal in view.proposals:
        for pattern in proposal.patterns:
            verdicts.setdefault(pattern, {})[proposal.skill] = proposal.verdict
    return [
        PatternMark(
            id=p.id,
            title=p.title,
            kind=p.kind,
            sessions=p.sessions,
            users=p.users,
            odds_ratio=p.stats.odds_ratio,
            ci=p.stats.ci,
            q=p.stats.q,
            value=None if value.value is None else round(value.value, 6),
            verdicts=dict(sorted(verdicts.get(p.id, {}).items())),
        )
        for p, value in ranked(view.patterns, view.sessions, costs)
    ]


def carried(before: Sequence[PatternMark], now: Sequence[PatternMark]) -> list[PatternMark]:
    """`now` with the verdicts of before that this cycle did not replace.

    Topics without news are not proposed again (`evolve.fresh`): what was decided of them still stands.
    """
    old = {m.id: m.verdicts for m in before}
    return [
        msgspec.structs.replace(m, verdicts=dict(sorted({**old.get(m.id, {}), **m.verdicts}.items())))
        for m in now
    ]


def changed(before: Sequence[PatternMark], now: Sequence[PatternMark]) -> Changes:
    """What is new, gone, grown, shrunk, shifted or judged otherwise; patterns are compared by id."""
    old = {m.id: m for m in before}
    pairs = [Change(old[m.id], m) for m in now if m.id in old]
    moved: list[list[Change]] = [
        [c for c in pairs if c.now.sessions > c.before.sessions],
        [c for c in pairs if c.now.sessions < c.before.sessions],
        [c for c in pairs if _shifted(c)],
        [c for c in pairs if c.now.verdicts != c.before.verdicts],
    ]
    touched = {c.now.id for changes in moved for c in changes}
    present = {m.id for m in now}
    return Changes(
        new=[m for m in now if m.id not in old],
        gone=[m for m in before if m.id not in present],
        grown=moved[0],
        shrunk=moved[1],
        shifted=moved[2],
        verdicts=moved[3],
        same=len(pairs) - len(touched),
    )


def _shifted(change: Change) -> bool:
    ratio, ci = change.now.odds_ratio, change.before.ci
    return ratio is not None and ci is not None and not ci[0] <= ratio <= ci[1]
