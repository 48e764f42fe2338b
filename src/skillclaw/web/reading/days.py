"""Sessions by day, from their catalogue. The one place where the first page takes them from."""

from __future__ import annotations

from datetime import date, timedelta

from skillclaw.journal.catalogue import Day as Read
from skillclaw.journal.catalogue_query import Filter
from skillclaw.trajectory.model import Record
from skillclaw.web.catalogues import catalogue
from skillclaw.web.site.house import House

__all__ = ["Day", "Figures", "figures"]


class Day(Record, frozen=True, kw_only=True):
    """The sessions that began on one day (UTC), by outcome; tokens and US dollars: None where unknown."""

    day: str
    sessions: int = 0
    success: int = 0
    failure: int = 0
    unknown: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None


class Figures(Record, frozen=True, kw_only=True):
    """`days`: every day that was asked for, also those without a session; `every`: all sessions as one, also
    those that tell no time; `read`: of how many of them the cost was read."""

    days: list[Day]
    every: Day
    read: int


def figures(house: House, since: date, until: date) -> Figures:
    """The sessions of the days from `since` to `until`, both included, and all of them. StorageError."""
    if not (house.home / "sessions.db").exists():
        return Figures(days=[_day(Read(day=day)) for day in _wanted(since, until)], every=Day(day=""), read=0)
    known = catalogue(house)
    progress = known.refresh(0.05)
    found = {one.day: one for one in known.days(since.isoformat())}
    every = known.counts(Filter())
    return Figures(
        days=[_day(found.get(day, Read(day=day))) for day in _wanted(since, until)],
        every=Day(
            day="",
            sessions=every.sessions,
            success=every.success,
            failure=every.failure,
            unknown=every.unknown,
        ),
        read=every.sessions - (progress.all - progress.done),
    )


def _wanted(since: date, until: date) -> list[str]:
    return [(since + timedelta(days=n)).isoformat() for n in range((until - since).days + 1)]


def _day(read: Read) -> Day:
    """A day of the catalogue, which has 0 where no session told a cost."""
    return Day(
        day=read.day,
        sessions=read.sessions,
        success=read.success,
        failure=read.failure,
        unknown=read.unknown,
        tokens_in=read.tokens_in or None,
        tokens_out=read.tokens_out or None,
        usd=read.usd or None,
    )
