"""The options of commands with their values: what two ways of calling one program mostly differ in. Pure."""

from __future__ import annotations

from itertools import zip_longest

__all__ = ["options"]


def options(command: str) -> set[str]:
    """The options of a command, or of the shape of one; with the word behind where that is a fixed value."""
    found = set()
    words = command.split()
    for word, value in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("-") and word.strip("-"):
            found.add(f"{word} {value}" if value and value[0].isalnum() else word)
    return found
