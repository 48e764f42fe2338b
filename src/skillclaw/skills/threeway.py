"""Two changes of one skill brought together: what both started from, mine, and theirs. Pure.

File by file, and in text that both changed line by line, as diff3 does it: a stretch between lines that all
three have is taken from whoever changed it, and is a conflict where both did and differ. Changes of lines
that touch each other count as one stretch, so that nothing is mixed that nobody wrote.

How a line ends (line feed, or carriage return and line feed) is not compared: an editor may have changed it
in all of them. The result has the line ends of mine; whether the last line has one is as whoever changed that
has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import Match, SequenceMatcher
from typing import Literal

from skillclaw.errors import BadInputError
from skillclaw.skills.bundle import check_files
from skillclaw.skills.records import Bundle, File
from skillclaw.trajectory.model import Record

__all__ = ["Conflict", "Merged", "Prefer", "merge", "merge_lines"]

Prefer = Literal["", "ours", "theirs"]
"""Whose side is taken where both changed the same: nobody's, the user's own, or the release's."""

MOST_LINES = 20_000
"""Lines of a file that both changed beyond which it counts as one stretch: comparing takes the square."""

MOST_PAIRS = 1_000_000
"""Pairs of equal lines beyond which a stretch is not looked into: equal lines (`},`) take their square."""


