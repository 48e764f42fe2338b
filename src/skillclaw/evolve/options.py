"""The options of commands with their values: what two ways of calling one program mostly differ in. Pure."""

from __future__ import annotations

from itertools import zip_longest

__all__ = ["options", "parted"]


def options(command: str) -> set[str]:
    """The options of a command, or of the shape of one; with the word behind where that is a fixed value."""
    found = set()
    words = command.split()
    for word, value in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("-") and word.strip("-"):
            found.add(f"{word} {value}" if value and value[0].isalnum() else word)
    return found


def parted(demand: str) -> tuple[str, str]:
    """What is demanded (`Pattern.demand`) as the call and the option that it is to have; the latter empty
    where the call itself is demanded."""
    words = demand.split()
    at = next((n for n, word in enumerate(words) if n and word.startswith("-")), len(words))
    return " ".join(words[:at]), " ".join(words[at:])
