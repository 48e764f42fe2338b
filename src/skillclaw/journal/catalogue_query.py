"""What lists ask of the catalogue, as SQL. Names in it are ours; every value is bound."""

from __future__ import annotations

import re
from typing import Any

from skillclaw.journal.catalogue_facts import query_of
from skillclaw.trajectory.model import Record

__all__ = ["Cursor", "Filter", "Query", "conditions", "inside"]

Cursor = tuple[str, str]
"""Where a part of a list ends: begin and key of its last session."""
Query = tuple[str, list[Any]]

_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


class Filter(Record, frozen=True, kw_only=True):
    """Which sessions a list shows; what is empty does not narrow it.

    skill    read or invoked in the session; with `offered` also where it was only offered
    words    all of them occur in what user and agent said, in any form of the word; `begin*` as it begins
    since, until  days (`YYYY-MM-DD`, UTC), both of them included
    """

    agent: str = ""
    project: str = ""
    outcome: str = ""
    skill: str = ""
    words: str = ""
    source: str = ""
    since: str = ""
    until: str = ""
    offered: bool = False

    @property
    def inside(self) -> bool:
        """Whether it asks for what only the catalogue knows."""
        return bool(self.skill or self.words.strip())


def conditions(given: Filter, after: Cursor | None = None) -> Query:
    """The conditions on columns that the sessions' own table has too."""
    parts, values = ["1"], list[Any]()
    for column, value in (
        ("agent", given.agent),
        ("project", given.project),
        ("outcome", given.outcome),
        ("source", given.source),
    ):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if _DAY.match(given.since):
        parts.append("started >= ?")
        values.append(given.since)
    if _DAY.match(given.until):
        parts.append("started < ?")
        values.append(f"{given.until}U")  # behind every time of that day: those have a T there
    if after is not None:
        parts.append("started <= ? AND (started < ? OR key > ?)")
        values += [after[0], after[0], after[1]]
    return " AND ".join(parts), values


def inside(given: Filter, shards: list[str]) -> Query:
    """The ids of the sessions that have the skill and the words."""
    parts, values = list[str](), list[Any]()
    if given.skill:
        used = "" if given.offered else " AND used = 1"
        parts.append(f"SELECT id FROM uses WHERE name = ?{used}")  # noqa: S608 - names of our own
        values.append(given.skill)
    if given.words.strip():
        query = query_of(given.words)
        if query and shards:
            each = " UNION ALL ".join(
                f"SELECT rowid FROM {one} WHERE {one} MATCH ?"  # noqa: S608 - names of our own
                for one in shards
            )
            parts.append(f"SELECT * FROM ({each})")  # noqa: S608 - as above
            values += [query] * len(shards)
        else:
            parts.append("SELECT NULL WHERE 0")
    return " INTERSECT ".join(parts), values
