"""The words of a shell's commands, as far as they are needed to tell which program is run, and with what.

Nothing is expanded: a name stays `$NAME`, and a command within a command as it is written. Marks that a shell
takes away (quotation marks, backslashes) are taken away, for `p'y'thon3` runs Python. Nothing is raised for
text that no shell would read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Token", "quoted_by", "tokens", "within"]

FAR = 3000
"""Characters that are read, at most."""
_OPERATOR = re.compile(r"&&|\|\||\|&|;;|[|;\n()&`]")
_REDIRECT = re.compile(r"\d{0,9}(?:<<<|<<-?|<>|<&|>&|>>|>\||<(?!\()|>(?!\())|&>>?")
_PLAIN = re.compile(r"[^\s\\'\"$<>&|;()`]+")
_NOTHING = re.compile(r"\$[@*!1-9]")
"""Names that stand for nothing in a command that was given no words."""
_IFS = re.compile(r"\$(?:\{IFS\b[^}]{0,20}\}|IFS(?!\w))")
_BRACES = re.compile(r"\{([^{},\s]{0,99}(?:,[^{},\s]{0,99}){1,9})\}")
_PLACE = re.compile(r"<\w[\w -]{0,60}>(?=/)")
"""`<folder>/x.py`, as pages write what the reader should put in."""
_BRACKET = re.compile(r"[()]")
_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.S)
_CLOSED = re.compile(r"(?:[^\"\\]|\\.)*+", re.S)
_UNESCAPED = re.compile(r"\\([\"\\$`])")
_QUOTES = re.compile(r"\\.|\$\(|[()\"'`]", re.S)
_GOES_ON = re.compile(r"[\"']([\w./-]{1,100})")
"""A word that goes on behind the quotation that a part of it stands in."""
_BEFORE = 1000
"""Characters before a command in which the quotation that it stands in may have begun."""


class Token(NamedTuple):
    """`kind` is `word`, `op` (what ends a command), `to` (what turns its output or input, whose target is the
    word behind it) or `cut` (the last word, where its end is not there). `text` is without the marks that a
    shell takes away, `raw` as it is written; it stands from `at` to `end`."""

    kind: str
    text: str
    raw: str
    at: int
    end: int


def quoted_by(text: str, at: int) -> str:
    """The quotation mark in which a command at `at` stands (of `sh -c "…"`, of text in JSON), or nothing."""
    begin = max(text.rfind("\n", 0, at) + 1, at - _BEFORE)
    open_marks = [""]
    for found in _QUOTES.finditer(text, begin, at):
        mark, inside = found[0], open_marks[-1]
        if mark == "$(" and inside != "'":
            open_marks.append("")
        elif mark == ")" and not inside and len(open_marks) > 1:
            open_marks.pop()
        elif mark == "`":
            open_marks = [""]
        elif mark in "\"'" and not inside:
            # not the apostrophe of a word
            if mark == '"' or found.start() == begin or not text[found.start() - 1].isalnum():
                open_marks[-1] = mark
        elif mark == inside:
            open_marks[-1] = ""
    return open_marks[-1]


def within(text: str, at: int, mark: str) -> str:
    """What is written from `at` on, up to the end of the word that is quoted by `mark`, as its reader has it.
    Each character stays where it is: what is taken away leaves a `\0`; `text` has no other, and no `\1`."""
    rest = text[at : at + FAR]
    if mark == '"':
        inner = _CLOSED.match(rest)
        quoted = inner[0] if inner else ""
        plain = _UNESCAPED.sub("\\1\0", quoted.replace("\\n", "\n\0"))
    elif mark == "'":
        joined = rest.replace("'\"'\"'", "\1\0\0\0\0").replace("'\\''", "\1\0\0\0")
        quoted = joined.partition("'")[0]
        plain = quoted.replace("\1", "'")
    else:
        return rest
    goes_on = _GOES_ON.match(rest, len(quoted))
    return plain if goes_on is None else f"{plain}\0{goes_on[1]}"


def tokens(text: str) -> Iterator[Token]:
    """The words of `text`, and what stands between them. A quotation without an end ends the text."""
    at = 0
    while at < len(text):
        if text[at] == "\0" or (text[at].isspace() and text[at] != "\n"):
            at += 1
        elif blank := _IFS.match(text, at):
            at = blank.end()
        elif text[at] == "#":
            at = _line_end(text, at)
        elif (turned := _REDIRECT.match(text, at)) and not _PLACE.match(text, at):
            yield Token("to", turned[0], turned[0], at, turned.end())
            at = turned.end()
        elif operator := _OPERATOR.match(text, at):
            yield Token("op", operator[0], operator[0], at, operator.end())
            at = operator.end()
        else:
            word, end, whole = _word(text, at)
            raw = text[at:end].replace("\0", "")
            yield from _expanded(Token("word" if whole else "cut", word.replace("\0", ""), raw, at, end))
            if not whole:
                return
            at = end
    if len(text) >= FAR:
        yield Token("cut", "", "", at, at)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _expanded(word: Token) -> Iterator[Token]:
    """`{a,b}` is two words."""
    braces = _BRACES.fullmatch(word.raw)
    if braces is None:
        yield word
    else:
        yield from (Token("word", one, one, word.at, word.end) for one in braces[1].split(","))


def _word(text: str, at: int) -> tuple[str, int, bool]:
    """The word that begins at `at`, where it ends, and whether all of its quotations do."""
    parts: list[str] = []
    while at < len(text):
        char = text[at]
        if char == "\\":
            parts.append(text[at + 1 : at + 2])
            at += 2
        elif char == "'" or text.startswith("$'", at):
            begin = at + 1 if char == "'" else at + 2
            end = _single(text, begin, escapes=char == "$")
            if end < 0:
                return "".join([*parts, _rest(text, begin)]), len(text), False
            inner = text[begin:end]
            parts.append(inner if char == "'" else _ESCAPED.sub(_character, inner))
            at = end + 1
        elif char == '"' or text.startswith('$"', at):
            begin = at + 1 if char == '"' else at + 2
            inner_end = closed.end() if (closed := _CLOSED.match(text, begin)) else begin
            if inner_end >= len(text):
                return "".join([*parts, _rest(text, begin)]), len(text), False
            parts.append(_UNESCAPED.sub(r"\1", text[begin:inner_end]))
            at = inner_end + 1
        elif text.startswith(("$(", "<(", ">("), at):
            end = _balanced(text, at + 1)
            parts.append(text[at:end])
            at = end
        elif char == "<" and (place := _PLACE.match(text, at)):
            parts.append(place[0])
            at = place.end()
        elif char == "$":
            if _IFS.match(text, at):
                break
            nothing = _NOTHING.match(text, at)
            parts.append("" if nothing else char)
            at = nothing.end() if nothing else at + 1
        elif plain := _PLAIN.match(text, at):
            parts.append(plain[0])
            at = plain.end()
        else:
            break
    return "".join(parts), at, True


def _rest(text: str, begin: int) -> str:
    """What a quotation without an end has: the line; or all there is, where its end may be too far."""
    return text[begin:] if len(text) >= FAR else text[begin : _line_end(text, begin)]


def _single(text: str, begin: int, *, escapes: bool) -> int:
    """Where a quotation by `'` ends; -1 where it does not."""
    end = text.find("'", begin)
    while escapes and end > 0 and (end - len(text[:end].rstrip("\\"))) % 2:
        end = text.find("'", end + 1)
    return end


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return chr(int(found[2], 8) % 256) if found[2] else found[3]


def _balanced(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
