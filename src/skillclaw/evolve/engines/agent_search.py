"""Listing, searching and reading the workspace: pure functions over texts by path, with bounded answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from skillclaw.errors import BadInputError
from skillclaw.evolve.dossier.fence import fenced

__all__ = ["listing", "read", "search"]

HITS = 40
"""Lines that one search gives."""
AROUND = 100
"""Characters before and after what was found, in a long line."""
LINES = 400
"""Lines that one reading gives at most."""
LONGEST = 200
"""Characters of what is searched for."""
MEMORY = 4 << 20
"""Bytes that a compiled pattern may take."""


def listing(files: Mapping[str, str], folder: str = "") -> str:
    """The paths below `folder`, with their sizes."""
    inside = _inside(files, folder)
    rows = [f"{path}: {text.count(chr(10))} lines, {len(text)} characters" for path, text in inside.items()]
    return fenced(f"{len(rows)} files", "\n".join(rows))


def search(files: Mapping[str, str], text: str, *, regex: bool = False, folder: str = "") -> str:
    """The lines that hold `text` (any case), or that match it as a pattern in RE2's syntax."""
    if not text.strip() or len(text) > LONGEST:
        raise BadInputError(f"What to search for has 1 to {LONGEST} characters.")
    find = _pattern(text) if regex else _plain(text)
    found: list[str] = []
    count = 0
    for path, number, line, at in _hits(_inside(files, folder), find):
        count += 1
        if len(found) < HITS:
            begin = max(0, at - AROUND)
            part = line[begin : at + AROUND + len(text)]
            found.append(f"{path}:{number}: {'...' if begin else ''}{part}")
    if not found:
        return "Nothing was found."
    more = f" of {count}; search for more exact words" if count > len(found) else ""
    return fenced(f"{len(found)} lines{more}", "\n".join(found))


def read(files: Mapping[str, str], path: str, first: int, last: int, room: int) -> str:
    """Lines `first` to `last` of a file (from 1; `last` 0: as many as fit), at most `room` characters."""
    if path not in files:
        raise BadInputError(f"There is no file {path[:200]!r}.", "", "See `list`.")
    lines = files[path].splitlines() or [""]
    begin = max(1, first)
    if begin > len(lines):
        raise BadInputError(f"{path} has {len(lines)} lines.")
    end = min(len(lines), last if last >= begin else begin + LINES - 1, begin + LINES - 1)
    shown: list[str] = []
    for line in lines[begin - 1 : end]:
        if shown and sum(map(len, shown)) + len(line) > room:
            break
        shown.append(line if len(line) <= room else f"{line[:room]} ...")
    until = begin + len(shown) - 1
    title = f"{path}, lines {begin} to {until} of {len(lines)}"
    more = f"\nRead on from line {until + 1}." if until < len(lines) else ""
    return fenced(title, "\n".join(shown)) + more


def _inside(files: Mapping[str, str], folder: str) -> dict[str, str]:
    prefix = folder.strip().strip("/")
    found = {path: text for path, text in files.items() if not prefix or path.startswith(f"{prefix}/")}
    if not found and prefix in files:
        return {prefix: files[prefix]}
    if not found:
        raise BadInputError(f"There is no folder {folder[:200]!r}.", "", "See `list` without a folder.")
    return found


def _hits(files: Mapping[str, str], find: Callable[[str], int]) -> Iterator[tuple[str, int, str, int]]:
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            at = find(line)
            if at >= 0:
                yield path, number, line, at


def _plain(text: str) -> Callable[[str], int]:
    low = text.lower()
    return lambda line: line.lower().find(low)


def _pattern(text: str) -> Callable[[str], int]:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        compiled = re2.compile(text, options=options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise BadInputError(
            f"{text!r} is no pattern in RE2's syntax.", why, "Set `regex` to false to search for it."
        ) from None

    def find(line: str) -> int:
        match = compiled.search(line)
        return int(match.start()) if match is not None else -1

    return find
