"""What was read already: the files that were imported as they were then, and how far each reader has come."""

from __future__ import annotations

from collections.abc import Mapping

from skillclaw.journal.session_tables import SessionTables

__all__ = ["SessionMarks"]


class SessionMarks(SessionTables):
    """The tables `files` and `marks` of `sessions.db`. Raises what `SessionTables` raises."""

    def seen_file(self, path: str, size: int, mtime: float) -> bool:
        """True when `path` was marked with this very size (bytes) and time (Unix seconds)."""
        with self._lock, self._errors():
            return self._one("SELECT size, mtime FROM files WHERE path = ?", path) == (size, mtime)

    def known_file(self, path: str) -> bool:
        """True when `path` was marked, whatever its size was then."""
        with self._lock, self._errors():
            return self._one("SELECT 1 FROM files WHERE path = ?", path) is not None

    def mark_file(self, path: str, size: int, mtime: float) -> None:
        """Remember that `path` was imported as it was then."""
        with self._write():
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, size, mtime))

    def get_mark(self, name: str) -> str | None:
        """The value that `set_mark` gave `name`; None when there is none."""
        with self._lock, self._errors():
            found = self._one("SELECT value FROM marks WHERE name = ?", name)
            return None if found is None else str(found[0])

    def set_mark(self, name: str, value: str) -> None:
        """Remember `value` under `name` (how far a reader has come)."""
        with self._write():
            self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))

    def set_marks(self, values: Mapping[str, str]) -> None:
        """As `set_mark`, all of them or none."""
        with self._write():
            self._db.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", list(values.items()))

    def strike(self, values: Mapping[str, str]) -> None:
        """Forget these marks, but for those that have another value by now."""
        with self._write():
            self._db.executemany("DELETE FROM marks WHERE name = ? AND value = ?", list(values.items()))

    def marked(self, prefix: str) -> dict[str, str]:
        """The marks whose names begin with `prefix`, with their values."""
        with self._lock, self._errors():
            found = self._db.execute(
                "SELECT name, value FROM marks WHERE name >= ?1 AND name < ?1 || char(0x10FFFF)", (prefix,)
            )
            return {str(name): str(value) for name, value in found}

    def marks(self, prefix: str) -> set[str]:
        """The names of all marks that begin with `prefix`, without it."""
        with self._lock, self._errors():
            # By the range, which the index finds: a group's evolver asks for each session that it cites.
            found = self._db.execute(
                "SELECT name FROM marks WHERE name >= ?1 AND name < ?1 || char(0x10FFFF)", (prefix,)
            )
            return {str(name)[len(prefix) :] for (name,) in found}
