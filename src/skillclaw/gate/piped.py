"""What runs the code that comes in by a pipe, behind what fetches or decodes it.

A shell does, whatever stands behind it. An interpreter does that has no code of its own
(`gate.interpreters`). Which word is the program is not always the first: settings, brackets and programs that
run another one (`gate.wrappers`) may come before it, and others may hand the pipe on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import Flag, auto

from skillclaw.gate.interpreters import family, has_its_own_code, is_the_pipe, runs_the_pipe_all_the_same
from skillclaw.gate.programs import is_shell, is_variable, program
from skillclaw.gate.shell_words import Token, quoted_by, tokens, within
from skillclaw.gate.wrappers import (
    UV_RUN,
    Wrapper,
    behind,
    is_code_of,
    is_setting,
    split,
    stand_ins,
    wrapper,
)

__all__ = ["piped"]

_NOWHERE = r"(?:\s+-\S+)*\s+(?:https?://[\w.-]*)?(?:…|\.{3})\s*\\?\|(?![^\n]*https?://)"
"""Dots in place of a whole address: that cannot be run, it only shows the form."""
_FETCHES = re.compile(
    rf"(?:curl|wget|fetch|iwr|irm|invoke-(?:webrequest|restmethod))\b(?!{_NOWHERE})[^\n|;]{{0,3000}}\|(?!\|)",
    re.IGNORECASE,
)
_INTO_FILE = re.compile(
    r"\s(?:-\w{0,9}o|--(?:output|remote-name)(?:-\w{1,9})?)(?!\s{0,80}(?:-[\s\"'`|]|/dev/))", re.IGNORECASE
)
"""The script that is run may be the file that was fetched."""
_DECODES = re.compile(
    r"base64\s+(?:-d|--decode)\b|xxd\s{1,200}-r|(?:printf\s{1,200}|echo\s{1,200}-e\s{1,200})[\"']?\\x",
    re.IGNORECASE,
)
_FAR = 500
"""Characters behind what decodes in which a pipe is looked for."""
_ALWAYS = frozenset({"source", "eval", "iex", "invoke-expression"})
_OPENS = frozenset({"{", "if", "while", "until", "for", "case", "select"})
_BETWEEN = frozenset({"then", "do", "else", "elif", "!", "in"})
_CLOSES = frozenset({"}", "fi", "done", "esac"})
_READS = frozenset({"read", "mapfile", "readarray"})
_DEEPEST = 9
"""Brackets in brackets, and programs that run programs."""
_BECOMES_SHELL = re.compile(r"-\w{0,5}[is]|--(?:login|shell)")


class _Known(Flag):
    """Where the text of the pipe may be by now: in a variable (`read`), in a file (`tee`), in the words of
    the command (`xargs`); and whether a setting has an interpreter run it, whatever else it is given."""

    NOTHING = 0
    NAMED = auto()
    WRITTEN = auto()
    IN_WORDS = auto()
    SET_TO_RUN = auto()


_HAS_IT_RUN = _Known.WRITTEN | _Known.SET_TO_RUN
_Judged = defaultdict[int, set[_Known]]


def piped(view: str) -> Iterator[tuple[str, str]]:
    """What in `view` has fetched or decoded text run: what it does, and the text that says so."""
    text = view.replace("\\\n", " \0")
    judged: _Judged = defaultdict(set)
    for what, begin, at, known in _pipes(text):
        # who knows more runs no less
        if not any(known in other for other in judged[at]) and _runs(text, at, known, judged):
            yield what, text[begin:].partition("\n")[0].replace("\0", "")


def _pipes(text: str) -> Iterator[tuple[str, int, int, _Known]]:
    """Of each pipe to look at: what is wrong where it is run, where it begins, and the next command."""
    for found in _FETCHES.finditer(text):
        known = _Known.WRITTEN if _INTO_FILE.search(found[0]) else _Known.NOTHING
        yield "runs code fetched from the network", found.start(), found.end(), known
    for found in _DECODES.finditer(text):
        line_end = text.find("\n", found.end(), found.end() + _FAR)
        end = line_end if line_end >= 0 else found.end() + _FAR
        at = text.find("|", found.end(), end)
        while at >= 0:
            yield "runs encoded code", found.start(), at + 1, _Known.NOTHING
            at = text.find("|", at + 1, end)


def _runs(text: str, at: int, known: _Known, judged: _Judged) -> bool:
    """Whether a command behind the pipe that ends before `at` runs what comes in. The pipes that were looked
    at on the way are added to `judged`."""
    judged[at].add(known)
    inner = within(text, at, quoted_by(text, at))
    # in a row of a table, the next cell is not the next command
    in_table = text[text.rfind("\n", 0, at) + 1 : at].lstrip().startswith("|")
    words: list[Token] = []
    depth = 0
    for token in (*_with_lookups(inner), Token("op", "\n", "\n", len(inner))):
        if token.kind != "op":
            words.append(token)
            continue
        empty = not words
        while words and words[0].text in _OPENS | _BETWEEN | _CLOSES:
            word = words.pop(0).text
            depth += (word in _OPENS) - (word in _CLOSES)
        command = [*_unturned(words)]
        if _command(command, known):
            return True
        known = _then(known, command)
        words = []
        if token.text == "(" and empty and depth < _DEEPEST:
            depth += 1
        elif token.text == ")" and depth > 0:
            depth -= 1
        elif token.text in ("|", "|&") and not (empty or in_table):
            judged[at + token.at + len(token.text)].add(known)
        elif depth <= 0 and not (empty and token.text in ("&", "\n") and not in_table):
            return False
    return False


def _then(known: _Known, command: Sequence[Token]) -> _Known:
    """What is known behind a command."""
    name = program(command[0]) if command else ""
    if name in _READS:
        return known | _Known.NAMED
    if name == "tee" and any(not one.text.startswith(("-", "/dev/")) for one in command[1:]):
        return known | _Known.WRITTEN
    return known


def _with_lookups(text: str) -> Iterator[Token]:
    """The tokens of `text`, with a program that is looked up between backticks as one word."""
    looked: list[Token] | None = None
    begun = False
    for token in tokens(text):
        if looked is not None:
            looked.append(token)
            if token.text == "`":
                inner = f"$({' '.join(one.raw for one in looked[1:-1])})"
                yield Token("word", inner, inner, looked[0].at)
                looked, begun = None, True
        elif token.text == "`" and token.kind == "op" and not begun:
            looked = [token]
        else:
            begun = token.kind != "op"
            yield token


def _unturned(words: Sequence[Token]) -> Iterator[Token]:
    """The words without where input and output go."""
    target = False
    for word in words:
        if not target and word.kind != "to":
            yield word
        target = word.kind == "to" and not word.text.endswith("&-")


def _command(words: Sequence[Token], known: _Known, depth: int = 0) -> bool:
    """Whether a command of these words runs what comes in."""
    while words and is_setting(words[0]):
        known = _set(known, words[:1])
        words = words[1:]
    if not words or depth > _DEEPEST:
        return False
    name, rest = program(words[0]), words[1:]
    if is_shell(name):
        # for each of the names that were read a script may be run
        return _Known.WRITTEN in known or not (
            _Known.NAMED in known and rest and not rest[0].text.startswith("-")
        )
    if name in _ALWAYS or (_Known.NAMED in known and is_variable(words[0])):
        return True
    if words[0].text == ".":
        return bool(rest) and is_the_pipe(rest[0].text)
    if name == "su":
        return len(rest) < 3 and not any(one.text in ("-c", "--command") for one in rest)
    if runs_another := wrapper(name, rest):
        return _wrapped(name, *runs_another, known, depth)
    if name == "uv":
        return bool(rest) and rest[0].text == "run" and _uv_run(rest[1:], known, depth)
    kind = family(name)
    if kind is None and (name in ("go", "dart") or (name == "py" and rest and rest[0].text[:1] == "-")):
        kind = "python" if name == "py" else "other"
    return kind is not None and (bool(known & _HAS_IT_RUN) or not has_its_own_code(kind, name, rest))


def _set(known: _Known, words: Sequence[Token]) -> _Known:
    meddles = any(runs_the_pipe_all_the_same(word.text) for word in words)
    return known | _Known.SET_TO_RUN if meddles else known


def _uv_run(rest: Sequence[Token], known: _Known, depth: int) -> bool:
    """`uv run` takes a program, or a script for Python."""
    words, _ = behind(rest, UV_RUN)
    if words and (family(program(words[0])) or re.fullmatch(r"[a-z][\w-]{0,60}", words[0].text)):
        return _command(words, known, depth + 1)
    return bool(known & _HAS_IT_RUN) or not has_its_own_code("python", "uv", words)


def _wrapped(name: str, how: Wrapper, rest: Sequence[Token], known: _Known, depth: int) -> bool:
    """Whether the program that `name` runs runs what comes in."""
    if name == "env" and (words := split(rest)) is not None:
        return _command(words, known, depth + 1)
    inner, options = behind(rest, how)
    known = _set(known, rest[: len(rest) - len(inner)])
    if not inner:
        becomes = name in ("sudo", "doas") and any(_BECOMES_SHELL.fullmatch(one) for one in options)
        return becomes or name == "parallel" or _Known.IN_WORDS in known
    if name == "ssh" and len(inner) == 1:
        inner = [*tokens(inner[0].text)]
    runs = program(inner[0]) if inner else ""
    if how.elsewhere and is_shell(runs):
        # there, a shell with a command of its own is how that command is run
        return not any(re.fullmatch(r"-\w{0,3}c", one.text) for one in inner[1:])
    if how.as_words:
        known = known | _Known.IN_WORDS
        stands = stand_ins(options)
        if any(one in inner[0].text for one in stands):
            return True
        if family(runs) and any(is_code_of(one.text, stands) for one in inner[1:6]):
            return True
    return _command(inner, known, depth + 1)
