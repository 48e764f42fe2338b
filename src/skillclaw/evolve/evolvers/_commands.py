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
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from skillclaw.evolve.evolvers._usages import ANY, Says, into_file, stated_call, without_files
from skillclaw.evolve.evolvers._values import SHARE, form, in_texts, trims, user_word
from skillclaw.evolve.evolvers._wishes import named
from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.text import fixed_parts, has_mask
from skillclaw.skills.vocabulary import error_phrases
from skillclaw.trajectory.demanded import without_refused
from skillclaw.trajectory.demands import put_early
from skillclaw.trajectory.flow import Act, Said, flow
from skillclaw.trajectory.shapes import shape_tokens

__all__ = ["Commands", "Worded"]

MOST = 0.6
"""Of the calls of a shape at least this share must be built alike."""
LOOKED_AT = 24
"""Sessions that are laid side by side at most."""
SUBCOMMANDS = 3
"""Subcommands of a program whose calls are shown, the commonest."""
LONG = 260
"""Characters of a command that a line can hold."""

_WORD = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'])+")
_PART = re.compile(r"[\w.+-]+|[^\w.+-]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LEADS_ON = re.compile(r"(?:\b(?:do|then|else)|[{(|&\\])\Z")


class Worded(NamedTuple):
    """A command for readers. `asked`: its placeholders whose values users name; `told`: those that an earlier
    result shows; both in the order of the command. `made`: how a placeholder is made of another, in words."""

    text: str
    asked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    made: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Call:
    """One call of the shape: its command on one line, what the user had said by then, and what tools had
    given back."""

    user: str
    session: str
    command: str
    said: str
    seen: str
    result: str


class Commands:
    """The commands of one pattern's sessions. Without sessions to look into there are none."""

    def __init__(self, pattern: Pattern, gate: GateContext | None, policy: Policy) -> None:
        self._users = {ref.session: ref.user for ref in pattern.evidence}
        self._gate = gate
        self._policy = policy
        self._names: dict[tuple[tuple[str, str], ...], str] = {}
        self._made: dict[str, str] = {}
        self._kept: Says = lambda word: False

    @cached_property
    def _sessions(self) -> list[tuple[str, str, list[Act | Said]]]:
        """What was said and done in each session that is looked at; read only where a command asks for it."""
        found: list[tuple[str, str, list[Act | Said]]] = []
        for session in sorted(self._users)[:LOOKED_AT] if self._gate is not None else ():
            trajectory = self._gate.sessions(session) if self._gate is not None else None
            if trajectory is not None:
                events = [e for e in flow(trajectory) if isinstance(e, Act | Said)]
                found.append((session, self._users[session], events))
        return found

    def worded(self, shape: ActionShape, keep: Says, *, failed: bool = False) -> Worded | None:
        """The command of `shape`, one that failed if `failed`; None where its sessions do not agree on one,
        or where `keep` does not let it pass."""
        if shape.command is None:
            return None
        wanted = shape.command.split(" ")
        calls = [call for own in self._sessions if (call := _first(*own, wanted, failed=failed))]
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
        None with an option that is `unwanted`. One that stands for all subcommands where several were called
        and all alike, since an example of one is taken for that one alone; else one for each of the
        commonest."""
        having: dict[str, list[_Call]] = {}
        lacking: dict[str, list[_Call]] = {}
        for session, user, events in self._sessions:
            for (has_it, subcommand), call in _calls_of(session, user, events, program, wanted).items():
                options = {word.partition("=")[0] for word in _words(call.command) if word[0] == "-"}
                if options.isdisjoint(unwanted):
                    (having if has_it else lacking).setdefault(subcommand, []).append(call)
        self._kept = keep
        as_made = [_moved(call, program, wanted) for call in self._shown(having, program)]
        put_in: list[str] = []
        stated: list[str] = []
        if wanted.startswith("--"):
            put_in = [put_early(call, program, wanted) for call in self._shown(lacking, program)]
            least = stated_call(self._sessions, program, self._policy, said)
            if least and {wanted.split()[0], *unwanted}.isdisjoint(least.split()):
                stated = [put_early(least, program, wanted)]
        return max(as_made, put_in, stated, key=lambda calls: max(map(_options, calls), default=0))

    def into_file(self, call: str) -> bool:
        """Whether what the call shows is wanted in a file."""
        return into_file(self._sessions, call, self._policy)

    def called(self, program: str, keep: Says) -> str:
        """How enough sessions of enough users call a program (`board assign`), whether or not it then worked,
        less what its errors refused; empty where they do not agree."""
        self._kept = keep
        calls = [call for own in self._sessions if (call := _plain_call(*own, program))]
        return next(iter(self._examples([calls])), "")

    def _shown(self, found: Mapping[str, Sequence[_Call]], program: str) -> list[str]:
        groups = [found[one] for one in sorted(found, key=lambda s: (-len(found[s]), s))][:SUBCOMMANDS]
        if len(found) > 1 and all(found):
            every = [
                replace(call, command=f"{program} {ANY}{call.command.removeprefix(f'{program} {one}')}")
                for one, calls in found.items()
                for call in calls
            ]
            if general := self._examples([every]):
                return general
        return self._examples(groups)

    def _examples(self, groups: Sequence[Sequence[_Call]]) -> list[str]:
        shown: list[str] = []
        for calls in groups:
            self._names, self._made = {}, {}  # each call stands for itself
            worded = self._laid_out(self._built_alike(calls))
            if worded is not None and len(worded.text) <= LONG // 2 and not has_mask(worded.text):
                shown.append(worded.text)
        self._names, self._made = {}, {}
        return shown

    def _built_alike(self, calls: Sequence[_Call]) -> list[_Call]:
        """Calls with the same options and redirections at the same places, if enough sessions of enough users
        made them: of several builds the one with most options, since weak agents drop some."""
        builds: dict[tuple[str, ...], list[_Call]] = {}
        for call in calls:
            marks = tuple(word if word[0] in "-<>" else "" for word in _words(call.command))
            builds.setdefault(marks, []).append(call)
        enough = {marks: same for marks, same in builds.items() if self._many(marks, same)}
        best = max(enough, key=lambda m: (sum(map(bool, m)), len(enough[m]), m), default=None)
        return enough[best] if best is not None else []

    def _many(self, marks: Sequence[str], calls: Sequence[_Call]) -> bool:
        """Whether enough sessions made these calls, of enough users, or with no options but known ones."""
        known = all(self._kept(mark) for mark in marks if mark[:1] == "-")
        users = len({call.user for call in calls})
        return len(calls) >= self._policy.sessions and (known or users >= self._policy.users)

    def error(self, shape: ActionShape) -> str:
        """How the error of (nearly) all failing calls of `shape` is commonly called; or empty."""
        wanted = (shape.command or "").split(" ")
        calls = [call for own in self._sessions if (call := _first(*own, wanted, failed=True))]
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

    def _alike(self, calls: Sequence[_Call]) -> list[_Call]:
        """The calls with the commonest number of words, if enough sessions of enough users made them."""
        sizes = Counter(len(_words(call.command)) for call in calls)
        if not sizes:
            return []
        size = min(sizes, key=lambda n: (-sizes[n], n))
        same = [call for call in calls if len(_words(call.command)) == size]
        enough = len(same) >= self._policy.sessions and len({c.user for c in same}) >= self._policy.users
        return same if enough and len(same) >= MOST * len(calls) else []

    def _laid_out(self, calls: Sequence[_Call]) -> Worded | None:
        if not calls:
            return None
        asked: list[str] = []
        told: list[str] = []
        words = []
        for column in zip(*(_words(call.command) for call in calls), strict=True):
            word = self._word(calls, column, asked, told)
            if word is None:
                return None
            words.append(word)
        names = [name for name in dict.fromkeys(asked) if name not in self._made]
        made = [(name, self._made[name]) for name in dict.fromkeys(asked) if name in self._made]
        return Worded(" ".join(words), tuple(names), tuple(dict.fromkeys(told)), tuple(made))

    def _word(
        self, calls: Sequence[_Call], column: Sequence[str], asked: list[str], told: list[str]
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
        return self._varying(calls, column, asked, told)

    def _common(self, calls: Sequence[_Call], cells: Sequence[str]) -> str | None:
        """The word that (nearly) all have, and enough users: one who works a lot is not all. A day is the day
        of the evidence more often than a part of the way."""
        top, count = min(Counter(cells).items(), key=lambda x: (-x[1], x[0]))
        users = {call.user for call, cell in zip(calls, cells, strict=True) if cell == top}
        known = len(users) >= self._policy.users or top in (ANY, ">", "<") or self._kept(top)
        enough = count >= SHARE * len(cells) and known
        return top if enough and not _DAY.search(top) else None

    def _varying(
        self, calls: Sequence[_Call], values: Sequence[str], asked: list[str], told: list[str]
    ) -> str:
        """The placeholder for these values, with what they begin and end with alike beside it where users
        name only the rest."""
        for before, after in trims(values):
            cores = [v[len(before) : len(v) - len(after)] for v in values]
            if in_texts([call.said for call in calls], cores):
                name = self._named(calls, cores, user_word([call.said for call in calls], cores))
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

    def _named(self, calls: Sequence[_Call], values: Sequence[str], wish: str) -> str:
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


def _words(command: str) -> list[str]:
    return _WORD.findall(command)


def _first(
    session: str, user: str, events: Sequence[Act | Said], wanted: Sequence[str], *, failed: bool
) -> _Call | None:
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
                return _Call(user, session, line, "\n".join(said), "\n".join(seen), event.result)
        seen.append(event.result[:20_000])
    return None


def _calls_of(
    session: str, user: str, events: Sequence[Act | Said], program: str, wanted: str
) -> dict[tuple[bool, str], _Call]:
    """The first call of `program` that stands alone in its command, with the option `wanted` and without it,
    for each subcommand. One that failed, or that the user refused, counts only where it lacks the option and
    has no other than those that the user had named: anything else may be of a page's making."""
    said: list[str] = []
    found: dict[tuple[bool, str], _Call] = {}
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
        options = [named.partition("=")[0] for named in _words(line) if named[0] == "-"]
        asked = bool(options) and not other
        asked = asked and {*options, subcommand} <= {"", *re.findall(r"[\w-]+", "\n".join(said))}
        if (has_it or not other) and (event.ok or asked):
            call = _Call(user, session, line, "\n".join(said), "", event.result)
            found.setdefault((bool(has_it), subcommand), call)
    return found


def _plain_call(session: str, user: str, events: Sequence[Act | Said], program: str) -> _Call | None:
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
        words = _words(line)[len(program.split()) :]
        known = "\n".join(said)
        if words and all(word.strip("'\"") in known for word in words):
            return _Call(user, session, line, known, "", event.result)
    return None


def _moved(call: str, program: str, wanted: str) -> str:
    """The call with a long option moved before its other options. One of a single dash may have a place that
    means something, and so has all that stands behind a bare `--`."""
    if not wanted.startswith("--") or " -- " in call or f" {wanted}" not in call:
        return call
    return put_early(call.replace(f" {wanted}", "", 1), program, wanted)


def _options(call: str) -> int:
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
