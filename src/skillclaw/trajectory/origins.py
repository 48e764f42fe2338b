"""Where the value of an argument came from: the user's words, an earlier result, an earlier call.

Values are compared case-insensitively as whole words; dates also in the ways people write them.
"""

from __future__ import annotations

import re
from collections import deque
from itertools import islice
from typing import Any

from skillclaw.trajectory.flow import Act

__all__ = ["Words", "origins"]

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_SEPARATORS = "_,.;:"
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
NEEDLE = 600
"""Longer values are texts of their own: where they come from is not asked."""
FOUND = 4
"""Results named for one value."""
RESULTS_KEPT = 60
TEXT_KEPT = 40_000


class Words:
    """What has been said and seen so far in a session: the user's text, results by move, values of earlier
    calls.
    """

    def __init__(self) -> None:
        self._user = ""
        self._results: deque[_Seen] = deque(maxlen=RESULTS_KEPT)
        self._given: set[str] = set()
        self._newly: list[str] = []

    def user(self, text: str) -> None:
        """The user said `text`."""
        self._user = f"{self._user} {_flat(text)}"[-TEXT_KEPT:]

    def act(self, index: int, act: Act) -> None:
        """Move `index` was made with these arguments and gave this result."""
        if act.result and act.ok:
            self._results.append(_Seen(f"result:{index}", act.result))
        self._newly += [str(v) for v in act.arguments.values() if isinstance(v, str | int | float)]

    def forget_results(self) -> None:
        """A new request begins: results of moves before it cannot be named by their number."""
        self._results.clear()

    def find(self, needle: str) -> tuple[str, ...]:
        """The origins of one value, strongest first."""
        found: list[str] = []
        if any(_within(form, self._user) for form in _spellings(needle)):
            found.append("user")
        named = (seen.name for seen in self._results if _within(needle, seen.flat))
        found += islice(named, FOUND)
        if self._newly:
            self._given.update(_flat(value) for value in self._newly)
            self._newly.clear()
        if needle in self._given:
            found.append("history")
        return tuple(found)


class _Seen:
    """A result, made comparable only when a value is looked for: most results never are."""

    __slots__ = ("_flat", "_text", "name")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text
        self._flat: str | None = None

    @property
    def flat(self) -> str:
        if self._flat is None:
            self._flat, self._text = _flat(self._text), ""
        return self._flat


def origins(value: Any, seen: Words, index: int) -> tuple[str, ...]:
    """Where `value` (of move `index`) came from; empty when that is unknown or it is too short to say.

    For a list, what all its elements have in common.
    """
    if isinstance(value, bool) or value is None or isinstance(value, dict):
        return ()
    if isinstance(value, list):
        found = [origins(v, seen, index) for v in value[:10]]
        return tuple(o for o in found[0] if all(o in other for other in found[1:])) if found else ()
    needle = _flat(str(value))
    if not needle or len(needle) > NEEDLE:
        return ()
    return seen.find(needle)


def _flat(text: str) -> str:
    text = text.lower()
    for char in _SEPARATORS:
        text = text.replace(char, " ")
    return " ".join(text.split())


def _within(needle: str, text: str) -> bool:
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        before = text[start - 1] if start else " "
        after = text[end] if end < len(text) else " "
        if not (before.isalnum() and needle[0].isascii() and before.isascii()) and not (
            after.isalnum() and needle[-1].isascii() and after.isascii()
        ):
            return True
        start = text.find(needle, start + 1)
    return False


def _spellings(needle: str) -> list[str]:
    match = _DATE.match(needle)
    if not match:
        return [needle]
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if not 1 <= month <= 12:
        return [needle]
    name = _MONTHS[month - 1]
    return [
        needle,
        f"{name} {day}",
        f"{name[:3]} {day}",
        f"{day} {name}",
        f"{month}/{day}",
        f"{year}/{month}/{day}",
        *(f"{name} {day}{end}" for end in ("st", "nd", "rd", "th")),
    ]
