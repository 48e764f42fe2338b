"""One script from several: the lines that all share, with what varies as arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.evolve.scripts.written import Written
from skillclaw.trajectory.shapes import command_key, value_form

__all__ = ["Shared", "key_of", "shared"]

MOST_ARGS = 5
_SHELL_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+""")
_PYTHON_WORD = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\w+|\s+|[^\w\s"']+|["']""")
_PLAIN = re.compile(r"[\w@%+:,./=-]+")
_QUOTED = re.compile(r"""(["'])([\w@%+:,./= -]+)\1""")
_RESERVED = frozenset(
    {"path", "home", "user", "shell", "if", "then", "fi", "do", "done", "in", "sys", "import"}
)


class Shared(NamedTuple):
    """Lines with `${name}` (shell) or `name` (Python) where the sessions differ, and these names."""

    args: tuple[str, ...]
    lines: tuple[str, ...]


def key_of(script: Written) -> tuple[str, tuple[tuple[str, int], ...]]:
    """What scripts have in common that may be one: what each line runs, and how many words it has."""
    rows = tuple(
        (
            command_key(line) if script.language == "sh" else _skeleton(line),
            len(_words(script.language, line)),
        )
        for line in script.lines
    )
    return script.language, rows


def shared(scripts: Sequence[Written]) -> Shared | None:
    """The one script that all of `scripts` (of one key) are; None where they differ in more than a few
    values, or in something that is no value."""
    language = scripts[0].language
    names = _Names(scripts[0])
    lines: list[str] = []
    for row in zip(*(script.lines for script in scripts), strict=True):
        columns = list(zip(*(_words(language, line) for line in row), strict=True))
        words: list[str] = []
        for place, column in enumerate(columns):
            if len(set(column)) == 1:
                words.append(column[0])
                continue
            word = _varying(language, column, place, words, names)
            if word is None:
                return None
            words.append(word)
        lines.append(("" if language == "py" else " ").join(words))
    if len(names.given) > MOST_ARGS:
        return None
    return Shared(tuple(names.given.values()), tuple(lines))


def _words(language: str, line: str) -> list[str]:
    return (_SHELL_WORD if language == "sh" else _PYTHON_WORD).findall(line)


def _skeleton(line: str) -> str:
    return re.sub(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", "''", line)


class _Names:
    """Names of arguments by the values that they take, one a session: equal rows are one argument."""

    def __init__(self, script: Written) -> None:
        self.given: dict[tuple[str, ...], str] = {}
        # In a shell only what is a variable already can be taken for the argument.
        taken = r"\$\{?(\w+)|\b(\w+)=" if script.language == "sh" else r"(\w+)()"
        found = [pair for line in script.lines for pair in re.findall(taken, line.lower())]
        self._used = {word for pair in found for word in pair} | _RESERVED

    def of(self, values: tuple[str, ...], hint: str) -> str:
        if values not in self.given:
            name, number = hint, 1
            while name in self._used:
                number += 1
                name = f"{hint}{number}"
            self._used.add(name)
            self.given[values] = name
        return self.given[values]


def _varying(
    language: str, column: tuple[str, ...], place: int, before: Sequence[str], names: _Names
) -> str | None:
    """The word with what varies in it as an argument; None where it is no plain value."""
    if language == "py":
        values = [_QUOTED.fullmatch(word) for word in column]
        inner = tuple(match[2] for match in values if match is not None)
        return names.of(inner, _hint(inner, "")) if len(inner) == len(column) else None
    if place == 0:
        return None
    plain = tuple(word if _PLAIN.fullmatch(word) else _inner(word) for word in column)
    if not all(plain):
        return None
    front = _cut(_prefix(plain), at_end=True)
    rest = [word[len(front) :] for word in plain]
    back = _cut(_prefix([word[::-1] for word in rest])[::-1], at_end=False)
    cores = tuple(word[: len(word) - len(back)] for word in rest)
    if not all(cores) or ("=" not in front and any(word.startswith("-") for word in plain)):
        return None  # other flags make it another command
    flag = before[-1] if before and before[-1].startswith("-") else front
    return f'"{front}${{{names.of(cores, _hint(cores, flag))}}}{back}"'


def _prefix(words: Sequence[str]) -> str:
    """What all words begin with."""
    first, last = min(words), max(words)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:size]


def _inner(word: str) -> str:
    match = _QUOTED.fullmatch(word)
    return match[2] if match else ""


def _cut(text: str, *, at_end: bool) -> str:
    """`text` up to (or from) the last place where a word ends, so that no word is cut in two."""
    if at_end:
        return text[: len(text) - len(re.search(r"\w*\Z", text)[0])]  # type: ignore[index]
    return text[len(re.match(r"\w*", text)[0]) :]  # type: ignore[index]


def _hint(values: tuple[str, ...], flag: str) -> str:
    """What to call an argument: by the flag before it, else by the form of its values."""
    word = re.sub(r"[^a-z]", "", flag.rsplit("--", 1)[-1].lower()) if "--" in flag else ""
    if 2 <= len(word) <= 12:
        return word
    forms = {value_form(value) for value in values}
    form = forms.pop() if len(forms) == 1 else ""
    return {"path": "file", "number": "number", "url": "url", "date": "date", "email": "address"}.get(
        form, "value"
    )
