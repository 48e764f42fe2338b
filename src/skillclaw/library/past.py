"""What lay in the skills folders when: `<home>/library.past.jsonl`, a line for each change (0600).

A session is looked at long after it began, when the folders may hold something else; what it could have read
is what lay there at its first exchange. A line holds from its time on until the next one about
the same copy. Times are this machine's clock, as a session's are. A file that cannot be read costs what it
would have told, and nothing else.
"""

from __future__ import annotations

import logging
import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.library import copies
from skillclaw.library.records import Installed
from skillclaw.private import whole_file
from skillclaw.trajectory.model import Record

__all__ = ["Lay", "Past", "note", "past"]

log = logging.getLogger("skillclaw.library")
FILE = "library.past.jsonl"
MOST = 4000
"""Lines at which the older half is put together into what it comes to."""


class Lay(Record, frozen=True, kw_only=True):
    """One copy from a moment on: which `version` it was made from (empty: none lies there any more), and
    whether the user had edited it; `group` is the id of its hub's group. With no `skill`: whether this
    machine takes part in canaries."""

    at: str
    hub: str = ""
    group: str = ""
    skill: str = ""
    target: str = ""
    version: str = ""
    edited: bool = False
    canaries: bool = True


class Past:
    """The lines, by what they are about; `newest`: what was noted last of each."""

    def __init__(self, lines: Iterable[Lay]) -> None:
        self._known: dict[tuple[str, str, str], list[Lay]] = {}
        for line in lines:
            self._known.setdefault((line.hub, line.skill, line.target), []).append(line)
        self.newest = {key: found[-1] for key, found in self._known.items()}
        for found in self._known.values():
            found.sort(key=lambda line: line.at)  # a clock may have been set back

    def canaries(self, moment: datetime) -> bool:
        """Whether this machine took part in canaries: it does unless the user says otherwise."""
        line = self._line(("", "", ""), _text(moment))
        return line is None or line.canaries

    def copies(self, begin: datetime, end: datetime) -> list[Lay]:
        """The copies that lay there at `begin`; those that were edited at any time until `end` as such."""
        first, last = _text(begin), _text(end)
        found = []
        for key, lines in self._known.items():
            line = self._line(key, first)
            if not key[1] or line is None or not line.version:
                continue
            later = lines[bisect_right(lines, first, key=_at) : bisect_right(lines, last, key=_at)]
            edited = line.edited or any(one.edited for one in later)
            found.append(msgspec.structs.replace(line, edited=edited))
        return found

    def had(self, group: str, skill: str, version: str) -> bool:
        """Whether a copy of that version, of the hub of that group, ever lay here."""
        return any(
            line.version == version and line.group == group
            for key, lines in self._known.items()
            if key[1] == skill
            for line in lines
        )

    def _line(self, key: tuple[str, str, str], at: str) -> Lay | None:
        lines = self._known.get(key, [])
        place = bisect_right(lines, at, key=_at)
        return lines[place - 1] if place else None


def past(home: Path) -> Past:
    """What is known; empty where nothing is."""
    path = home / FILE
    try:
        stat = path.stat()
    except OSError:
        return Past([])
    return _past(path, stat.st_mtime_ns, stat.st_size)


def note(
    home: Path,
    installed: Iterable[Installed],
    now: datetime,
    *,
    canaries: bool,
    groups: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write down what is other than it was. `canaries`: whether this machine takes part in them; `groups`:
    ids by hub, of those that could be read."""
    known, at = past(home).newest, _text(now)
    lines = []
    for entry in installed:
        state = copies.row(entry).state
        if entry.version and state != "missing":
            before = known.get((entry.hub, entry.skill, entry.target), Lay(at=""))
            lines.append(
                Lay(
                    at=at,
                    hub=entry.hub,
                    group=groups.get(entry.hub, before.group),
                    skill=entry.skill,
                    target=entry.target,
                    version=entry.version,
                    edited=state == "edited",
                )
            )
    here = {(line.hub, line.skill, line.target) for line in lines}
    lines += [
        msgspec.structs.replace(line, at=at, version="", edited=False)
        for key, line in known.items()
        if key[1] and line.version and key not in here
    ]
    lines.append(Lay(at=at, canaries=canaries))
    fresh = [
        line
        for line in lines
        if _what(line) != _what(known.get((line.hub, line.skill, line.target), Lay(at="")))
    ]
    if not fresh:
        return
    path = home / FILE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            if file.tell() and not path.read_bytes().endswith(b"\n"):
                file.write(b"\n")  # a line that was cut off must not be glued to the next
            file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in fresh))
            file.flush()
            os.fsync(file.fileno())  # effects are measured by it
        _shorten(path)
    except OSError as error:
        log.warning("cannot write %s: %s", path, error.strerror or error)


def _shorten(path: Path) -> None:
    lines = _read(path)
    if len(lines) <= MOST:
        return
    old, kept = lines[: -MOST // 2], lines[-MOST // 2 :]
    kept = [*Past(old).newest.values(), *kept]
    with whole_file(path) as file:
        file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in kept))


@lru_cache(4)
def _past(path: Path, changed: int, size: int) -> Past:
    return Past(_read(path))


def _read(path: Path) -> list[Lay]:
    lines: list[Lay] = []
    try:
        data = path.read_bytes()
    except OSError:
        return lines
    for line in data.splitlines():
        with suppress(*UNREADABLE):
            lines.append(msgspec.json.decode(line, type=Lay))
    return lines


def _at(line: Lay) -> str:
    return line.at


def _what(line: Lay) -> tuple[str, str, bool, bool]:
    return line.version, line.group, line.edited, line.canaries


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
