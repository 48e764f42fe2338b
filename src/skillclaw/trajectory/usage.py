"""How a program says that it is called: the usage line that it prints where a call of it was wrong.

Nearly every command line program prints one (`usage: people [-h] {phone,mail} name`), and an agent that
called it wrong has read it, once a session. What may be left out is left out here: what stays is the least
call that the program takes. Read are the forms of argparse, click, docopt, GNU, clap and cobra; a line that
leaves open what follows (`COMMAND ...`, `a | b`) tells no call, and counts as none.

A result is anybody's text. It counts for a program's own only where no other program and no file of the same
command can have written it (`usage_in`), and even then a page that the program showed may have.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from skillclaw.trajectory.shell import parse

__all__ = ["Part", "usage_in", "usage_of"]

HEAD = 4000
"""Characters of a result in which a usage line is looked for."""
LINES = 6
"""Lines that a usage may run over; of a longer one the end, where most values stand, would be lost."""
DEEPER = 6
"""Columns by which a line that goes on with the one before is indented; one further left describes."""
MOST = 8
"""Parts of a call; one with more is no example for anybody."""
CHOICES = 12
"""Values of one choice."""

_LINE = re.compile(r"^[ \t]*usage:[ \t]*", re.I | re.M)
_NAME = re.compile(r"[A-Za-z][\w-]{0,23}", re.A)
_METAVAR = re.compile(r"<([A-Za-z][\w -]{0,23})>|([A-Z][A-Z0-9_-]{0,23})", re.A)
_CHOICE = re.compile(r"\{([\w.,+-]{1,200})\}", re.A)
_FLAG = re.compile(r"(--?[A-Za-z][\w-]{0,39})(?:=(\S+))?", re.A)
_TOKEN = re.compile(r"\{[^{}\s]*\}|<[^<>\n]*>|\S+")
_READS = re.compile(r"`|\$\(|<(?![a-z][\w-]*:[^<>\s]*>)")
"""What puts another program's or a file's text into a call; what redaction leaves (`<email:id>`) does not."""
_SILENT = frozenset({"cd", "export", "set", "true", ":"})
"""Commands that print nothing of their own."""


class Part(NamedTuple):
    """One word of a call. kind `word`: `text` itself; `slot`: any value, `text` says of what (`name`);
    `choice`: one of `choices`; `option`: `text` (`--day`), before its value where it takes one."""

    kind: str
    text: str
    choices: tuple[str, ...] = ()


def usage_of(program: str, result: str, called: Collection[str] = ()) -> tuple[Part, ...]:
    """The parts of the least call of `program`, after its name, by the usage line in `result`; empty where
    there is none of it, or where it tells no call.

    called  the words of the call that was wrong: a plain word of the line that is one of them is a subcommand
            (`git clone <repo>`), and else stands for a value (`tryout [-h] part`)
    """
    line = _line(result[:HEAD], program)
    first, _, rest = line.partition(" ")
    if not first or first.rsplit("/", 1)[-1] != program:
        return ()
    bare = _required(rest)
    if bare is None:
        return ()
    found: list[Part] = []
    takes = False
    for word in _TOKEN.findall(bare):
        if word == "--":
            continue
        part = _part(word.removesuffix("..."), called, takes=takes)
        if part is None or len(found) == MOST:
            return ()
        found += part
        takes = found[-1].kind == "option"
    return tuple(found)


def usage_in(command: str, result: str) -> tuple[str, tuple[Part, ...]] | None:
    """The program that `command` calls, and the parts of its least call by the usage that it printed; None
    where there is none, or where another program or a file may have put it there (`cat README; people`)."""
    if "usage:" not in result[:HEAD].lower() or _READS.search(command):
        return None
    calls = [one.words for one in parse(command) if one.words and one.words[0] not in _SILENT]
    programs = {words[0].rsplit("/", 1)[-1] for words in calls}
    if len(programs) != 1:
        return None
    program = programs.pop()
    parts = usage_of(program, result, {word for words in calls for word in words[1:]})
    return (program, parts) if parts else None


def _line(text: str, program: str) -> str:
    """The usage on one line, its first form where it has several; empty without, or where it is too long."""
    start = _LINE.search(text)
    if start is None:
        return ""
    own, lines = _indent(start.group()), text[start.end() :].splitlines()
    if not lines or not lines[0].strip():
        lines = lines[next((n for n, line in enumerate(lines) if line.strip()), len(lines)) :]
        own = _indent(lines[0]) if lines else 0
    kept = lines[:1]
    for line in lines[1:]:
        words = line.split()
        if not words or _indent(line) < own + DEEPER or words[0].rsplit("/", 1)[-1] == program:
            break
        kept.append(line)
    return " ".join(" ".join(kept).split()) if len(kept) <= LINES else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _required(text: str) -> str | None:
    """`text` without what may be left out; None where it leaves open what is to be given."""
    kept: list[str] = []
    depth = 0
    for char in text.replace("]...", "]"):
        depth += (char == "[") - (char == "]")
        if depth < 0:
            return None
        if depth == 0 and char != "]":
            kept.append(char)
    bare = " ".join("".join(kept).split())
    open_ended = re.search(r"[|()]|\b(?:sub)?command\b|[\w}>] \.\.\.", bare, re.I)
    return None if depth or open_ended else bare


def _part(word: str, called: Collection[str], *, takes: bool) -> list[Part] | None:
    if choice := _CHOICE.fullmatch(word):
        values = tuple(value for value in choice[1].split(",") if value)
        if not values or len(values) > CHOICES:
            return None
        return [Part("word", values[0])] if len(values) == 1 else [Part("choice", "", values)]
    if metavar := _METAVAR.fullmatch(word):
        return [Part("slot", _slot(metavar[1] or metavar[2]))]
    if flag := _FLAG.fullmatch(word):
        option = [Part("option", flag[1])]
        if flag[2] is None:
            return option
        value = _part(flag[2], (), takes=True)
        return None if value is None else [*option, *value]
    if _NAME.fullmatch(word):
        literal = word in called and not takes
        return [Part("word", word) if literal else Part("slot", _slot(word))]
    return None


def _slot(name: str) -> str:
    return re.sub(r"[ _]+", "-", name.lower()).strip("-")
