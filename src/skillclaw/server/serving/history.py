"""What cycles there were: `<home>/serve/`, files that no kill leaves half written, and bounded.

cycles/<group>/<id>.json   a CycleLine each, the newest KEEP of a group; written when the cycle begins and
                           when it ends, so that a server that was killed finds what it had begun
reports/<id>.json          what a cycle found, of the newest REPORTS of a group; deleted when a member took a
                           session back, since it may tell of it
paused.json                what a person paused: names of hubs, `*` for all
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.private import private_folder, whole_file
from skillclaw.server.serving.records import CycleLine

__all__ = ["KEEP", "REPORTS", "History", "new_id", "now_text"]

KEEP = 200
"""Cycles of a group that are remembered."""
REPORTS = 20
"""Reports of a group that are kept."""
MOST = 256 << 20
"""Bytes of a report that is read."""
ALL = "*"
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
_GROUP = re.compile(r"[0-9a-f]{8,128}")


def new_id() -> str:
    """The id of a cycle that begins: its time, for people, and chance, so that no two are the same."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def now_text() -> str:
    """Now as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class History:
    """The cycles of all groups of one server. Threads can share it. Raises StorageError where the disk does
    not take what is to be kept."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "serve"
        self._lock = threading.RLock()
        self._lines: dict[str, list[CycleLine]] = {}
        self._paused: set[str] = set()
        for folder in (self.folder, self.folder / "cycles", self.folder / "reports"):
            self._keep(lambda folder=folder: private_folder(folder))  # type: ignore[misc]
        self._load()

    def cycles(self, group: str, n: int = KEEP) -> list[CycleLine]:
        """The newest `n` cycles of a group, the newest first."""
        with self._lock:
            return self._lines.get(group, [])[-n:][::-1] if n > 0 else []

    def find(self, cycle: str) -> CycleLine | None:
        """The cycle of this id."""
        with self._lock:
            return next(
                (line for lines in self._lines.values() for line in reversed(lines) if line.id == cycle), None
            )

    def note(self, line: CycleLine, *, keep: bool = True) -> None:
        """Remember how a cycle stands; without `keep` only until this process ends."""
        with self._lock:
            lines = self._lines.setdefault(line.group, [])
            for place, known in enumerate(lines):
                if known.id == line.id:
                    lines[place] = line
                    break
            else:
                lines.append(line)  # the newest, whatever the time of day is said to be by now
            if keep:
                folder = self.folder / "cycles" / line.group
                self._keep(lambda: private_folder(folder))
                self._write(folder / f"{line.id}.json", line)
                self._trim(line.group)

    def forget(self, line: CycleLine) -> None:
        """Take a cycle out that came to nothing."""
        with self._lock:
            lines = self._lines.get(line.group, [])
            lines[:] = [one for one in lines if one.id != line.id]
            for path in (self._line_path(line), self.report_path(line.id)):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def report_path(self, cycle: str) -> Path:
        """Where the report of a cycle lies."""
        return self.folder / "reports" / f"{cycle}.json"

    def report(self, cycle: str) -> dict[str, Any] | None:
        """What a cycle found, as `skillclaw evolve --json` says it; None where there is none (any more)."""
        if not _ID.fullmatch(cycle):
            return None
        try:
            path = self.report_path(cycle)
            if path.stat().st_size > MOST:
                return None
            found: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (OSError, *UNREADABLE):
            return None
        return found

    def drop_reports(self, group: str, but: str = "") -> None:
        """Delete the reports of a group: a member took back what they may tell of."""
        with self._lock:
            for line in self._lines.get(group, []):
                if line.id != but:
                    with suppress(FileNotFoundError):
                        self._keep(lambda line=line: self.report_path(line.id).unlink())  # type: ignore[misc]

    def withdrawn(self, group: str, count: int) -> bool:
        """Whether more was taken back in the group than at the last call."""
        with self._lock:
            path = self.folder / "cycles" / group / "withdrawn"
            try:
                before = int(path.read_text("ascii"))
            except (OSError, ValueError):
                before = 0
            if count != before:
                self._keep(lambda: private_folder(path.parent))
                self._write(path, count)
            return count > before

    def paused(self, hub: str | None = None) -> bool:
        """Whether a person paused this hub, or all of them; `hub` None: all of them."""
        with self._lock:
            return ALL in self._paused or (hub is not None and hub in self._paused)

    def pause(self, hub: str | None, paused: bool) -> None:
        """Remember that a person paused or resumed a hub, or all. To resume all resumes each."""
        with self._lock:
            now = set(self._paused)
            if paused:
                now.add(hub or ALL)
            elif hub is None:
                now.clear()
            else:
                now.discard(hub)
            self._write(self.folder / "paused.json", sorted(now))
            self._paused = now

    def cut_off(self) -> list[CycleLine]:
        """Mark as lost what was running when a server of this home ended, and give it; what was half written
        then goes. To be called while no other server of this home runs."""
        for torn in [*self.folder.rglob(".*.new")]:
            with suppress(OSError):
                torn.unlink()
        with self._lock:
            open_ = [line for lines in self._lines.values() for line in lines if line.outcome == "running"]
            lost = [
                msgspec.structs.replace(
                    line,
                    outcome="lost",
                    error="The server ended while it ran. What it had done is kept; the next cycle goes on.",
                )
                for line in open_
            ]
            for line in lost:
                self.note(line)
            return lost

    def _load(self) -> None:
        for folder in sorted((self.folder / "cycles").iterdir()):
            if not _GROUP.fullmatch(folder.name):
                continue
            lines = [line for path in folder.glob("*.json") if (line := _line(path, folder.name))]
            self._lines[folder.name] = sorted(lines, key=_order)
        with suppress(FileNotFoundError):
            try:
                self._paused = set(
                    msgspec.json.decode((self.folder / "paused.json").read_bytes(), type=list[str])
                )
            except (*UNREADABLE, OSError) as error:
                if isinstance(error, FileNotFoundError):
                    raise
                self._paused = {ALL}  # what a person stopped must not go on because a file was damaged

    def _trim(self, group: str) -> None:
        lines = self._lines[group]
        for line in lines[:-KEEP]:
            with suppress(OSError):
                self._line_path(line).unlink(missing_ok=True)
        for line in lines[:-REPORTS]:
            with suppress(OSError):
                self.report_path(line.id).unlink(missing_ok=True)
        del lines[:-KEEP]

    def _line_path(self, line: CycleLine) -> Path:
        return self.folder / "cycles" / line.group / f"{line.id}.json"

    def _write(self, path: Path, value: Any) -> None:
        def write() -> None:
            with whole_file(path) as file:
                file.write(msgspec.json.encode(value))

        self._keep(write)

    def _keep(self, write: Callable[[], None]) -> None:
        try:
            write()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(
                f"Cannot keep what cycles did in {self.folder}.",
                os.strerror(error.errno) if error.errno else type(error).__name__,
                "Free space or mend permissions.",
            ) from error


def _order(line: CycleLine) -> tuple[str, str]:
    return line.started, line.id


def _line(path: Path, group: str) -> CycleLine | None:
    """The line in a file; None where it holds none, as after a fault of the disk."""
    try:
        line = msgspec.json.decode(path.read_bytes(), type=CycleLine)
    except (OSError, *UNREADABLE):
        return None
    return line if line.id == path.stem and line.group == group and _ID.fullmatch(line.id) else None
