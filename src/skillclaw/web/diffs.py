"""A unified diff (`skills.diff`) as rows for two columns: what was on the left, what comes on the right.

Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["FileChange", "Row", "side_by_side"]

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Row(NamedTuple):
    """Two lines beside each other with their numbers; None where there is none on that side.

    kind  `same`, `changed` (both, not alike), `gone` (left only), `new` (right only), `gap` (lines of both
          that are left out), `note` (`left` is about the file)
    """

    kind: Literal["same", "changed", "gone", "new", "gap", "note"]
    left_number: int | None = None
    left: str | None = None
    right_number: int | None = None
    right: str | None = None


class FileChange(NamedTuple):
    """A file of the bundle and how it changes: `added`, `removed` or `changed`."""

    path: str
    how: Literal["added", "removed", "changed"]
    rows: list[Row]


def side_by_side(diff: str, most: int = 1_000_000) -> tuple[list[FileChange], bool]:
    """The files of a diff, with at most `most` rows of all together; and whether that is not all of it.

    The lengths that stand in the hunks' heads say where a hunk ends, so a line of a skill that looks like a
    head of a diff is a line.
    """
    lines = diff.split("\n") if diff else []
    found: list[FileChange] = []
    total = at = 0
    while at < len(lines):
        if total >= most:
            return found, True
        text = lines[at]
        hunk = _HUNK.match(text)
        if text.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            found.append(_file(text[4:], lines[at + 1][4:]))
            at += 2
        elif hunk is not None and found:
            rows, at = _hunk(lines, at + 1, hunk)
            if found[-1].rows and found[-1].rows[-1].kind != "note":
                rows.insert(0, Row("gap"))
            kept = rows[: most - total]
            found[-1].rows.extend(kept)
            total += len(kept)
            if len(kept) < len(rows):
                return found, True
        else:
            if text:
                found.append(FileChange("", "changed", [Row("note", left=text)]))
                total += 1
            at += 1
    return found, False


def _file(before: str, after: str) -> FileChange:
    if before == "/dev/null":
        return FileChange(after.removeprefix("b/"), "added", [])
    return FileChange(before.removeprefix("a/"), "removed" if after == "/dev/null" else "changed", [])


def _hunk(lines: list[str], at: int, head: re.Match[str]) -> tuple[list[Row], int]:
    """The rows of the hunk whose first line is `lines[at]`, and where it ends."""
    old, new = int(head[1]), int(head[3])
    old_left, new_left = (int(count) if count is not None else 1 for count in (head[2], head[4]))
    rows: list[Row] = []
    gone: list[tuple[int, str]] = []
    came: list[tuple[int, str]] = []
    while at < len(lines) and (old_left > 0 or new_left > 0 or lines[at].startswith("\\")):
        sign, text = lines[at][:1], lines[at][1:]
        at += 1
        if sign == "-":
            if came:
                _pair(rows, gone, came)
            gone.append((old, text))
            old, old_left = old + 1, old_left - 1
        elif sign == "+":
            came.append((new, text))
            new, new_left = new + 1, new_left - 1
        elif sign != "\\":
            _pair(rows, gone, came)
            rows.append(Row("same", old, text, new, text))
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
    _pair(rows, gone, came)
    return rows, at


def _pair(rows: list[Row], gone: list[tuple[int, str]], came: list[tuple[int, str]]) -> None:
    """What went and what came in its place, beside each other; both lists are empty then."""
    for index in range(max(len(gone), len(came))):
        left = gone[index] if index < len(gone) else (None, None)
        right = came[index] if index < len(came) else (None, None)
        kind: Literal["changed", "gone", "new"] = (
            "gone" if right[0] is None else "new" if left[0] is None else "changed"
        )
        rows.append(Row(kind, *left, *right))
    gone.clear()
    came.clear()
