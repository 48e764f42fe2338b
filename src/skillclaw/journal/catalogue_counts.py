"""What is counted over all sessions: by day, agent, project, and by the skills that were before the agent."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from skillclaw.trajectory.model import Record

__all__ = [
    "LISTED",
    "Counted",
    "Counts",
    "Day",
    "SkillCount",
    "UseCount",
    "days_since",
    "skill_counts",
    "skill_uses",
    "uses_since",
]

LISTED = "s.sessions INDEXED BY sessions_lists"


class Counts(Record, frozen=True, kw_only=True):
    """How many sessions fit, and how they went."""

    sessions: int = 0
    success: int = 0
    failure: int = 0
    unknown: int = 0


class Counted(Record, frozen=True, kw_only=True):
    """An agent or a project and its sessions."""

    name: str
    sessions: int


class SkillCount(Record, frozen=True, kw_only=True):
    """A skill, and in how many sessions it was read or invoked (`used`) and before the agent at all."""

    name: str
    hub: str
    used: int
    offered: int


class Day(Record, frozen=True, kw_only=True):
    """One day (UTC): its sessions by outcome, and what those cost that tell it."""

    day: str
    sessions: int = 0
    success: int = 0
    failure: int = 0
    unknown: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0


class UseCount(Record, frozen=True, kw_only=True):
    """Sessions of one day (`YYYY-MM-DD`, empty: without a time), agent or project, by `value`, that had the
    skill before them, and that read or invoked it. `hub` is `personal`, a group's id, or empty where only the
    skill's name is known."""

    value: str
    hub: str
    offered: int
    used: int


def days_since(db: sqlite3.Connection, since: str) -> list[Day]:
    """The days from `since` on that have sessions, oldest first."""
    days: dict[str, dict[str, Any]] = {}
    for day, outcome, count in db.execute(
        f"SELECT substr(started, 1, 10), outcome, count(*) FROM {LISTED}"  # noqa: S608 - names of our own
        " WHERE started >= ? AND started <> '' GROUP BY 1, 2",
        (since,),
    ):
        own = days.setdefault(day, {"sessions": 0})
        own["sessions"] += count
        if outcome in ("success", "failure", "unknown"):
            own[outcome] = count
    for day, tokens_in, tokens_out, usd in db.execute(
        "SELECT substr(started, 1, 10), total(tokens_in), total(tokens_out), total(usd)"
        " FROM facts INDEXED BY facts_day WHERE substr(started, 1, 10) >= ? GROUP BY 1",
        (since,),
    ):
        if day in days:
            days[day] |= {"tokens_in": int(tokens_in), "tokens_out": int(tokens_out), "usd": usd}
    return [Day(day=day, **own) for day, own in sorted(days.items())]


def skill_counts(db: sqlite3.Connection, limit: int | None) -> list[SkillCount]:
    """The skills that sessions had before them, the most used first."""
    found = db.execute(
        "SELECT name, hub, used, offered FROM named WHERE kind = 'all'"
        " ORDER BY used DESC, offered DESC, name LIMIT ?",
        (-1 if limit is None else limit,),
    )
    return [SkillCount(name=n, hub=h, used=u, offered=o) for n, h, u, o in found]


def uses_since(db: sqlite3.Connection, since: str) -> dict[tuple[str, str], tuple[int, int]]:
    """For each skill (name, hub): sessions of the days from `since` on that had it before them, and that used
    it."""
    found = db.execute(
        "SELECT name, hub, sum(offered), sum(used) FROM named WHERE kind = 'day' AND value >= ?"
        " GROUP BY 1, 2",
        (since,),
    )
    return {(name, hub): (offered, used) for name, hub, offered, used in found}


def skill_uses(db: sqlite3.Connection, name: str, kind: Literal["day", "agent", "project"]) -> list[UseCount]:
    """The uses of all skills of this name, by day, agent or project."""
    found = db.execute(
        "SELECT value, hub, offered, used FROM named INDEXED BY named_of WHERE name = ? AND kind = ?"
        " ORDER BY value, hub",
        (name, kind),
    )
    return [UseCount(value=v, hub=h, offered=o, used=u) for v, h, o, u in found]
