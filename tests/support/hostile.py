"""Texts that make a backtracking pattern slow: beginnings of what it looks for, again and again in a line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["cpu_seconds", "hostile"]


def _samples(pattern: str, flags: int = 0) -> list[str]:
    """One text for each alternative of each beginning of `pattern`; where a text may be empty, it is not."""
    tree = parser.parse(pattern, flags & ~re.DEBUG)
    return list(dict.fromkeys(text for text in _beginnings(list(tree)) if text))


def hostile(pattern: str, flags: int = 0) -> Iterator[tuple[str, str]]:
    """(head, unit): texts are `head` and then `unit` again and again."""
    found = _samples(pattern, flags)
    known = set()
    for text in found:
        for head, unit in (
            ("", text),
            ("", text + " "),
            (text, text[-1]),
            (text, text[-3:]),
            (text[:-1], text[-2:] + " "),
            (text, " "),
            (text, text[-1] + " "),
        ):
            if (head, unit) not in known:
                known.add((head, unit))
                yield head, unit


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of this process's own time; other programs of the machine do not count."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _beginnings(nodes: list[Any]) -> Iterator[str]:
    before = [""]
    for op, value in nodes:
        options = _options(op, value)
        inner = [text for text in _inner(op, value) if text]
        yield from (head + text for head in before[:1] for text in inner)
        before = [head + option for head in before[:2] for option in options][:40] or before
        yield from before


def _inner(op: Any, value: Any) -> Iterator[str]:
    if op is parser.SUBPATTERN:
        yield from _beginnings(list(value[3]))
    elif op is parser.BRANCH:
        for branch in value[1]:
            yield from _beginnings(list(branch))
    elif op in (parser.MAX_REPEAT, parser.MIN_REPEAT):
        yield from _beginnings(list(value[2]))


def _options(op: Any, value: Any) -> list[str]:
    if op is parser.LITERAL:
        return [chr(value)]
    if op is parser.NOT_LITERAL:
        return ["a" if value != ord("a") else "b"]
    if op is parser.ANY:
        return ["a"]
    if op is parser.IN:
        return [_of_class(value)]
    if op in (parser.MAX_REPEAT, parser.MIN_REPEAT):
        least, most, what = value
        one = _first(list(what))
        return list(dict.fromkeys([one * max(least, 1 if most else 0), *([""] if least == 0 else [])]))
    if op is parser.SUBPATTERN:
        return _all(list(value[3]))
    if op is parser.BRANCH:
        return [text for branch in value[1] for text in _all(list(branch))[:2]]
    return [""]


def _all(nodes: list[Any]) -> list[str]:
    texts = [""]
    for op, value in nodes:
        texts = [head + option for option in _options(op, value) for head in texts][:40]
    return texts


def _first(nodes: list[Any]) -> str:
    return _all(nodes)[0]


_CANDIDATES = " ar-e/1 A=.\"\t\n\u4f60_x+*(){}<>&|;,:@#`'$\\%!?[]~^\x00\u200b"


def _of_class(items: list[Any]) -> str:
    for char in _CANDIDATES:
        if _fits(char, items):
            return char
    for op, value in items:
        if op is parser.LITERAL:
            return chr(value)
        if op is parser.RANGE:
            return chr(value[0])
    return "a"


def _fits(char: str, items: list[Any]) -> bool:
    negated = bool(items) and items[0][0] is parser.NEGATE
    found = False
    for op, value in items:
        if op is parser.LITERAL:
            found |= ord(char) == value
        elif op is parser.RANGE:
            found |= value[0] <= ord(char) <= value[1]
        elif op is parser.CATEGORY:
            name = str(value)
            kind = (
                char.isspace()
                if "SPACE" in name
                else char.isdigit()
                if "DIGIT" in name
                else (char.isalnum() or char == "_")
            )
            found |= kind != ("NOT" in name)
    return found != negated
