"""Markdown without its code, which a page shows as it stands.

Who hides text would have it taken for code by this reader and for markup by the page. So only what every
reader of CommonMark takes for code is left out; where it depends (a fence in a list or a quotation, an
element around it, a lone backtick in the same paragraph), nothing is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["without_code"]

_FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})([^\n]*)$")
_INNER = re.compile(r"^\s*(?:(?:[-*+]|\d{1,9}[.)]|>)\s*)+(?:`{3,}|~{3,})")
"""A fence in the same line as the sign of a list or a quotation."""
_ELEMENT = re.compile(r"^ {0,3}<[A-Za-z/!?]", re.MULTILINE)
_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(.{0,300}?[^`])\1(?!`)")


def without_code(text: str) -> str:
    """`text` with the insides of code blocks and code spans as blanks, so that every place stays the same."""
    lines = text.split("\n")
    if any(_INNER.match(line) for line in lines):
        return text
    number = 0
    open_ended: list[_OpenEnded] = []
    while number < len(lines):
        end = _closed(lines, number, open_ended)
        for inside in range(number + 1, end):
            lines[inside] = " " * len(lines[inside])
        number = max(number, end) + 1
    if _ELEMENT.search("\n".join(lines)):
        return text
    return "\n".join(_spans(lines))


class _OpenEnded(NamedTuple):
    """A fence that was not closed: none that begins like it, indented as much, is before line `until`."""

    fence: str
    indent: int
    until: int


def _closed(lines: list[str], number: int, open_ended: list[_OpenEnded]) -> int:
    """The line that closes the fence which this line opens; 0 where it opens none that is closed for sure.

    What was looked for in vain goes to `open_ended`: a page of fences without an end is read once, not once
    a fence.
    """
    opening = _FENCE.match(lines[number])
    if not opening or (opening[2][0] == "`" and "`" in opening[3]):
        return 0
    indent, fence = len(opening[1]), opening[2]
    if any(fence.startswith(o.fence) and indent >= o.indent and number < o.until for o in open_ended):
        return 0
    for at in range(number + 1, len(lines)):
        line = lines[at]
        if line.strip() and len(line) - len(line.lstrip(" ")) < indent:
            # Whatever the fence stood in has ended, and the fence with it.
            open_ended.append(_OpenEnded(fence, indent, at))
            return 0
        closing = _FENCE.match(line)
        if closing and closing[2].startswith(fence) and not closing[3].strip():
            return at
    open_ended.append(_OpenEnded(fence, 0, len(lines)))
    return 0


def _spans(lines: list[str]) -> list[str]:
    """The lines without their code spans; as they are where a backtick has no other in its line."""
    blanked = [_blanked(line) for line in lines]
    found, first = list(lines), 0
    for number in range(len(lines) + 1):
        if number < len(lines) and lines[number].strip():
            continue
        if not any("`" in line for line in blanked[first:number]):
            found[first:number] = blanked[first:number]
        first = number + 1
    return found


def _blanked(line: str) -> str:
    parts, done, element = [], 0, False
    for match in _SPAN.finditer(line):
        before = line[done : match.start()]
        # An element that began before it would hold the backtick as a part of itself.
        element = element or "<" in before
        parts += [before, match[0] if element else " " * len(match[0])]
        done = match.end()
    return "".join([*parts, line[done:]])
