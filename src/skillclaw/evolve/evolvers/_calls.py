"""Calls of a program as sessions made them, one by one, each on one line. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from skillclaw.evolve.evolvers._usages import ANY, without_files
from skillclaw.trajectory.demanded import without_refused
from skillclaw.trajectory.demands import put_early
from skillclaw.trajectory.flow import Act, Said
from skillclaw.trajectory.shapes import shape_tokens

__all__ = [
    "LONG",
    "Call",
    "asked_for",
    "bare",
    "calls_of",
    "first_call",
    "moved",
    "options",
    "plain_call",
    "words_of",
]

LONG = 260
"""Characters of a command that a line can hold."""

_WORD = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'])+")
_LEADS_ON = re.compile(r"(?:\b(?:do|then|else)|[{(|&\\])\Z")


@dataclass(frozen=True)
class Call:
    """One call of the shape: its command on one line, what the user had said by then, and what tools had
    given back."""

    user: str
    session: str
    command: str
    said: str
    seen: str
    result: str


def words_of(command: str) -> list[str]:
    return _WORD.findall(command)


def first_call(
    session: str, user: str, events: Sequence[Act | Said], wanted: Sequence[str], *, failed: bool
) -> Call | None:
    """The first call of a session that has the shape and ended as asked for."""
    said: list[str] = []
    seen: list[str] = []
    for event in events:
        if isinstance(event, Said):
            said.append(event.text)
            continue
        if event.command is not None and (event.ok is False) == failed and event.ok is not None:
            tokens = shape_tokens(event.command)
            line = _one_line(event.command)
            if line and _fits(tokens, wanted):
                return Call(user, session, line, "\n".join(said), "\n".join(seen), event.result)
        seen.append(event.result[:20_000])
    return None


def calls_of(
    session: str, user: str, events: Sequence[Act | Said], program: str, wanted: str
) -> dict[tuple[bool, str], Call]:
    """The first call of `program` that stands alone in its command, with the option `wanted` and without it,
    for each subcommand. One that failed, or that the user refused, counts only where it lacks the option and
    has no other than those that the user had named: anything else may be of a page's making."""
    said: list[str] = []
    found: dict[tuple[bool, str], Call] = {}
    for event in events:
        if isinstance(event, Said):
            said.append(event.text)
            continue
        line = _one_line(event.command) if event.command is not None else ""
        if not f"{line} ".startswith(f"{program} ") or re.search(r"[|;&$`(){}]", line):
            continue
        word = "" if " " in program else next(iter(line.removeprefix(program).split()), "")
        subcommand = word if re.fullmatch(r"[a-z][a-z-]*", word) else ""
        has_it = re.search(rf"(?<![\w-]){re.escape(wanted).replace(chr(92) + ' ', '[ =]')}(?![\w-])", line)
        other = re.search(rf"(?<![\w-]){re.escape(wanted.split()[0])}(?![\w-])", line)
        given = [named.partition("=")[0] for named in words_of(line) if named[0] == "-"]
        asked = bool(given) and not other
        asked = asked and {*given, subcommand} <= {"", *re.findall(r"[\w-]+", "\n".join(said))}
        if (has_it or not other) and (event.ok or asked):
            call = Call(user, session, line, "\n".join(said), "", event.result)
            found.setdefault((bool(has_it), subcommand), call)
    return found


def plain_call(session: str, user: str, events: Sequence[Act | Said], program: str) -> Call | None:
    """The first call of a program that stands alone in its command and has nothing but what the user had
    named, without the options that its error refuses."""
    said: list[str] = []
    for event in events:
        if isinstance(event, Said):
            said.append(event.text)
            continue
        line = _one_line(event.command) if event.command is not None else ""
        line = without_files(line)
        if not line.startswith(f"{program} ") or re.search(r"[|;&$`(){}<>]", line):
            continue
        if event.ok is False:
            line = without_refused(line, event.result)
        words = words_of(line)[len(program.split()) :]
        known = "\n".join(said)
        if words and all(word.strip("'\"") in known for word in words):
            return Call(user, session, line, known, "", event.result)
    return None


def moved(call: str, program: str, wanted: str) -> str:
    """The call with a long option moved before its other options. One of a single dash may have a place that
    means something, and so has all that stands behind a bare `--`."""
    if not wanted.startswith("--") or " -- " in call or f" {wanted}" not in call:
        return call
    return put_early(call.replace(f" {wanted}", "", 1), program, wanted)


def asked_for(event: Act, said: str) -> bool:
    """Whether the user had named every word of a call, whatever its marks: nothing of it is a page's."""
    words = re.findall(r"[\w./@:+-]+", event.command or "")
    known = set(re.findall(r"[\w./@:+-]+", said))
    known |= {word.rstrip(".:") for word in known}
    return bool(words) and known.issuperset(words)


def bare(call: str) -> bool:
    """Whether a call is of one subcommand, names no file, and its output goes nowhere yet."""
    plain = re.sub(r"<[\w-]+>", "", call)
    return ANY not in call and not re.search(r"[|;&<>]|\w\.[a-z]{1,5}\b", plain)


def options(call: str) -> int:
    return len(re.findall(r"\s--?[A-Za-z]", call))


def _fits(tokens: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(tokens) == len(wanted) and all(
        token == want or (want.startswith("<") and want.endswith(">"))
        for token, want in zip(tokens, wanted, strict=True)
    )


def _one_line(command: str) -> str:
    """The command on one line, to be run as it stands; empty where a line cannot hold it."""
    if "<<" in command or len(command) > 4 * LONG:
        return ""
    text = ""
    for line in command.replace("\\\n", " ").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        glue = "" if not text else " " if _LEADS_ON.search(text) else " ; "
        text += glue + line
    return " ".join(text.split())
