"""Patterns over text that somebody else wrote, searched in time proportional to the text (RE2).

Python's `re` goes back and tries again: `curl[^\\n]*;` over 20 KB of `curl ` takes many seconds, and a skill
that does so stops a cycle. A pattern here has no look-around. What it may not take along of the text behind
its find it puts into a group; a group is never part of what is shown.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, NamedTuple

__all__ = ["Found", "Linear", "other_than"]

MEMORY = 64 << 20
"""Bytes that one compiled pattern and its states may take; RE2 goes on slower, not wrongly, at the border."""

_SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_CLASSES = {"s": _SPACE, "w": r"\pL\pN_", "d": r"\p{Nd}"}
"""What `re` takes for these in a str; RE2 has them for ASCII only. Its `\\b` stays ASCII's, so that a command
right behind a Chinese character is found, too."""
_TOKEN = re.compile(r"\\(.)|\[\^?\]?|\]|.", re.DOTALL)
_DOTLESS = {0x130: "i", 0x131: "i"}
"""`re` takes both for an i where case does not count; RE2 does not."""


class Found(NamedTuple):
    """Where a find begins, in characters, and its text."""

    start: int
    text: str


class Linear:
    """A pattern without look-around that is searched in linear time, case not counted, `^` and `$` at lines.

    Compiled at its first use: the library takes 15 ms to load, which only those pay who look at a skill.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    @cached_property
    def _compiled(self) -> Any:
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        return re2.compile(f"(?im){_spelled(self.pattern)}", options=options)

    def find(self, text: str) -> Found | None:
        """The first find, up to what a group of the pattern holds; None where there is none."""
        if not text.isascii():
            # A lone surrogate has no UTF-8; with a question mark in its place all else stays in place.
            text = text.encode("utf-8", "replace").decode("utf-8")
        match = self._compiled.search(text.translate(_DOTLESS))
        if match is None:
            return None
        behind = [match.start(group) for group in range(1, (match.re.groups or 0) + 1)]
        end = min((at for at in behind if at >= 0), default=match.end())
        return Found(match.start(), text[match.start() : end])


def other_than(*words: str) -> str:
    """A pattern for what follows where none of `words` does: as many characters as it takes to see that.

    It takes the place of `(?!word|word)` at the end of a pattern, where taking characters along does no harm.
    """
    first = sorted({word[0] for word in words})
    parts = [f"$|[^{''.join(map(re.escape, first))}]"]
    for char in first:
        rest = [word[1:] for word in words if word[0] == char]
        if all(rest):  # a word that ends here is one that must not follow
            parts.append(f"{re.escape(char)}{other_than(*rest)}")
    return f"(?:{'|'.join(parts)})"


def _spelled(pattern: str) -> str:
    """`pattern` with the classes as RE2 spells them."""
    parts: list[str] = []
    within = False
    for token in _TOKEN.finditer(pattern):
        escaped = token[1]
        if escaped and escaped.lower() in _CLASSES:
            body = _CLASSES[escaped.lower()]
            if not within:
                parts.append(f"[{'^' if escaped.isupper() else ''}{body}]")
            elif escaped.islower():
                parts.append(body)
            else:
                raise ValueError(f"\\{escaped} within a class of {pattern!r}")
            continue
        parts.append(token[0])
        if not escaped:
            within = token[0].startswith("[") or (within and token[0] != "]")
    return "".join(parts)
