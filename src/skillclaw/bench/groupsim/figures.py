"""The figures of many simulated groups: error rates with bounds, and days. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from skillclaw.bench.groupsim.records import Fate, Told
from skillclaw.bench.groupsim.world import ARMS
from skillclaw.bench.rollout import upper
from skillclaw.trajectory.model import Record

__all__ = ["CLASSES", "Figures", "Row", "days_of", "figures"]

SOON = 14
"""Days within which a large harm has to be gone."""


def _harms(fate: Fate) -> bool:
    return fate.effect < 0


CLASSES: dict[str, Callable[[Fate], bool]] = {
    "good": lambda f: f.kind in ("good", "flip") and f.effect > 0,
    "good, 15 points or more": lambda f: f.kind in ("good", "flip") and f.effect >= 0.15,
    "neutral": lambda f: f.kind == "neutral",
    "harm": lambda f: f.kind == "harm",
    "helps nobody": lambda f: f.kind in ("neutral", "harm"),
    "harm, 15 points or more, 20 a day": lambda f: f.kind == "harm" and f.effect <= -0.15 and f.a_day >= 20,
    "fewer failures, less success": lambda f: f.kind == "cutter",
    "turned harmful as a canary": lambda f: f.kind == "flip" and _harms(f),
}
"""What skills are told apart by; one may be of several. `helps nobody` is what the promise is about."""


class Row(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What became of the skills of one class in one arm; shares are of `skills`, the canaries among them.

    stable_upper   95% upper bound (Clopper and Pearson, one-sided) of the share that was promoted
    back_14        share that was rolled back within 14 days; back_14_lower: its 95% lower bound
    up, down       days from release to the end, as quartiles, and to be rolled back as median and 95%
    response       days from the change of the environment until it was rolled back: median and 95%
    """

    arm: str
    skills: str
    n: int
    stable: float
    stable_upper: float
    unproven: float
    rolled_back: float
    back_14: float
    back_14_lower: float
    sessions: float | None
    up: tuple[float, float, float] | None
    down: tuple[float, float] | None
    response: tuple[float, float] | None


class Figures(Record, frozen=True, kw_only=True, omit_defaults=False):
    """All figures.

    refused_good   real lessons that the gate did not let through; proposed: of how many
    attempts       what must not be released, by how it ended
    turned_stable  by arm: stable skills that harm since the environment changed, those of them that care
                   retired by the end, and the days that took (median); retired_wrongly: skills that care
                   retired though they did not harm
    """

    rows: list[Row]
    groups: int
    members: tuple[int, int]
    sessions: int
    log: int
    problems: int
    proposed: int
    refused_good: int
    attempts: dict[str, dict[str, int]]
    turned_stable: dict[str, tuple[int, int, float | None]]
    retired_wrongly: dict[str, int]


def days_of(fates: Iterable[Fate], end: str) -> list[int]:
    """The days from release to this end."""
    return sorted(f.ended - f.released for f in fates if f.end == end and None not in (f.ended, f.released))  # type: ignore[operator]


def figures(told: Sequence[Told]) -> Figures:
    """The figures of all groups."""
    rows = []
    for arm in ARMS:
        fates = [f for one in told if one.arm == arm for f in one.fates if f.end not in ("refused", "canary")]
        rows += [_row(arm, name, [f for f in fates if of(f)]) for name, of in CLASSES.items() if fates]
    attempts: dict[str, Counter[str]] = {}
    for one in told:
        for attempt in one.attempts:
            attempts.setdefault(attempt.what, Counter())[attempt.status] += 1
    every = [f for one in told for f in one.fates]
    return Figures(
        rows=rows,
        groups=len(told),
        members=(min(t.members for t in told), max(t.members for t in told)),
        sessions=sum(t.sessions for t in told),
        log=sum(t.log for t in told),
        problems=sum(len(t.problems) for t in told),
        proposed=len(every),
        refused_good=sum(f.end == "refused" for f in every),
        attempts={what: dict(found) for what, found in attempts.items()},
        turned_stable={arm: _turned([t for t in told if t.arm == arm]) for arm in ARMS},
        retired_wrongly={
            arm: sum(_innocent(f) for t in told if t.arm == arm for f in t.fates if f.retired is not None)
            for arm in ARMS
        },
    )


def _turns(fate: Fate) -> bool:
    """Whether it became stable, or unproven, and harmful after that."""
    stays = fate.end in ("stable", "unproven") and fate.effect > 0
    return stays and fate.flipped is not None and (fate.retired is None or fate.retired >= fate.flipped)


def _innocent(fate: Fate) -> bool:
    """Whether it did not harm when it was retired."""
    return fate.effect >= 0 and not _turns(fate)


def _turned(told: Sequence[Told]) -> tuple[int, int, float | None]:
    found = [f for t in told for f in t.fates if _turns(f)]
    gone = [f.retired - f.flipped for f in found if f.retired is not None and f.flipped is not None]
    return len(found), len(gone), _at(sorted(gone), 0.5)


def _row(arm: str, name: str, fates: Sequence[Fate]) -> Row:
    n = max(1, len(fates))
    up, down = days_of(fates, "stable"), days_of(fates, "rolled back")
    soon = sum(day <= SOON for day in down)
    since = sorted(
        f.ended - f.flipped
        for f in fates
        if f.end == "rolled back" and f.effect < 0 and f.flipped is not None and f.ended is not None
    )
    return Row(
        arm=arm,
        skills=name,
        n=len(fates),
        stable=len(up) / n,
        stable_upper=round(upper(len(up), n), 4),
        unproven=sum(f.end == "unproven" for f in fates) / n,
        rolled_back=len(down) / n,
        back_14=soon / n,
        back_14_lower=round(1 - upper(n - soon, n), 4),
        sessions=_at(sorted(f.sessions for f in fates), 0.5),
        up=_quartiles(up),
        down=_pair(down),
        response=_pair(since),
    )


def _at(ordered: Sequence[float], share: float) -> float | None:
    """The least value that this share of all does not exceed."""
    if not ordered:
        return None
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def _pair(ordered: Sequence[float]) -> tuple[float, float] | None:
    """The median, and what 95% do not exceed."""
    middle, most = _at(ordered, 0.5), _at(ordered, 0.95)
    return (middle, most) if middle is not None and most is not None else None


def _quartiles(ordered: Sequence[float]) -> tuple[float, float, float] | None:
    low, middle, high = (_at(ordered, share) for share in (0.25, 0.5, 0.75))
    return (low, middle, high) if low is not None and middle is not None and high is not None else None
