"""A program's call as it says itself that it is called, where people's agents got none right.

A usage is anybody's text: a page that the program showed may hold one, and a member's own program prints what
it likes. It tells no word, then, that the people do not use themselves, but only which of their words belong
together, and how many values stand beside them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from skillclaw.gate.policies import Policy
from skillclaw.trajectory.flow import Act, Said
from skillclaw.trajectory.shell import main_commands, parse
from skillclaw.trajectory.text import word_set
from skillclaw.trajectory.usage import Part, usage_in

__all__ = ["ANY", "COMMON", "Says", "filed", "into_file", "stated_call", "without_files"]

Says = Callable[[str], bool]
"""Whether a word, or a call, is known of enough sessions of enough users."""
ANY = "<command>"
"""Stands for any of a program's subcommands."""
_INTO = re.compile(
    r"\b(?:(?:into|to|as)|(?:keep|put|save|store|write)\b[^.;\n]{0,60}?\bin)\s+`?([\w./~-]*\w\.[a-z]{1,5})\b",
    re.I,
)
"""A file that a request wants something written into."""
_WRITTEN = re.compile(r"(?<![>&\d])>\s*([\w./~-]*\w\.[a-z]{1,5})\s*\Z", re.I)
"""The file that a command ends by writing what it shows into."""
_INTO_FILES = re.compile(r"(?:(?:\s\d)?\s*>+\s*[^\s&>]+)+\Z")
"""Redirections at the end of a command, with the stream (`2>`) that they are of."""
_USED = re.compile(r"(?<![\w-])-{0,2}\w[\w.+-]*")
_SUBCOMMAND = re.compile(r"[\w./+-]*[A-Za-z]")
"""A program, or a plain word behind it."""
_PLAIN = re.compile(r"[a-z]{2,12}(?:-[a-z]{2,12})?")
"""A name of a value that says nothing but what it is."""
COMMON = word_set(
    "app branch city color count date day dest destination dir directory email event file filename folder "
    "format group host id image input item issue kind language level limit message mode month name number "
    "output package part path pattern patterns person phone place port project query record repo repository "
    "role room section size source tag target task text time title topic type unit url user username value "
    "version year zone"
)
"""What values are called everywhere."""

Sessions = Sequence[tuple[str, str, Sequence[Act | Said]]]
"""Of each session its key, its user, and what was said and done."""


class _Used(NamedTuple):
    """The sessions and users of something."""

    sessions: set[str]
    users: set[str]

    def enough(self, policy: Policy) -> bool:
        return len(self.sessions) >= policy.sessions and len(self.users) >= policy.users


