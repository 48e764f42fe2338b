"""Two texts side by side: which lines are the same, changed, gone or new, and within changed lines which
words. Pure, and bounded: a line that is too long is compared as a whole, a file not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from skillclaw.skills.records import Bundle, File

__all__ = ["Cell", "FileChange", "Row", "changes", "side_by_side"]

LINES = 3000
"""Lines of a file that are compared."""
ALL_LINES = 8000
"""Lines of all files of a comparison, of either side."""
WORDS = 400
"""Characters of a line that is compared by words."""
EFFORT = 3_000_000
"""Pairs of words that all lines of a comparison may look at: a hostile text makes each of them count."""
CONTEXT = 3
"""Unchanged lines shown around a change."""
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Cell(NamedTuple):
    """A line of one side: its number from 1, and its parts, each with whether it changed."""

    number: int
    parts: list[tuple[str, bool]]


class Row(NamedTuple):
    """What stands beside each other; `skipped` counts the same lines that are left out here."""

    kind: Literal["same", "changed", "gone", "new", "skipped"]
    old: Cell | None = None
    new: Cell | None = None
    skipped: int = 0


class FileChange(NamedTuple):
    """One file that changed. `notes`: what is said beside or in place of lines: added, removed, binary, too
    long, and what became of its mode."""

    path: str
    rows: list[Row]
    notes: list[str]


def changes(old: Bundle, new: Bundle) -> list[FileChange]:
    """The files of two versions that differ, SKILL.md first."""
    before = {file.path: file for file in old.files}
    after = {file.path: file for file in new.files}
    paths = sorted(before.keys() | after.keys(), key=lambda path: (path != "SKILL.md", path))
    left = _Left()
    return [
        _file(path, before.get(path), after.get(path), left)
        for path in paths
        if before.get(path) != after.get(path)
    ]


class _Left:
    """What a comparison may still cost."""

    def __init__(self) -> None:
        self.lines = ALL_LINES
        self.effort = EFFORT


def _file(path: str, old: File | None, new: File | None, left: _Left) -> FileChange:
    notes = ["added"] if old is None else ["removed"] if new is None else []
    if old is not None and new is not None and old.executable != new.executable:
        notes.append("executable now" if new.executable else "not executable any more")
    texts = (_text(old), _text(new))
    if texts[0] is None or texts[1] is None:
        return FileChange(path, [], [*notes, "binary"])
    most = max(text.count("\n") for text in texts if text is not None)
    if most > min(LINES, left.lines):
        return FileChange(path, [], [*notes, "too long"])
    left.lines -= most
    return FileChange(path, _rows(texts[0], texts[1], left), notes)


def _text(file: File | None) -> str | None:
    if file is None:
        return ""
    try:
        return None if b"\0" in file.data else file.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def side_by_side(old: str, new: str) -> list[Row]:
    """The rows of two texts; long stretches of the same lines are one row. Empty where nothing changed."""
    return _rows(old, new, _Left())


def _rows(old: str, new: str, left: _Left) -> list[Row]:
    before, after = _lines(old), _lines(new)
    if before == after:
        return []
    rows: list[Row] = []
    # In long texts lines that stand everywhere are no landmarks: with them it takes the cube of the length.
    matcher = SequenceMatcher(None, before, after)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            rows += [
                Row(
                    "same",
                    Cell(a + n + 1, [(before[a + n], False)]),
                    Cell(c + n + 1, [(after[c + n], False)]),
                )
                for n in range(b - a)
            ]
        else:
            rows += _replaced(before, after, range(a, b), range(c, d), left)
    return list(_cut(rows))


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _replaced(
    before: Sequence[str], after: Sequence[str], old: range, new: range, may: _Left
) -> Iterator[Row]:
    for left, right in zip(old, new, strict=False):
        first, second = _words(before[left], after[right], may)
        yield Row("changed", Cell(left + 1, first), Cell(right + 1, second))
    for left in old[len(new) :]:
        yield Row("gone", Cell(left + 1, [(before[left], True)]), None)
    for right in new[len(old) :]:
        yield Row("new", None, Cell(right + 1, [(after[right], True)]))


def _words(old: str, new: str, may: _Left) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    if len(old) > WORDS or len(new) > WORDS or may.effort <= 0:
        return [(old, True)], [(new, True)]
    first, second = _WORD.findall(old), _WORD.findall(new)
    may.effort -= len(first) * len(second)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for tag, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if b > a:
            left.append(("".join(first[a:b]), tag != "equal"))
        if d > c:
            right.append(("".join(second[c:d]), tag != "equal"))
    return left, right


def _cut(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows without the same lines that are far from any change."""
    near = [False] * len(rows)
    for index, row in enumerate(rows):
        if row.kind != "same":
            for around in range(max(0, index - CONTEXT), min(len(rows), index + CONTEXT + 1)):
                near[around] = True
    skipped = 0
    for index, row in enumerate(rows):
        if near[index]:
            if skipped:
                yield Row("skipped", skipped=skipped)
            skipped = 0
            yield row
        else:
            skipped += 1
    if skipped:
        yield Row("skipped", skipped=skipped)
