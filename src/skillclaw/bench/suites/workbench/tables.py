"""The tables of one small office, Sam's: what its tools read and change.

Everything is text, as in the published CSV files; an empty cell is None. Rows are never changed in place: a
change puts a new row where the old one was. So a fresh office costs one copy of a list per table, and all
offices share the rows that nobody changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["FILES", "NOW", "TODAY", "Office", "RefusedError", "Row", "Table"]

Row = Mapping[str, str | None]

TODAY = "2023-11-30"
NOW = f"{TODAY} 00:00:00"
"""When everything happens; the recorded runs were told this date."""

FILES = {
    "calendar": "calendar_events.csv",
    "emails": "emails.csv",
    "tasks": "project_tasks.csv",
    "customers": "customer_relationship_manager_data.csv",
    "visits": "analytics_data.csv",
    "directory": "email_addresses.csv",
}
"""The file of each table. `plots` has none: it starts empty."""


class RefusedError(Exception):
    """A tool didn't do what it was asked; the text says why, and the agent reads it."""


class Table:
    """Rows in order, with the columns that every row has."""

    __slots__ = ("columns", "key", "rows")

    def __init__(self, columns: Sequence[str], rows: Sequence[Row] = ()) -> None:
        self.columns = tuple(columns)
        self.key = self.columns[0]
        self.rows: list[Row] = list(rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def copy(self) -> Table:
        return Table(self.columns, self.rows)

    def find(self, key: str) -> Row | None:
        """The first row with this value in the first column."""
        return next((row for row in self.rows if row[self.key] == key), None)

    def next_number(self) -> int:
        """One more than the greatest ID. Raises RefusedError where an ID is no number."""
        try:
            # The greatest as text, as the recorded runs show: "500" comes after "00000499".
            return int(max((row[self.key] or "" for row in self.rows), default="-1")) + 1
        except ValueError:
            raise RefusedError("An ID in this table is no number, so that no new one can be made.") from None

    def append(self, **values: str | None) -> None:
        self.rows.append({column: values[column] for column in self.columns})

    def change(self, key: str, field: str, value: str) -> None:
        """Set one field of every row with this key."""
        self.rows = [{**row, field: value} if row[self.key] == key else row for row in self.rows]

    def remove(self, key: str) -> None:
        self.rows = [row for row in self.rows if row[self.key] != key]


class Office:
    """All the tables, by name."""

    __slots__ = ("calendar", "customers", "directory", "emails", "plots", "tasks", "visits")

    def __init__(
        self,
        *,
        calendar: Table,
        emails: Table,
        tasks: Table,
        customers: Table,
        visits: Table,
        directory: Sequence[str],
        plots: Table | None = None,
    ) -> None:
        self.calendar = calendar
        self.emails = emails
        self.tasks = tasks
        self.customers = customers
        self.visits = visits
        self.directory = tuple(directory)
        self.plots = plots or Table(["file_path"])

    @classmethod
    def read(cls, text: Callable[[str], str]) -> Office:
        """The office as published; `text` gives the content of a CSV file by its name (`FILES`).

        Raises KeyError, ValueError or OSError as `text` does, and ValueError for a file without rows.
        """
        tables = {name: _table(text(file)) for name, file in FILES.items() if name != "directory"}
        # The address book has no head line: it is a list.
        directory = [line.strip() for line in text(FILES["directory"]).splitlines() if line.strip()]
        return cls(directory=directory, **tables)

    def fresh(self) -> Office:
        """An office of its own in the same state. What no tool changes is shared."""
        return Office(
            calendar=self.calendar.copy(),
            emails=self.emails.copy(),
            tasks=self.tasks.copy(),
            customers=self.customers.copy(),
            visits=self.visits,
            directory=self.directory,
            plots=self.plots.copy(),
        )

    def kept(self) -> dict[str, Table]:
        """The tables that tools change, by name: by them the work is judged."""
        return {
            "calendar": self.calendar,
            "emails": self.emails,
            "tasks": self.tasks,
            "customers": self.customers,
            "plots": self.plots,
        }


def _table(text: str) -> Table:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = [{name: value or None for name, value in row.items()} for row in reader]
    if not reader.fieldnames or not rows:
        raise ValueError("the table is empty")
    return Table(reader.fieldnames, rows)
