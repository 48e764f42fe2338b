"""How often sessions of this machine were offered skills and read them, as their catalogue counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from skillclaw.journal.catalogue import UseCount
from skillclaw.web.catalogues import catalogue
from skillclaw.web.site.house import House

__all__ = ["DAYS", "Counts", "SkillUse", "Week", "counts", "skill_use"]

DAYS = 30
"""Days that the list counts."""
WEEKS = 26
"""Weeks that are drawn."""
FILLING = 0.05
"""Seconds of a request in which the catalogue takes in sessions that it has not read."""


@dataclass(frozen=True)
class Counts:
    """Sessions by (skill, hub as sessions name it): offered, read. `waiting`: sessions not read yet."""

    by_skill: Mapping[tuple[str, str], tuple[int, int]]
    waiting: int = 0


@dataclass(frozen=True)
class Week:
    """A week by its Monday, and sessions in it."""

    monday: date
    offered: int
    read: int


@dataclass(frozen=True)
class SkillUse:
    """Who uses a skill: sessions that were offered it and that read it; by agent and by folder the same two,
    most first; by week, oldest first, without gaps; `last`: the last day."""

    offered: int
    read: int
    agents: list[tuple[str, int, int]]
    projects: list[tuple[str, int, int]]
    weeks: list[Week]
    last: str
    waiting: int = 0


def counts(house: House) -> Counts:
    """The counts of the last days."""
    if not _has_sessions(house):
        return Counts({})
    known = catalogue(house)
    progress = known.refresh(FILLING)
    since = datetime.now(UTC).date() - timedelta(days=DAYS - 1)
    return Counts(known.uses(since.isoformat()), progress.all - progress.done)


def skill_use(house: House, name: str, hubs: Sequence[str]) -> SkillUse:
    """All uses of a skill, of the hubs as sessions name them (empty: where the name alone is known)."""
    if not _has_sessions(house):
        return SkillUse(0, 0, [], [], [], "")
    known = catalogue(house)
    progress = known.refresh(FILLING)
    days = [one for one in known.skill(name, "day") if one.hub in hubs]
    return SkillUse(
        offered=sum(one.offered for one in days),
        read=sum(one.used for one in days),
        agents=_most(one for one in known.skill(name, "agent") if one.hub in hubs),
        projects=_most(one for one in known.skill(name, "project") if one.hub in hubs),
        weeks=_weeks(days),
        last=max((one.value for one in days), default=""),
        waiting=progress.all - progress.done,
    )


def _has_sessions(house: House) -> bool:
    return (house.home / "sessions.db").exists()


def _most(found: Iterable[UseCount]) -> list[tuple[str, int, int]]:
    offered: Counter[str] = Counter()
    read: Counter[str] = Counter()
    for one in found:
        offered[one.value] += one.offered
        read[one.value] += one.used
    return sorted(((name, offered[name], read[name]) for name in offered), key=lambda row: (-row[1], row[0]))


def _weeks(days: Sequence[UseCount]) -> list[Week]:
    offered: Counter[date] = Counter()
    read: Counter[date] = Counter()
    for one in days:
        try:
            day = date.fromisoformat(one.value)
        except ValueError:
            continue  # a session without a time
        monday = day - timedelta(days=day.weekday())
        offered[monday] += one.offered
        read[monday] += one.used
    if not offered:
        return []
    last = max(offered)
    first = max(min(offered), last - timedelta(weeks=WEEKS - 1))
    count = (last - first).days // 7 + 1
    mondays = [first + timedelta(weeks=n) for n in range(count)]
    return [Week(monday, offered[monday], read[monday]) for monday in mondays]
