"""The rows that lists of sessions show: what the store has in columns, and what the catalogue has read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from skillclaw.journal.catalogue_facts import Use
from skillclaw.journal.catalogue_query import Cursor
from skillclaw.trajectory.model import Record

__all__ = ["Row", "Rows", "rows_of"]


class Row(Record, frozen=True, kw_only=True):
    """A session as lists show it. `known`: the catalogue has read it; what comes behind is empty before.

    skills   those that were read or invoked; offered: how many were offered or used
    """

    key: str
    agent: str
    project: str
    started: str
    steps: int
    outcome: str
    shared: bool
    user: str
    revision: int
    source: str
    known: bool = False
    title: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    calls: int = 0
    errors: int = 0
    skills: tuple[Use, ...] = ()
    offered: int = 0
    env: dict[str, str] = {}


class Rows(Record, frozen=True, kw_only=True):
    """A part of a list; `next` is where the next one begins, None at the end."""

    rows: list[Row]
    next: Cursor | None = None


def rows_of(db: sqlite3.Connection, keys: Sequence[str]) -> list[Row]:
    """These sessions in order, without those that are gone. `db`: the catalogue with the store as `s`."""
    if not keys:
        return []
    marks = ", ".join("?" * len(keys))
    facts = {
        row[1]: row
        for row in db.execute(
            "SELECT id, key, title, tokens_in, tokens_out, usd, calls, errors, env FROM facts"  # noqa: S608 - as above
            f" WHERE key IN ({marks})",
            keys,
        )
    }
    numbers = [row[0] for row in facts.values()]
    used: dict[int, list[Use]] = {}
    offered: dict[int, int] = {}
    for number, name, hub, use in db.execute(
        f"SELECT id, name, hub, used FROM uses WHERE id IN ({', '.join('?' * len(numbers))})"  # noqa: S608 - as above
        " ORDER BY name",
        numbers,
    ):
        offered[number] = offered.get(number, 0) + 1
        if use:
            used.setdefault(number, []).append(Use(name=name, hub=hub, used=True))
    found: dict[str, Row] = {}
    for row in db.execute(
        "SELECT key, agent, project, started, steps, outcome, shared, user, revision, source"  # noqa: S608 - as above
        f" FROM s.sessions WHERE key IN ({marks})",
        keys,
    ):
        known = facts.get(row[0])
        more: dict[str, Any] = {}
        if known is not None:
            more = {
                "known": True,
                "title": known[2],
                "tokens_in": known[3],
                "tokens_out": known[4],
                "usd": known[5],
                "calls": known[6],
                "errors": known[7],
                "env": msgspec.json.decode(known[8], type=dict[str, str]),
                "skills": tuple(used.get(known[0], ())),
                "offered": offered.get(known[0], 0),
            }
        found[row[0]] = Row(
            key=row[0],
            agent=row[1],
            project=row[2],
            started=row[3],
            steps=row[4],
            outcome=row[5],
            shared=bool(row[6]),
            user=row[7],
            revision=row[8],
            source=row[9],
            **more,
        )
    return [found[key] for key in keys if key in found]
