"""Compare what became of an office with what should have: table by table.

As published: upper and lower case are the same but in a task's list and board and a customer's status, and
a missing value equals a missing value only. The order of rows says nothing, as in later versions of the
published grader; no recorded label depends on it.
"""

from __future__ import annotations

from collections import Counter

from skillclaw.bench.suites.workbench.tables import Office, Row, Table

__all__ = ["changed", "differences", "reason"]

EXACT = frozenset({"status", "list_name", "board"})

Folded = tuple[str | None, ...]


def differences(office: Office, expected: Office) -> dict[str, str]:
    """The tables that differ, each with what differs in words; empty where all agree."""
    wanted = expected.kept()
    found = {name: _words(table, wanted[name]) for name, table in office.kept().items()}
    return {name: words for name, words in found.items() if words}


def changed(office: Office, before: Office) -> bool:
    """Whether any table is not as it was, to the letter."""
    was = before.kept()
    return any(table.rows != was[name].rows for name, table in office.kept().items())


def reason(found: dict[str, str]) -> str:
    """One line for a person."""
    return "; ".join(f"{name}: {words}" for name, words in found.items())


def _folded(table: Table, row: Row) -> Folded:
    values = ((column, row[column]) for column in table.columns)
    return tuple(value if value is None or column in EXACT else value.lower() for column, value in values)


def _words(has: Table, should: Table) -> str:
    # Most rows are the very same object in both: nobody changed them.
    ours, theirs = {id(row) for row in has}, {id(row) for row in should}
    here = Counter(_folded(has, row) for row in has if id(row) not in theirs)
    there = Counter(_folded(should, row) for row in should if id(row) not in ours)
    extra, missing = here - there, there - here
    # A wrong value is a row that is missing and one that is there instead: the keys tell.
    keys = {row[0] for row in missing}
    wrong = sum(row[0] in keys for row in extra.elements())
    parts = (
        (wrong, "with a wrong value"),
        (missing.total() - wrong, "missing"),
        (extra.total() - wrong, "that should not be there"),
    )
    return ", ".join(f"{n} row{'s' if n > 1 else ''} {what}" for n, what in parts if n > 0)
