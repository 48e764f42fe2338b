"""Shell commands as the sessions of a pattern wrote them, what varies as named placeholders.

A pattern's shape has lost more than varies: `python3 <path> <value>` where everybody ran `tools/bump.py`.
Here the calls of its sessions that have that shape are laid side by side, word by word. What (nearly) all
have in common stays. What varies gets a name, and where it comes from: the user's words (`v<version>`),
or an earlier result. The outcome depends on the set of sessions alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from skillclaw.evolve.evolvers._calls import (
    LONG,
    Call,
    asked_for,
    bare,
    calls_of,
    first_call,
    moved,
    options,
    plain_call,
    words_of,
)
from skillclaw.evolve.evolvers._usages import ANY, COMMON, Says, filed, into_file, stated_call
from skillclaw.evolve.evolvers._values import SHARE, form, in_texts, trims, user_word
from skillclaw.evolve.evolvers._wishes import named
from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.text import fixed_parts, has_mask
from skillclaw.skills.vocabulary import error_phrases
from skillclaw.trajectory.demands import put_early
from skillclaw.trajectory.flow import Act, Said, flow

__all__ = ["Commands", "Worded"]

MOST = 0.6
"""Of the calls of a shape at least this share must be built alike."""
LOOKED_AT = 24
"""Sessions that are laid side by side at most."""
SUBCOMMANDS = 3
"""Subcommands of a program whose calls are shown, the commonest."""

_PART = re.compile(r"[\w.+-]+|[^\w.+-]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_QUOTED = re.compile(r"\"[^\"]+\"|'[^']+'")
_TEXT_OF = re.compile(
    r"--(?P<option>[a-z]{2,16}(?:-[a-z]{2,16}){0,2})=(?P<mark>[\"'])"
    r"(?P<text>[^\W\d_]+\.?(?:[ ’-][^\W\d_]+\.?)+)(?P=mark)"
)
"""A quoted text of several words, and nothing else, behind a long option."""


class Worded(NamedTuple):
    """A command for readers. `asked`: its placeholders whose values users name; `told`: those that an earlier
    result shows; both in the order of the command. `made`: how a placeholder is made of another, in words."""

    text: str
    asked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    made: tuple[tuple[str, str], ...] = ()


class Commands:
    """The commands of one pattern's sessions. Without sessions to look into there are none."""

    def __init__(self, pattern: Pattern, gate: GateContext | None, policy: Policy) -> None:
        self._users = {ref.session: ref.user for ref in pattern.evidence}
        self._calling = {ref.session: ref.user for ref in pattern.calls}
        self._gate = gate
        self._policy = policy
        self._names: dict[tuple[tuple[str, str], ...], str] = {}
        self._made: dict[str, str] = {}
        self._kept: Says = lambda word: False

    @cached_property
    def _sessions(self) -> list[tuple[str, str, list[Act | Said]]]:
        """What was said and done in each session that is looked at; read only where a command asks for it."""
        return self._read(self._users)

    @cached_property
    def _wide(self) -> list[tuple[str, str, list[Act | Said]]]:
        """These, and others that made the call, for how it is built: those have no word but their users'."""
        return self._sessions + [
            (session, user, _asked_for(events)) for session, user, events in self._read(self._calling)
        ]

    def _read(self, users: Mapping[str, str]) -> list[tuple[str, str, list[Act | Said]]]:
        found: list[tuple[str, str, list[Act | Said]]] = []
        for session in sorted(users)[:LOOKED_AT] if self._gate is not None else ():
            trajectory = self._gate.sessions(session) if self._gate is not None else None
            if trajectory is not None:
                events = [e for e in flow(trajectory) if isinstance(e, Act | Said)]
                found.append((session, users[session], events))
        return found

    def worded(self, shape: ActionShape, keep: Says, *, failed: bool = False) -> Worded | None:
        """The command of `shape`, one that failed if `failed`; None where its sessions do not agree on one,
        or where `keep` does not let it pass."""
        if shape.command is None:
            return None
        wanted = shape.command.split(" ")
        calls = [call for own in self._sessions if (call := first_call(*own, wanted, failed=failed))]
        alike = self._alike(calls)
        if not alike:
            return None
        found = self._laid_out(alike)
        if found is None or len(found.text) > LONG or has_mask(found.text):
            return None
        parts = fixed_parts(found.text)
        return found if failed or not parts or keep(" ".join(parts)) else None

    def calls_with(
        self, program: str, wanted: str, unwanted: Collection[str], keep: Says, said: Says
    ) -> list[str]:
        """Calls of a program with the option `wanted`, as enough sessions of enough users built them, or
        built them without it, with it put in: whichever has more options, since weak agents drop others as
        they add one. What `keep` lets pass, as a word of many users' requests, may stand in calls of one.
        Where agents got none right, or fewer options, the one that the program's usage states, its values
        named by words that enough users `said`.
        None with an option that is `unwanted`. One for each of the commonest subcommands, since an example
        of one is taken for that one alone. Where that would be one or none, and several were called alike,
        one that stands for all beside it."""
        having: dict[str, list[Call]] = {}
        lacking: dict[str, list[Call]] = {}
        for session, user, events in self._wide:
            for (has_it, subcommand), call in calls_of(session, user, events, program, wanted).items():
                given = {word.partition("=")[0] for word in words_of(call.command) if word[0] == "-"}
                if given.isdisjoint(unwanted):
                    (having if has_it else lacking).setdefault(subcommand, []).append(call)
        self._kept = keep
        as_made = [moved(call, program, wanted) for call in self._shown(having, program)]
        put_in: list[str] = []
        stated: list[str] = []
        if wanted.startswith("--"):
            put_in = [put_early(call, program, wanted) for call in self._shown(lacking, program)]
            least = stated_call(self._wide, program, self._policy, said)
            if least and {wanted.split()[0], *unwanted}.isdisjoint(least.split()):
                stated = [put_early(least, program, wanted)]
        most = max(as_made, put_in, stated, key=_worth)
        return [filed(call) if bare(call) and self.into_file(call) else call for call in most]

    def into_file(self, call: str) -> bool:
        """Whether what the call shows is wanted in a file."""
        return into_file(self._wide, call, self._policy)

    def called(self, program: str, keep: Says) -> str:
        """How enough sessions of enough users call a program (`board assign`), whether or not it then worked,
        less what its errors refused; empty where they do not agree."""
        self._kept = keep
        calls = [call for own in self._wide if (call := plain_call(*own, program))]
        return next(iter(self._examples([calls])), "")

    def _shown(self, found: Mapping[str, Sequence[Call]], program: str) -> list[str]:
        groups = [found[one] for one in sorted(found, key=lambda s: (-len(found[s]), s))][:SUBCOMMANDS]
        each = self._examples(groups)
        if len(each) < 2 <= len(found) and all(found):
            every = [
                replace(call, command=f"{program} {ANY}{call.command.removeprefix(f'{program} {one}')}")
                for one, calls in found.items()
                for call in calls
            ]
            if general := self._examples([every]):
                # A weak agent follows the call of the subcommand that it is about to run where it follows no
                # general one (docs/loop.md), which dilutes two such calls.
                return [*each, *general]
        return each

    def _examples(self, groups: Sequence[Sequence[Call]]) -> list[str]:
        shown: list[str] = []
        for calls in groups:
            self._names, self._made = {}, {}  # each call stands for itself
            worded = self._laid_out(self._built_alike(calls))
            if worded is not None and len(worded.text) <= LONG // 2 and not has_mask(worded.text):
                shown.append(worded.text)
        self._names, self._made = {}, {}
        return shown

    def _built_alike(self, calls: Sequence[Call]) -> list[Call]:
        """Calls with the same options and redirections at the same places, if enough sessions of enough users
        made them: of several builds the one with most options, since weak agents drop some."""
        builds: dict[tuple[str, ...], list[Call]] = {}
        for call in calls:
            marks = tuple(word if word[0] in "-<>" else "" for word in words_of(call.command))
            builds.setdefault(marks, []).append(call)
        enough = {marks: same for marks, same in builds.items() if self._many(marks, same)}
        best = max(enough, key=lambda m: (sum(map(bool, m)), len(enough[m]), m), default=None)
        return enough[best] if best is not None else []

    def _many(self, marks: Sequence[str], calls: Sequence[Call]) -> bool:
        """Whether enough sessions made these calls, of enough users, or with no options but known ones."""
        known = all(self._kept(mark) for mark in marks if mark[:1] == "-")
        users = len({call.user for call in calls})
        return len(calls) >= self._policy.sessions and (known or users >= self._policy.users)

    def error(self, shape: ActionShape) -> str:
        """How the error of (nearly) all failing calls of `shape` is commonly called; or empty."""
        wanted = (shape.command or "").split(" ")
        calls = [call for own in self._sessions if (call := first_call(*own, wanted, failed=True))]
        names = Counter(next(iter(error_phrases(call.result)), "") for call in calls)
        name, count = min(names.items(), key=lambda x: (-x[1], x[0]), default=("", 0))
        return name if count >= SHARE * len(calls) else ""

    def errand(self, words: Says) -> str:
        """The task that most of the sessions were about, in words that `words` lets pass; or empty."""
        asked = []
        for _, user, events in self._sessions:
            first = next((event.text for event in events if isinstance(event, Said)), "")
            if name := named(first, words)[1]:
                asked.append((name, user))
        # "Deploy the site to staging" is a case of "Deploy the site".
        told = {one: [u for name, u in asked if f"{name} ".startswith(f"{one} ")] for one, _ in asked}
        name = min(told, key=lambda n: (-len(told[n]), n), default="")
        users = told.get(name, [])
        enough = len(users) >= self._policy.sessions and len(set(users)) >= self._policy.users
        return name if enough and 2 * len(users) >= len(self._sessions) else ""

    def _alike(self, calls: Sequence[Call]) -> list[Call]:
        """The calls with the commonest number of words, if enough sessions of enough users made them."""
        sizes = Counter(len(words_of(call.command)) for call in calls)
        if not sizes:
            return []
        size = min(sizes, key=lambda n: (-sizes[n], n))
        same = [call for call in calls if len(words_of(call.command)) == size]
        enough = len(same) >= self._policy.sessions and len({c.user for c in same}) >= self._policy.users
        return same if enough and len(same) >= MOST * len(calls) else []

    def _laid_out(self, calls: Sequence[Call]) -> Worded | None:
        if not calls:
            return None
        asked: list[str] = []
        told: list[str] = []
        words: list[str] = []
        for column in zip(*(words_of(call.command) for call in calls), strict=True):
            word = self._unsaid(calls, words[-1] if words else "", column)
            word = word or self._word(calls, column, asked, told)
            if word is None:
                return None
            words.append(word)
        names = [name for name in dict.fromkeys(asked) if name not in self._made]
        made = [(name, self._made[name]) for name in dict.fromkeys(asked) if name in self._made]
        return Worded(" ".join(words), tuple(names), tuple(dict.fromkeys(told)), tuple(made))

    def _unsaid(self, calls: Sequence[Call], option: str, column: Sequence[str]) -> str | None:
        """The placeholder of a text that a long option has, where its users did not write it: what all of a
        pattern's sessions gave alike may be one person's name."""
        given = [_TEXT_OF.fullmatch(word if "=" in word else f"{option}={word}") for word in column]
        found = [one for one in given if one is not None]
        if len(found) < len(column) or len({one["option"] for one in found}) > 1:
            return None
        if in_texts([call.said for call in calls], [one["text"] for one in found]):
            return None
        name = self._named(calls, [one["text"] for one in found], found[0]["option"])
        return f"--{found[0]['option']}='<{name}>'" if "=" in column[0] else f"'<{name}>'"

    def _word(
        self, calls: Sequence[Call], column: Sequence[str], asked: list[str], told: list[str]
    ) -> str | None:
        if (common := self._common(calls, column)) is not None:
            return common
        rows = [_PART.findall(word) for word in column]
        if len({len(row) for row in rows}) == 1:
            parts = [
                self._common(calls, cells) or self._varying(calls, cells, asked, told)
                for cells in zip(*rows, strict=True)
            ]
            if not any(re.search(r"\w<|>\w", a + b) for a, b in pairwise(parts)):
                return "".join(parts)
        if all(_QUOTED.fullmatch(word) for word in column):
            # With either sort of quotes: without any a text falls apart.
            return self._quoted(calls, [word[1:-1] for word in column], asked)
        return self._varying(calls, column, asked, told)

    def _common(self, calls: Sequence[Call], cells: Sequence[str]) -> str | None:
        """The word that (nearly) all have, and enough users: one who works a lot is not all. A day is the day
        of the evidence more often than a part of the way."""
        top, count = min(Counter(cells).items(), key=lambda x: (-x[1], x[0]))
        users = {call.user for call, cell in zip(calls, cells, strict=True) if cell == top}
        known = len(users) >= self._policy.users or top in (ANY, ">", "<") or self._kept(top)
        enough = count >= SHARE * len(cells) and known
        return top if enough and not _DAY.search(top) else None

    def _varying(
        self, calls: Sequence[Call], values: Sequence[str], asked: list[str], told: list[str]
    ) -> str:
        """The placeholder for these values, with what they begin and end with alike beside it where users
        name only the rest."""
        for before, after in trims(values):
            cores = [v[len(before) : len(v) - len(after)] for v in values]
            if in_texts([call.said for call in calls], cores):
                name = self._named(calls, cores, self._wish(calls, cores))
                # A letter or digit right beside a placeholder would not be found in any call.
                glued = before[-1:].isalnum() or after[:1].isalnum()
                held = f"<{before}-{name}>" if glued else f"<{name}>"
                asked.append(held)
                if glued:
                    parts = [before, f"`<{name}>`", after]
                    self._made[held] = " followed by ".join(part for part in parts if part)
                return held if glued else f"{before}{held}{after}"
        name = self._named(calls, list(values), "")
        if in_texts([call.seen for call in calls], values):
            told.append(f"<{name}>")
        return f"<{name}>"

    def _quoted(self, calls: Sequence[Call], texts: Sequence[str], asked: list[str]) -> str:
        said = [call.said for call in calls]
        name = self._named(calls, texts, self._wish(calls, texts) or "text")
        if in_texts(said, texts):
            asked.append(f"<{name}>")
        mark = '"' if any("'" in text for text in texts) else "'"
        return f"{mark}<{name}>{mark}"

    def _wish(self, calls: Sequence[Call], values: Sequence[str]) -> str:
        """What enough users call the value; a word that is common everywhere may be one person's."""
        word = user_word([call.said for call in calls], values)
        if not word or word in COMMON:
            return word
        told = {c.user for c, v in zip(calls, values, strict=True) if user_word([c.said], [v]) == word}
        return word if len(told) >= self._policy.users else ""

    def _named(self, calls: Sequence[Call], values: Sequence[str], wish: str) -> str:
        """One name for the same values throughout the pattern, and different ones for different values."""
        mark = tuple((call.session, value) for call, value in zip(calls, values, strict=True))
        if mark not in self._names:
            base = wish or form(values)
            used = set(self._names.values())
            number, name = 2, base
            while name in used:
                number, name = number + 1, f"{base}-{number}"
            self._names[mark] = name
        return self._names[mark]


def _asked_for(events: Sequence[Act | Said]) -> list[Act | Said]:
    """What was said, and of the calls those that have no word but what the user had said by then."""
    said = ""
    kept: list[Act | Said] = []
    for event in events:
        if isinstance(event, Said):
            said += f"\n{event.text}"
            kept.append(event)
        elif asked_for(event, said):
            kept.append(event)
    return kept


def _worth(calls: Sequence[str]) -> tuple[int, int]:
    """The most options that one of them has, and of how many subcommands they are."""
    return max(map(options, calls), default=0), sum(ANY not in call for call in calls)
