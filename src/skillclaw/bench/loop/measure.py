"""What the results of a run say day by day, how the frozen arm varies by itself, and which templates enter.

Attempts with an error say nothing about an agent: they are counted apart. What cannot be computed is None,
never a number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from skillclaw.bench.loop.effects import ARMS, Ci, held_out, mean_of
from skillclaw.bench.loop.results import ABLATIONS, Arm, Attempt, Variant
from skillclaw.evolve.statistics import wilson

__all__ = ["THRESHOLD", "Control", "DayRow", "Screened", "control", "day_rows", "screened"]

THRESHOLD = 0.20
"""How much better a template must go with the ceiling's skills than with none, to enter a run."""


class DayRow(msgspec.Struct, frozen=True):
    """One arm on one day; `category` and `variant` None: all of them.

    `n` attempts without an error, `errors` beside them. `ci` is Wilson's 95% interval of `success`: how far a
    fresh draw of instances of these templates may lie, not what other templates would show. `score`, `steps`,
    `tokens` (in and out) and `seconds` are means of an attempt.
    """

    day: int
    arm: Arm
    suite: str | None
    category: str | None
    variant: Variant | None
    n: int
    errors: int
    success: float | None
    ci: Ci | None
    score: float | None
    steps: float | None
    tokens: float | None
    seconds: float | None


class Control(msgspec.Struct, frozen=True):
    """Reef's criterion: the last day of the evolving arm against mean + 2 standard deviations of the frozen
    arm's days. It describes; nothing is decided by it. `sd` is None for fewer than two days.
    """

    category: str | None
    days: int
    mean: float | None
    sd: float | None
    threshold: float | None
    final: float | None
    passes: bool | None


class Screened(msgspec.Struct, frozen=True):
    """A template before the run: successes with the ceiling's skills and with none, and whether it enters."""

    suite: str
    template: str
    category: str
    ceiling_n: int
    ceiling_success: int
    none_n: int
    none_success: int
    errors: int
    difference: float | None
    enters: bool


def day_rows(attempts: Iterable[Attempt]) -> list[DayRow]:
    """A row for each day and arm: over all, by category, by variant, and by both."""
    groups: dict[tuple[int, Arm, str | None, Variant | None], list[Attempt]] = defaultdict(list)
    for a in held_out(attempts):
        both: tuple[Variant | None, ...] = (None, a.variant)
        for category in (None, a.category):
            for variant in both:
                groups[a.day, a.arm, category, variant].append(a)
    order = sorted(groups, key=lambda k: (k[2] or "", k[3] or "", k[0], (*ARMS, *ABLATIONS).index(k[1])))
    return [_row(key, groups[key]) for key in order]


def _row(key: tuple[int, Arm, str | None, Variant | None], group: Sequence[Attempt]) -> DayRow:
    day, arm, category, variant = key
    good = [a for a in group if not a.error]
    suites = {a.suite for a in group}
    won = sum(a.success for a in good)
    return DayRow(
        day=day,
        arm=arm,
        suite=suites.pop() if len(suites) == 1 else None,
        category=category,
        variant=variant,
        n=len(good),
        errors=len(group) - len(good),
        success=won / len(good) if good else None,
        ci=wilson(won, len(good)) if good else None,
        score=mean_of([a.score for a in good]),
        steps=mean_of([a.steps for a in good]),
        tokens=mean_of([a.tokens_in + a.tokens_out for a in good]),
        seconds=mean_of([a.seconds for a in good]),
    )


def control(rows: Iterable[DayRow], *, category: str | None = None) -> Control:
    """The frozen arm's mean and standard deviation over its days; the evolving arm's last day beside it."""
    days: Mapping[Arm, dict[int, float]] = {arm: {} for arm in (*ARMS, *ABLATIONS)}
    for row in rows:
        if row.category == category and row.variant is None and row.success is not None:
            days[row.arm][row.day] = row.success
    frozen, evolving = list(days["frozen"].values()), days["evolving"]
    mean = mean_of(frozen)
    sd = float(np.std(frozen, ddof=1)) if len(frozen) > 1 else None
    threshold = mean + 2 * sd if mean is not None and sd is not None else None
    final = evolving[max(evolving)] if evolving else None
    passes = final > threshold if final is not None and threshold is not None else None
    return Control(category, len(frozen), mean, sd, threshold, final, passes)


def screened(attempts: Iterable[Attempt], threshold: float = THRESHOLD) -> list[Screened]:
    """Which templates enter: those where the ceiling's skills beat none (the frozen arm) by `threshold` at
    least, in attempts of the phase `screen`. Attempts with an error do not count; a template without good
    attempts in both arms does not enter."""
    groups: dict[tuple[str, str, str], list[Attempt]] = defaultdict(list)
    for a in attempts:
        if a.phase == "screen" and a.arm != "evolving":
            groups[a.suite, a.category, a.template].append(a)
    found = []
    for suite, category, template in sorted(groups):
        good = [a for a in groups[suite, category, template] if not a.error]
        best = [a.success for a in good if a.arm == "ceiling"]
        none = [a.success for a in good if a.arm == "frozen"]
        difference = sum(best) / len(best) - sum(none) / len(none) if best and none else None
        found.append(
            Screened(
                suite=suite,
                template=template,
                category=category,
                ceiling_n=len(best),
                ceiling_success=sum(best),
                none_n=len(none),
                none_success=sum(none),
                errors=len(groups[suite, category, template]) - len(good),
                difference=difference,
                enters=difference is not None and round(difference - threshold, 9) >= 0,
            )
        )
    return found
