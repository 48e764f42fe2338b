"""Credentials and personal data in the columns of a table, whose head says what they are.

Tables of CSV, Markdown, database shells and commands: a line with a delimiter, names in its cells, and lines
of as many cells below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from skillclaw.journal.personal import mask_phones
from skillclaw.journal.personal_ids import id_words, mask_ids
from skillclaw.journal.redact_judge import is_secret, name_kind
from skillclaw.journal.redact_linked import named
from skillclaw.journal.redact_text import HOLE, Masker

__all__ = ["judge_of", "mask_columns"]

_LINE = r"(?:\\{1,8}r)?(?:\\{1,8}n|\r?\n)"
_NAMES = ("key", "token", "secret", "pass", "pwd", "auth", "cred", "jwt", "psk", "pat", "pw")
_SPLIT = re.compile(_LINE)
_HEADS = (
    *_NAMES, "phone", "mobile", "telefon", "handy",
)  # fmt: skip
_CLOSED = re.compile(r"(?:[^\"\\]|\\(?!\\{0,15}\"))*+(?=\\{0,15}\"[,}\]])")
_RULED = re.compile(r"[\s|:+=→\d-]*-{3}[\s|:+-]*")
_COUNTED = re.compile(r"[ _-]?(?:number|num|no|nr)\.?\Z")
_OPENED = re.compile(r"\\{0,15}\":\s?\\{0,15}\"(?!.*\\{0,15}\":\s?\\{0,15}\")")
_FULL_NUMBER = re.compile(r"\+[1-9]\d{0,2}(?:[ .()-]{0,2}\d){7,12}")
MOST_ROWS = 500


def _delimiters(line: str) -> list[str]:
    marks = [mark for mark in ("|", "\t", "\\t", ";", ",") if mark in line]
    return [*marks, "  "] if "   " in line else marks


Judge = Callable[[str], str]
"""What a cell's value is masked as; empty for what stays."""


def judge_of(head: str, *, quoted: bool = False) -> Judge | None:
    """What tells of a value in a column named `head` whether it is masked; None where the name says nothing.

    `quoted`: the values stand in quotes, so that a word is a value too.
    """
    kind = name_kind(head.replace(" ", "_")) if len(head) < 50 else None
    if kind is not None:
        secret = kind
        return lambda value: (
            "secret:value"
            if named(head.replace(" ", "_"), value) or (quoted and is_secret(secret, value, quoted=True))
            else ""
        )
    folded = head.lower()
    if _COUNTED.sub("", folded).endswith(("phone", "mobile", "telefon", "tel", "handy", "cell")):

        def phone(value: str) -> str:
            if _FULL_NUMBER.fullmatch(value):
                return "phone"
            said = f"phone: {value}"
            return "phone" if mask_phones(said, said, Masker(b"")) != said else ""

        return phone
    words = id_words(folded)
    if words:

        def number(value: str) -> str:
            said = f"{folded}: {value}"
            return "id-number" if mask_ids(said, words, Masker(b"")) != said else ""

        return number
    return None


def mask_columns(text: str, folded: str, said: Iterable[str], masker: Masker) -> str:
    """The text with the cells masked that stand in a table under a name that says secret or personal.

    `folded`: the text in lower case, in place; `said`: words in it that may name an identity number.
    """
    hits: list[int] = []
    for word in (*_HEADS, *said):
        at = folded.find(word)
        while at >= 0:
            hits.append(at)
            at = folded.find(word, at + 1)
    parts: list[str] = []
    done = looked = 0
    for hit in sorted(hits):
        if hit < looked:
            continue
        start, end, after = _line(text, hit, looked)
        looked = after
        head = text[start:end]
        opened = _OPENED.search(head)
        head = head[opened.end() :] if opened else head  # the string of JSON that the table stands in
        judges = _judges(head) if end - start < 600 else None
        if judges is None:
            continue
        mark, width, columns = judges
        rows = 0
        while after < len(text) and rows < MOST_ROWS:
            begin, (_, end, after) = after, _line(text, after, after)
            line = text[begin:end]
            cells = _cells(line, mark)
            if (len(cells) > width or opened) and (closed := _CLOSED.match(line)) is not None:
                end = begin + closed.end()  # the string of JSON that the table stands in ends here
                line = closed[0]
                cells = _cells(line, mark)
            if _RULED.fullmatch(line):
                looked = after
                continue
            if len(cells) != width and not (mark == "  " and len(cells) > 2):
                break
            rows += 1
            looked = after
            masked = [
                _masked(cell, columns[number], masker) if number in columns else cell
                for number, cell in enumerate(cells)
            ]
            if masked != cells:
                parts += [text[done:begin], ("" if mark == "  " else mark).join(masked)]
                done = end
    return "".join([*parts, text[done:]]) if parts else text


def _line(text: str, at: int, floor: int) -> tuple[int, int, int]:
    """Where the line around `at` begins and ends, and where the next one begins."""
    before = max(floor, at - 600)
    escaped = text.rfind("\\n", before, at)
    start = max(text.rfind("\n", before, at) + 1, escaped + 2 if escaped >= 0 else 0, before)
    found = _SPLIT.search(text, at)
    return (start, found.start(), found.end()) if found else (start, len(text), len(text))


def _cells(line: str, mark: str) -> list[str]:
    return line.split(mark) if mark != "  " else re.split(r"( {2,})", line)


def _judges(line: str) -> tuple[str, int, dict[int, Judge]] | None:
    """The delimiter of a table, its width, and what is said about its columns; None for no head of one."""
    best = None
    for mark in _delimiters(line):
        cells = _cells(line, mark)
        if not 2 <= len(cells) <= 60 or any(len(cell) > 80 or "=" in cell for cell in cells):
            continue
        columns: dict[int, Judge] = {}
        for column, cell in enumerate(cells):
            head = _head(cell)
            if head and (judge := judge_of(head)) is not None:
                columns[column] = judge
        # On a tie the later one: a log's collector writes a bar before the line.
        if columns and (best is None or (mark != "  " and len(cells) >= best[1])):
            best = mark, len(cells), columns
    return best


_HEAD = re.compile(r"(?:^|[^\w .-])[\"'`*]{0,3}([^\W\d][\w .-]{1,40}?)[\"'`*]{0,3}\s*\Z")


_WORD = re.compile(r"(?:^|\s)[\"'`*]{0,3}([^\W\d][\w-]{1,40})[\"'`*]{0,3}\Z")


def _head(cell: str) -> str:
    found = _HEAD.search(cell.strip()) or _WORD.search(cell.strip())
    name = found[1].strip() if found else ""
    # A log's or a pager's words before the first cell.
    return name if len(name.split(" ")) <= 4 else name.split(" ")[-1]


_VALUE = re.compile(
    r"(?:^|(?<=[\s→:+-]))[\"'`]?(?P<v>[^\s\"'`→][^\"'`→\n]{3,400}?)[\"'`]?(?=[\s\"'}\]\\]*\Z)"
)


def _masked(cell: str, judge: Judge, masker: Masker) -> str:
    for found in (_VALUE.search(cell.strip()), _LAST.search(cell)):
        if found is None or re.search(f"[{HOLE}]", found["v"]):
            continue
        kind = judge(found["v"])
        if kind:
            at = cell.index(found["v"])
            return f"{cell[:at]}{masker.mask(kind, found['v'])}{cell[at + len(found['v']) :]}"
    return cell


_LAST = re.compile(r"(?:\A|[\s→+-])[\"'`]?(?P<v>[^\s\"'`→]{4,400})[\"'`]?\s*\Z")