class _Known:
    """What people say and call, by who does."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._used: dict[str, _Used] = {}

    def add(self, words: set[str], session: str, user: str) -> None:
        for word in words:
            used = self._used.setdefault(word, _Used(set(), set()))
            used.sessions.add(session)
            used.users.add(user)

    def enough(self) -> set[str]:
        return {word for word, used in self._used.items() if used.enough(self._policy)}


def stated_call(sessions: Sessions, program: str, policy: Policy, said: Says) -> str:
    """The least call of `program` (`rota`, `rota list`) by the usage that it printed to most users; empty
    without. Of one user's program alone only a call with one value is taken, and that only where no other
    user's states another one. Its subcommand is the one that as many users as the policy asks, or their
    agents, called it by, and else stands for any; every other word of it they used, too. What values are
    called is told by a common word, or one that enough users `said`. What it shows goes into a file where it
    does so (`into_file`)."""
    name, *words = program.split()
    stated: dict[tuple[Part, ...], set[str]] = {}
    called, used = _Known(policy), _Known(policy)
    spoken = re.compile(rf"(?<![\w.-]){re.escape(name)} ([a-z][\w-]*)")
    for session, user, events in sessions:
        for event in events:
            if isinstance(event, Said):
                called.add(set(spoken.findall(event.text)), session, user)
                used.add(set(_USED.findall(event.text)), session, user)
                continue
            for call in _calls(event, name):
                called.add(set(call[:1]), session, user)
                used.add({word.partition("=")[0] for word in call}, session, user)
            usage = usage_in(event.command or "", event.result) if event.ok is False else None
            if usage is not None and usage[0] == name:
                stated.setdefault(usage[1], set()).add(user)
    known = used.enough()
    fit = {parts: users for parts, users in stated.items() if _fixed(parts) <= known}
    most = sorted(fit, key=lambda one: (-len(fit[one]), str(one)))
    if not most or (len(fit[most[0]]) < policy.users and (len(most) > 1 or _values(most[0]) > 1)):
        return ""
    told = _told(most[0], called.enough(), said)
    if not told or told[: len(words)] != words:
        return ""
    least = " ".join([name, *told])
    return filed(least) if ANY not in told and into_file(sessions, least, policy) else least


def filed(call: str) -> str:
    """The call with what it shows going into a file, named apart from other paths in it."""
    return f"{call} > {'<file>' if '<path>' in call else '<path>'}"


def into_file(sessions: Sessions, call: str, policy: Policy) -> bool:
    """Whether what a call shows is wanted in a file: most of the requests name one that something is to be
    written into, the agents of as many users as the policy asks did that by a redirection, and one of what
    this very program, and subcommand, showed. Not where as many gave it that file: it may change it in place
    (`sed -i s/a/b/ x.txt`)."""
    head = tuple(takewhile(_SUBCOMMAND.fullmatch, call.split()[:2]))
    filing: set[str] = set()
    wanted = written = given = 0
    for _, user, events in sessions:
        files = {name for e in events if isinstance(e, Said) for name in _INTO.findall(e.text)}
        acts = [event for event in events if isinstance(event, Act)] if files else []
        wanted += bool(files)
        if any(_writes(act, (), files) for act in acts):
            filing.add(user)
        written += any(_writes(act, head, files) for act in acts)
        given += any(act.ok and not files.isdisjoint(words) for act in acts for words in _calls(act, head[0]))
    return written > given and len(filing) >= policy.users and 2 * wanted > len(sessions)


def _writes(act: Act, head: tuple[str, ...], files: set[str]) -> bool:
    """Whether a command ends with a call that begins so, and what it shows goes into one of the files."""
    into = _WRITTEN.search(act.command or "")
    last = parse(act.command or "")[-1:]
    return into is not None and into[1] in files and any(one.words[: len(head)] == head for one in last)


def without_files(command: str) -> str:
    """`command` without the redirections at its end."""
    return _INTO_FILES.sub("", command)


def _calls(event: Act, program: str) -> list[tuple[str, ...]]:
    """The words behind the program in each call of it."""
    simples = main_commands(event.command) if event.command is not None else ()
    return [simple.words[1:] for simple in simples if simple.words[0].rsplit("/", 1)[-1] == program]


def _fixed(parts: Sequence[Part]) -> set[str]:
    return {part.text for part in parts if part.kind in ("word", "option")}


def _values(parts: Sequence[Part]) -> int:
    return sum(part.kind == "slot" for part in parts)


def _told(parts: Sequence[Part], called: set[str], said: Says) -> list[str]:
    """The words of the call. A subcommand comes before options, wherever the usage has it, but behind no
    value that stands before it."""
    names: Counter[str] = Counter()
    head: list[str] = []
    told: list[str] = []
    behind = False
    for at, part in enumerate(parts):
        of_option = at > 0 and parts[at - 1].kind == "option"
        if part.kind == "option":
            told.append(part.text)
            continue
        word = part.text if part.kind == "word" else ""
        if part.kind == "choice" and not of_option:
            chosen = called.intersection(part.choices)
            word = chosen.pop() if len(chosen) == 1 else "" if head or behind else ANY
        if not word:
            name = _name(part.text, said)
            names[name] += 1
            word = f"<{name}>" if names[name] == 1 else f"<{name}-{names[name]}>"
        if part.kind == "slot" or of_option or behind or (head and word[0] == "<"):
            behind = behind or not of_option
            told.append(word)
        else:
            head.append(word)
    return [*head, *told]


def _name(name: str, said: Says) -> str:
    plain = _PLAIN.fullmatch(name) is not None and all(w in COMMON or said(w) for w in name.split("-"))
    return name if plain else "value"
