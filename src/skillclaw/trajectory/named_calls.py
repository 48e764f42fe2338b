"""Calls as words may name them: by program and subcommands, options, arguments and files; and which of them
are the same call with something else in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from skillclaw.trajectory.shape_words import FILE_TOOLS, SHELL_TOOLS, SUBCOMMANDS
from skillclaw.trajectory.shapes import command_key
from skillclaw.trajectory.shell import main_commands
from skillclaw.trajectory.text import STOP, word_set

__all__ = ["COMMON", "Call", "alike", "covers", "extras", "heads", "instead_of", "redone", "tool_parts"]

ARGUMENT = 80
"""Characters of an argument that may be named: what is longer, or has spaces, is a text."""
PARTS = 6
"""Simple commands that are read of one line."""
COMMON = STOP | word_set(
    "make go cat find which time date type file less more head tail sort cut join split watch at touch "
    "kill service just task echo read set history man free top open code say clear patch tree env id where "
    "add run list show start stop check new up all use using used edit write call change copy move first "
    "last again instead"
)
"""Words of prose that are names of programs or subcommands as well: alone they name none."""
_FILE_READERS = word_set(
    "read grep glob ls list_dir list_directory read_file view webfetch websearch search_files"
)
_CAMEL = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])")


class Call(NamedTuple):
    """A call as words may name it: a shell command, else a tool with the values that it was given."""

    command: str
    tool: str
    values: tuple[str, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it is a tool that only looks at files."""
        return not self.command and self.tool.lower() in _FILE_READERS


def covers(wrong: str, right: str) -> bool:
    """Whether a call that is written with placeholders is also the other one, so that "never" of the first
    forbids the second."""
    one, two = wrong.split(), right.split()
    if len(one) > len(two):
        return False
    return all(a == b or (a.startswith("<") and a.endswith(">")) for a, b in zip(one, two, strict=False))


def redone(before: Call, after: Call) -> bool:
    """Whether the second is the first once more, with something else in it: `alike`, and a program whose
    subcommands nobody knows was called over the same file."""
    if alike(before, after) or not (before.command and after.command):
        return alike(before, after)
    one, two = command_key(before.command), command_key(after.command)
    return bool(one) and one == two and bool(_given(before) & _given(after))


def instead_of(before: str, after: str) -> frozenset[str]:
    """The programs with which the second command line makes the first over, word for word but for its own:
    `pnpm` of `npm install` and `pnpm install`, `uv` of `pip install x` and `uv pip install x`."""
    old = [one.words for one in main_commands(before)[:PARTS]]
    found = set()
    for new in main_commands(after)[:PARTS]:
        if any(one[0] != new.words[0] and one[1:] and set(one[1:]) <= set(new.words) for one in old):
            found.add(new.words[0].rsplit("/", 1)[-1].strip().lower())
    return frozenset(found - {""})


def alike(before: Call, after: Call) -> bool:
    """Whether two calls are of the same program with the same subcommand, or of the same tool; or of a server
    that was given the same."""
    if before.command or after.command:
        one, two = command_key(before.command), command_key(after.command)
        if not (before.command and after.command and one) or one != two:
            return False
        if one.split(" ")[0] in SUBCOMMANDS:
            return True
        # Of a program whose subcommands nobody knows, the first plain word is taken for one.
        return _plain_first(before) == _plain_first(after)
    if _tail(before.tool) == _tail(after.tool):
        return True
    space = _space(before.tool)
    return bool(space) and space == _space(after.tool) and bool(set(before.values) & set(after.values))


@lru_cache(maxsize=2048)
def heads(call: Call | None) -> tuple[tuple[str, ...], ...]:
    """Program and subcommands of each simple command; a program in a folder by its path and by its name."""
    if call is None or not call.command:
        return ()
    found: dict[tuple[str, ...], None] = {}
    for simple in main_commands(call.command)[:PARTS]:
        program = simple.words[0].rsplit("/", 1)[-1].strip().lower()
        if not program:
            continue
        subs = command_key(" ".join(simple.words)).lower().split(" ")[1:] if program in SUBCOMMANDS else []
        if not subs and program not in SUBCOMMANDS:
            plain = next(iter(simple.words[1:2]), "")
            subs = [plain.lower()] if re.fullmatch(r"[a-z][a-z-]*", plain) else []
        found[(program, *subs)] = None
    return tuple(found)


def _given(call: Call) -> set[str]:
    """The words behind a program's name and its first one, those of redirections among them."""
    known = {word for head in heads(call) for word in head}
    return {word for word in call.command.split() if re.search(r"[^\W_]", word) and word not in known}


def _plain_first(call: Call) -> tuple[str, ...]:
    """The first plain word of a program that has its own subcommands: `list` of `rota list`."""
    return next(iter(head[:2] for head in heads(call)), ())


@lru_cache(maxsize=2048)
def extras(call: Call) -> frozenset[str]:
    """The options, arguments and files of a call, a path by its parts as well."""
    if call.command:
        simple = main_commands(call.command)[:PARTS]
        known = {word for head in heads(call) for word in head}
        given: Iterable[str] = (word for one in simple for word in one.words[1:] if word.lower() not in known)
    else:
        given = call.values
    found: set[str] = set()
    for word in given:
        if len(word) > ARGUMENT or not word.strip() or re.search(r"\s|<", word.strip()):
            continue
        low = word.lower().strip("'\"`")
        pieces = [] if low.startswith("-") else re.split(r"[/\\]", low)
        pieces += [piece.rsplit(".", 1)[0] for piece in pieces]
        found |= {low, low.partition("=")[0], *pieces}
    return frozenset(one for one in found if len(one) > 1 and one not in COMMON)


def tool_parts(call: Call) -> set[str]:
    """The words of a function's name. Those of hosts' own tools ("Write") are words of prose."""
    tool = call.tool.lower()
    if call.command or tool in FILE_TOOLS or tool in SHELL_TOOLS or tool in _FILE_READERS:
        return set()
    parts = {part.lower() for part in _CAMEL.split(_last(call.tool)) if len(part) > 2}
    return {part for part in parts if part not in COMMON}


def _last(tool: str) -> str:
    return re.split(r"[.:/]|__", tool)[-1]


def _tail(tool: str) -> str:
    return _last(tool).lower()


def _space(tool: str) -> str:
    return tool[: len(tool) - len(_last(tool))].lower()
