"""What is found out about a text or a piece once, however often agents send it again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from skillclaw.wire.content import fingerprint
from skillclaw.wire.records import Item

__all__ = ["Prints", "once_a_text"]

TEXTS = 32
"""Texts that a reader of prompts remembers: a system prompt comes with every request of its agent."""
LONGEST = 1 << 16
"""Characters of the longest of them."""

Found = TypeVar("Found")


def once_a_text(look: Callable[[str], Found]) -> Callable[[str], Found]:
    """`look`, a function of the text alone whose answers nobody changes, with its last answers remembered."""
    known = lru_cache(maxsize=TEXTS)(look)
    return lambda text: known(text) if len(text) <= LONGEST else look(text)


class Prints:
    """Fingerprints of pieces, each made once for as long as this lives. It keeps the pieces.

    known: others to look among first, which learn nothing from this one.
    """

    def __init__(self, known: Prints | None = None) -> None:
        self._known: dict[int, tuple[Item, bytes]] = {}
        self._before = known._known if known is not None else {}

    def keep(self, item: Item, print_: bytes) -> None:
        """Take down what is known of a piece."""
        self._known[id(item)] = item, print_

    def of(self, item: Item) -> bytes:
        """The piece's fingerprint. By the object itself: pieces do not change, and are no keys."""
        found = self._before.get(id(item)) or self._known.get(id(item))
        if found is None:
            found = item, fingerprint(item)
            self._known[id(item)] = found
        return found[1]
