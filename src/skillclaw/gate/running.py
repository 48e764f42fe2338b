"""Whether a line of commands runs what comes in by a pipe.

A shell does, unless it has a script, or code that does not. An interpreter does that has no code of its own
(`gate.interpreters`). Which word is the program is not always the first: settings, brackets and programs that
run another one (`gate.wrappers`) may come before it, and others may hand the pipe on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Flag, auto
from itertools import chain, pairwise

from skillclaw.gate.interpreters import (
    family,
    has_its_own_code,
    is_script,
    is_the_pipe,
    runs_the_pipe_all_the_same,
)
from skillclaw.gate.programs import is_shell, is_variable, program
from skillclaw.gate.shell_words import Token, tokens
from skillclaw.gate.sources import CLOSES, OPENS
from skillclaw.gate.wrappers import (
    UV_RUN,
    Wrapper,
    behind,
    elsewhere,
    is_code_of,
    is_setting,
    split,
    stand_ins,
    wrapper,
)

__all__ = ["Known", "runs"]

_BETWEEN = frozenset({"then", "do", "else", "elif"})
_FIRST = OPENS | {"!"}
_LOOKED_UP = re.compile(r"`\s{0,9}((?:which|command\s{1,9}-v|type\s{1,9}-[pP])\s{1,9}[^\s`]{1,200})\s{0,9}`")
_READS = frozenset({"read", "mapfile", "readarray"})
_ALWAYS = frozenset({"source", "eval", "iex", "invoke-expression", "irb", "pry", "ghci", "sbcl", "jshell"})
_DEEPEST = 12
"""Brackets in brackets, and programs that run programs. What lies deeper counts as running what comes in."""
_BECOMES_SHELL = re.compile(r"-\w*[is]\w*|--(?:login|shell)")
_PLAIN = re.compile(r"[-+][euxvfClbmhBE]{1,9}|--(?:norc|noprofile|posix|login)")
_CODE = re.compile(r"-[euxvfClbmhBE]{0,9}c")
_WITH = {
    **dict.fromkeys(
        ["awk", "gawk", "mawk", "nawk"],
        re.compile(r"system\s*\(|\|\s*&?\s*[\"'(\w$]|[\"')]\s*\|\s*getline|(?:^|\s)-f\s*(?:-(?!\w)|/dev/|/proc/)"),
    ),
    **dict.fromkeys(
        ["make", "gmake", "bmake"],
        re.compile(r"(?:^|\s)(?:-f\s*|--(?:make)?file[=\s])(?:-(?!\w)|/dev/|/proc/)"),
    ),
    "split": re.compile(r"--filter"),
    "tar": re.compile(r"--to-command|--checkpoint-action"),
    "r": re.compile(r"^(?=-)(?!.*(?:^|\s)-e(?:\s|$))(?!.*-f\s+[\w./-]+\.\w)"),
}  # fmt: skip
"""Programs that run what comes in where their words say so."""


class Known(Flag):
    """Where the text of the pipe may be by now: in a variable (`read`), in a file (`tee`, `>`), in the words
    of the command (`xargs`); and whether a setting has an interpreter run it, whatever else it is given."""

    NOTHING = 0
    NAMED = auto()
    WRITTEN = auto()
    IN_WORDS = auto()
    SET_TO_RUN = auto()


_HAS_IT_RUN = Known.WRITTEN | Known.SET_TO_RUN


def runs(
    text: str,
    known: Known,
    *,
    depth: int = 0,
    level: int = 0,
    goes_on: Callable[[int, Known], bool] = lambda at, known: True,
) -> bool:
    """Whether a command of `text` runs what comes in: up to the end of its pipe, or, from `depth` 1 on, any.
    `goes_on` is told of each further pipe where it ends, and says whether to go on there."""
    words: list[Token] = []
    closed = False
    for token in chain(_with_lookups(text), [Token("op", "\n", "\n", len(text), len(text))]):
        if token.kind != "op":
            words.append(token)
            continue
        while words and words[0].text in (OPENS | _BETWEEN | CLOSES if depth else _FIRST):
            word = words.pop(0).text
            depth += (word in OPENS) - (word in CLOSES)
            closed = closed or word in CLOSES
        empty = not (words or closed)
        if _simple(words, known, level):
            return True
        known = _then(known, words, depth)
        words = []
        if token.text == "(" and empty and depth < _DEEPEST:
            depth += 1
        elif token.text == ")" and depth > 0:
            depth -= 1
            closed = True
            continue
        elif token.text in ("|", "|&") and not empty:
            if not goes_on(token.end, known):
                return False
        elif depth <= 0 and not (empty and token.text in ("&", "\n")):
            return False
        closed = False
    return False


def _with_lookups(text: str) -> Iterator[Token]:
    """The tokens of `text`, with a program that is looked up between backticks as one word."""
    skip = 0
    for token in tokens(text):
        if token.at < skip:
            continue
        found = _LOOKED_UP.match(text, token.at) if token.text == "`" else None
        if found is None:
            yield token
        else:
            skip = found.end()
            yield Token("word", f"$({found[1]})", f"$({found[1]})", token.at, skip)


def _simple(words: Sequence[Token], known: Known, level: int) -> bool:
    """Whether a command runs what comes in, or puts it into one that does (`tee >(sh)`)."""
    if level > _DEEPEST:
        return bool(words)
    into = (word.raw[2:-1] for word in words if word.raw.startswith(">(") and word.raw.endswith(")"))
    return any(runs(one, known, depth=1, level=level + 1) for one in into) or _command(
        [*_unturned(words)], known, level
    )


def _unturned(words: Sequence[Token]) -> Iterator[Token]:
    """The words without where input and output go."""
    target = False
    for word in words:
        if not target and word.kind != "to":
            yield word
        target = word.kind == "to" and not word.text.endswith("&-")


def _then(known: Known, words: Sequence[Token], depth: int) -> Known:
    """What is known behind a command."""
    if depth and any(
        one.kind == "to" and ">" in one.text and not target.text.startswith(("/dev/", "&", ">"))
        for one, target in pairwise(words)
    ):
        known |= Known.WRITTEN
    command = [*_unturned(words)]
    while command and is_setting(command[0]):
        if "$(" in command[0].raw:
            known |= Known.NAMED
        command = command[1:]
    if command and (found := wrapper(program(command[0]), command[1:])):
        command = [*behind(found[1], found[0])[0]]
    name = program(command[0]) if command else ""
    if name in _READS:
        known |= Known.NAMED
    if name == "tee" and any(not one.text.startswith(("-", "/dev/")) for one in command[1:]):
        known |= Known.WRITTEN
    return known


def _command(words: Sequence[Token], known: Known, level: int) -> bool:
    """Whether the command of these words runs what comes in."""
    while words and is_setting(words[0]):
        known = _set(known, words[:1])
        words = words[1:]
    if not words or level > _DEEPEST:
        return bool(words)
    name, rest = program(words[0]), words[1:]
    if is_shell(name):
        return _shell(name, rest, known, level)
    if name in _ALWAYS or (Known.NAMED in known and is_variable(words[0])) or words[0].raw.startswith("$("):
        return True
    if words[0].text == ".":
        return bool(rest) and (
            Known.WRITTEN in known or is_the_pipe(rest[0].text) or rest[0].raw.startswith("<(")
        )
    if name == "su":
        return _su(rest, known, level)
    if (there := elsewhere(name, rest)) is not None:
        return _elsewhere(name, there, known, level)
    if another := wrapper(name, rest):
        return _wrapped(name, *another, known, level)
    if name == "uv":
        return bool(rest) and rest[0].text == "run" and _uv_run(rest[1:], known, level)
    if name in _WITH:
        return _WITH[name].search(" ".join(one.text for one in rest)) is not None
    kind = family(name)
    if kind is None and (name in ("go", "dart") or (name == "py" and rest and rest[0].text[:1] == "-")):
        kind = "python" if name == "py" else "other"
    return kind is not None and (bool(known & _HAS_IT_RUN) or not has_its_own_code(kind, name, rest))


def _set(known: Known, words: Sequence[Token]) -> Known:
    meddles = any(runs_the_pipe_all_the_same(word.text) for word in words)
    return known | Known.SET_TO_RUN if meddles else known


def _shell(name: str, rest: Sequence[Token], known: Known, level: int) -> bool:
    """A shell has code of its own in a script, or behind `-c`; what that code runs gets the pipe."""
    if known & _HAS_IT_RUN or name in ("pwsh", "powershell", "osascript"):
        return True
    at = 0
    while at < len(rest):
        text = rest[at].text
        if _CODE.fullmatch(text):
            if at + 1 == len(rest) or Known.IN_WORDS in known:
                return True
            return runs(rest[at + 1].text, known, depth=1, level=level + 1)
        if text == "-n":
            return False  # it looks whether the code is well formed
        if text in ("-o", "+o"):
            at += 1
        elif not _PLAIN.fullmatch(text):
            return not is_script(rest[at])
        at += 1
    return True


def _su(rest: Sequence[Token], known: Known, level: int) -> bool:
    """`su` is a shell of another user, with the code behind `-c`."""
    at = next(
        (at for at, one in enumerate(rest) if re.fullmatch(r"-\w{0,3}c|--(?:session-)?command", one.text)),
        None,
    )
    if at is None:
        return True
    if at + 1 == len(rest) or Known.IN_WORDS in known:
        return True
    return runs(rest[at + 1].text, known, depth=1, level=level + 1)


def _elsewhere(name: str, rest: Sequence[Token], known: Known, level: int) -> bool:
    """Whether what another machine, or a container, is told to run there does. Which options take a word is
    not known of all, so that each word may be the program."""
    words = [one for one in rest if not one.text.startswith("-")]
    if name == "ssh":
        if len(words) < 2:
            return True  # it starts a shell there
        if Known.IN_WORDS in known:
            return True
        spoken = " ".join(one.text for one in rest[rest.index(words[1]) :])
        return runs(spoken, known, depth=1, level=level + 1)
    return any(
        # at its own word and not at each on the way to it: programs in programs are looked for once
        _command(rest[at:], known, max(level + 1, _DEEPEST - 3))
        for at, one in enumerate(rest[:40])
        if is_shell(program(one)) or family(program(one)) or one.text == "env"
    )


def _uv_run(rest: Sequence[Token], known: Known, level: int) -> bool:
    """`uv run` takes a program, or a script for Python."""
    words, _ = behind(rest, UV_RUN)
    if words and (family(program(words[0])) or re.fullmatch(r"[a-z][\w-]{0,60}", words[0].text)):
        return _command(words, known, level + 1)
    return bool(known & _HAS_IT_RUN) or not has_its_own_code("python", "uv", words)


def _wrapped(name: str, how: Wrapper, rest: Sequence[Token], known: Known, level: int) -> bool:
    """Whether the program that `name` runs does."""
    if name == "env" and (words := split(rest)) is not None:
        return Known.IN_WORDS in known or _command(words, known, level + 1)
    inner, options = behind(rest, how)
    known = _set(known, rest[: len(rest) - len(inner)])
    if not inner:
        becomes = name in ("sudo", "doas") and any(_BECOMES_SHELL.fullmatch(one) for one in options)
        return becomes or name == "parallel" or Known.IN_WORDS in known
    if how.as_words:
        known |= Known.IN_WORDS
        stands = stand_ins(options)
        line = [*tokens(inner[0].text)] if name == "parallel" else [*inner[:1]]
        if any(one in line[0].text for one in stands if line):
            return True
        if name == "parallel" and len(line) > 1:
            inner = [*line, *inner[1:]]
        if family(program(inner[0])) and any(is_code_of(one.text, stands) for one in inner[1:6]):
            return True
    return _command(inner, known, level + 1)