class Conflict(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One place that both changed, and differently.

    line    where it begins in mine, from 1; 0 where it concerns the file as a whole
    reason  what happened, for people; empty for lines, which speak for themselves
    mine, theirs  the lines of either
    """

    path: str
    line: int = 0
    reason: str = ""
    mine: list[str] = []
    theirs: list[str] = []

    def text(self) -> str:
        """For people, in the way that `git` writes it."""
        if not self.line:
            return f"{self.path}: {self.reason}"
        sides = ["<<<<<<< yours", *self.mine, "=======", *self.theirs, ">>>>>>> the release"]
        return "\n".join([f"{self.path} line {self.line}:", *map(_bare, sides)])


class Merged(Record, frozen=True, kw_only=True):
    """What came of it; `bundle` is whole only where there is no conflict."""

    bundle: Bundle
    conflicts: list[Conflict] = []


Stretch = tuple[int, int, int, int, int, int]
"""Half-open ranges of the same stretch in base, mine and theirs."""


def merge(base: Bundle, mine: Bundle, theirs: Bundle, *, prefer: Prefer = "") -> Merged:
    """`mine` with what `theirs` changed since `base`. With `prefer` that side is taken in every conflict.

    The result is a bundle that `check_files` takes; where the two sides' files cannot lie in one folder
    together, that is a conflict that no preference settles.
    """
    sides = [{file.path: file for file in bundle.files} for bundle in (base, mine, theirs)]
    files: list[File] = []
    conflicts: list[Conflict] = []
    for path in sorted({path for side in sides for path in side}):
        was, my, their = (side.get(path) for side in sides)
        file, found = _file(path, was, my, their, prefer)
        files += [file] if file is not None else []
        conflicts += found
    if not conflicts:
        try:
            check_files(files)
        except BadInputError as error:
            conflicts.append(Conflict(path="SKILL.md", reason=f"{error.what} {error.why}".strip()))
    return Merged(bundle=Bundle(name=mine.name, files=files), conflicts=conflicts)


def merge_lines(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str], prefer: Prefer = ""
) -> tuple[list[str], list[tuple[int, list[str], list[str]]]]:
    """The lines of both, and the conflicts: where each begins in mine (from 0), the lines of mine, of theirs.

    In the result a conflict is mine, unless `prefer` is `theirs`; with a preference none is left. Lines that
    differ in their ends alone are the same, and mine is taken.
    """
    out: list[str] = []
    conflicts: list[tuple[int, list[str], list[str]]] = []
    sides = [[_bare(line) for line in side] for side in (base, mine, theirs)]
    for b0, b1, m0, m1, t0, t1 in _stretches(*sides):
        was, my, their = sides[0][b0:b1], sides[1][m0:m1], sides[2][t0:t1]
        both_differ = my != their and was not in (my, their)
        if both_differ and not prefer:
            conflicts.append((m0, list(mine[m0:m1]), list(theirs[t0:t1])))
        take_theirs = prefer == "theirs" if both_differ else my == was != their
        out += theirs[t0:t1] if take_theirs else mine[m0:m1]
    return out, conflicts


def _file(
    path: str, base: File | None, mine: File | None, theirs: File | None, prefer: Prefer
) -> tuple[File | None, list[Conflict]]:
    if mine == theirs or theirs == base:
        return mine, []
    if mine == base:
        return theirs, []
    if mine is None or theirs is None:
        if prefer:
            return (mine if prefer == "ours" else theirs), []
        gone, changed = ("you", "the release") if mine is None else ("the release", "you")
        return mine, [Conflict(path=path, reason=f"{gone} removed it, {changed} changed it")]
    executable = theirs.executable if base is None or mine.executable == base.executable else mine.executable
    data, conflicts = _content(path, base.data if base else None, mine.data, theirs.data, prefer)
    if base is None and mine.executable != theirs.executable:
        executable = theirs.executable if prefer == "theirs" else mine.executable
        if not prefer:
            conflicts.append(Conflict(path=path, reason="both added it, and only one is executable"))
    return File(path=path, data=data, executable=executable), conflicts


def _content(
    path: str, base: bytes | None, mine: bytes, theirs: bytes, prefer: Prefer
) -> tuple[bytes, list[Conflict]]:
    if mine == theirs or theirs == base:
        return mine, []
    if mine == base:
        return theirs, []
    texts = [_lines(data) for data in (base or b"", mine, theirs)]
    was, my, their = texts
    if was is None or my is None or their is None:
        reason = "both added it" if base is None else "both changed it"
        told = Conflict(path=path, reason=f"{reason}, and it is not text")
        return (theirs if prefer == "theirs" else mine), [] if prefer else [told]
    merged, found = merge_lines(was, my, _ended_as(mine, their), prefer)
    conflicts = [
        Conflict(path=path, line=at + 1, mine=my_part, theirs=their_part) for at, my_part, their_part in found
    ]
    closed = theirs if base is not None and _closed(mine) == _closed(base) else mine
    return _joined(merged, _closed(closed)), conflicts


def _lines(data: bytes) -> list[str] | None:
    """The lines with their ends, which a last line without one gets; None for what is not text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    # only line feeds end a line: `splitlines` would also cut at form feeds and Unicode's separators
    *whole, rest = text.split("\n")
    lines = [part + "\n" for part in whole]
    if rest:
        # a lone carriage return there is part of the text
        returns = rest.endswith("\r") or (lines and lines[-1].endswith("\r\n"))
        lines.append(rest + ("\r\n" if returns else "\n"))
    return lines


def _joined(lines: Sequence[str], closed: bool) -> bytes:
    text = "".join(lines)
    # without its end, an empty last line would be none
    if not closed and lines and _bare(lines[-1]):
        text = _bare(text)
    return text.encode()


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def _closed(data: bytes) -> bool:
    return not data or data.endswith(b"\n")


def _ended_as(data: bytes, lines: Sequence[str]) -> list[str]:
    """`lines` with the line ends of `data`, where those are all the same."""
    ends = {"\r\n" if line.endswith(b"\r") else "\n" for line in data.split(b"\n")[:-1]}
    return [_bare(line) + next(iter(ends)) for line in lines] if len(ends) == 1 else list(lines)


def _stretches(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[Stretch]:
    """The stretches in order: those that all three have, and what lies between them."""
    b = m = t = 0
    for b0, m0, t0, size in [*_common(base, mine, theirs), (len(base), len(mine), len(theirs), 0)]:
        if (b, m, t) != (b0, m0, t0):
            yield b, b0, m, m0, t, t0
        if size:
            yield b0, b0 + size, m0, m0 + size, t0, t0 + size
        b, m, t = b0 + size, m0 + size, t0 + size


def _common(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Where base, mine and theirs have the same lines: the starts in each, and how many."""
    if max(len(base), len(mine), len(theirs)) > MOST_LINES:
        return
    to_mine, to_theirs = _same(base, mine), _same(base, theirs)
    i = j = 0
    while i < len(to_mine) and j < len(to_theirs):
        one, other = to_mine[i], to_theirs[j]
        start = max(one.a, other.a)
        end = min(one.a + one.size, other.a + other.size)
        if start < end:
            yield start, one.b + start - one.a, other.b + start - other.a, end - start
        if one.a + one.size < other.a + other.size:
            i += 1
        else:
            j += 1


def _same(one: Sequence[str], other: Sequence[str]) -> list[Match]:
    """The runs of lines that both have, in order. Where looking for them between the first and the last
    change would take too long, only those before and after it.
    """
    most = min(len(one), len(other))
    head = next((n for n in range(most) if one[n] != other[n]), most)
    tail = next((n for n in range(most - head) if one[-1 - n] != other[-1 - n]), most - head)
    a, b = one[head : len(one) - tail], other[head : len(other) - tail]
    counts = Counter(b)
    between: list[Match] = []
    if sum(counts[line] for line in a) <= MOST_PAIRS:
        found = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
        between = [Match(match.a + head, match.b + head, match.size) for match in found]
    return [Match(0, 0, head), *between, Match(len(one) - tail, len(other) - tail, tail)]
