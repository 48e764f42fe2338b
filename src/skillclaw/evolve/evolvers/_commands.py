"""Shell commands as the sessions of a pattern wrote them, what varies as named placeholders.

A pattern's shape has lost more than varies: `python3 <path> <value>` where everybody ran `tools/bump.py`.
Here the calls of its sessions that have that shape are laid side by side, word by word. What (nearly) all
have in common stays. What varies gets a name, and where it comes from: the user's words (`v<version>`),
or an earlier result. The outcome depends on the set of sessions alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from skillclaw.evolve.evolvers._wishes import named
from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.text import fixed_parts, has_mask
from skillclaw.skills.vocabulary import STOP_WORDS, error_phrases
from skillclaw.trajectory.flow import Act, Said, flow
from skillclaw.trajectory.shapes import shape_tokens

__all__ = ["Commands", "Worded"]

SHARE = 0.9
"""What this share of the calls have in common is part of the command."""
MOST = 0.6
"""Of the calls of a shape at least this share must be built alike."""
LOOKED_AT = 24
"""Sessions that are laid side by side at most."""
ENDS = 6
"""Beginnings and ends of a value that are looked at for what is not the user's."""
LONG = 260
"""Characters of a command that a line can hold."""

_WORD = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'])+")
_PART = re.compile(r"[\w.+-]+|[^\w.+-]+")
_BEFORE = re.compile(r"([\w-]+)\W+(?:(?:called|named|titled)\W+)?\Z")
_FORMS = (
    ("month", r"\d{4}-\d\d"),
    ("date", r"\d{4}-\d\d-\d\d"),
    ("version", r"v?\d+\.\d+(?:\.\d+)*"),
    ("number", r"[-+]?\d+(?:\.\d+)?"),
    ("id", r"#?(?=\S*\d)[0-9a-f]{7,64}"),
    ("url", r"[a-z]+://\S+"),
    ("path", r"[~.]?[\w.@+-]*/\S*|[\w-]+\.[a-z]{1,5}"),
    ("text", r"[\"'].*"),
)
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

    def worded(
        self, shape: ActionShape, keep: Callable[[str], bool], *, failed: bool = False
    ) -> Worded | None:
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

    def error(self, shape: ActionShape) -> str:
        """How the error of (nearly) all failing calls of `shape` is commonly called; or empty."""
        wanted = (shape.command or "").split(" ")
        calls = [call for own in self._sessions if (call := _first(*own, wanted, failed=True))]
        names = Counter(next(iter(error_phrases(call.result)), "") for call in calls)
        name, count = min(names.items(), key=lambda x: (-x[1], x[0]), default=("", 0))
        return name if count >= SHARE * len(calls) else ""

    def errand(self, words: Callable[[str], bool]) -> str:
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
        if (common := _common(column)) is not None:
            return common
        rows = [_PART.findall(word) for word in column]
        if len({len(row) for row in rows}) == 1:
            parts = [
                part if (part := _common(cells)) is not None else self._varying(calls, cells, asked, told)
                for cells in zip(*rows, strict=True)
            ]
            if not any(re.search(r"\w<|>\w", a + b) for a, b in pairwise(parts)):
                return "".join(parts)
        return self._varying(calls, column, asked, told)

    def _varying(
        self, calls: Sequence[_Call], values: Sequence[str], asked: list[str], told: list[str]
    ) -> str:
        """The placeholder for these values, with what they begin and end with alike beside it where users
        name only the rest."""
        for before, after in _trims(values):
            cores = [v[len(before) : len(v) - len(after)] for v in values]
            if _held([call.said for call in calls], cores):
                name = self._named(calls, cores, _user_word(calls, cores))
                # A letter or digit right beside a placeholder would not be found in any call.
                glued = before[-1:].isalnum() or after[:1].isalnum()
                held = f"<{before}-{name}>" if glued else f"<{name}>"
                asked.append(held)
                if glued:
                    parts = [before, f"`<{name}>`", after]
                    self._made[held] = " followed by ".join(part for part in parts if part)
                return held if glued else f"{before}{held}{after}"
        name = self._named(calls, list(values), "")
        if _held([call.seen for call in calls], values):
            told.append(f"<{name}>")
        return f"<{name}>"

    def _named(self, calls: Sequence[_Call], values: Sequence[str], wish: str) -> str:
        """One name for the same values throughout the pattern, and different ones for different values."""
        mark = tuple((call.session, value) for call, value in zip(calls, values, strict=True))
        if mark not in self._names:
            base = wish or _form(values)
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


def _common(cells: Sequence[str]) -> str | None:
    """The word that (nearly) all have; a day is the day of the evidence more often than a part of the way."""
    top, count = min(Counter(cells).items(), key=lambda x: (-x[1], x[0]))
    return top if count >= SHARE * len(cells) and not _DAY.search(top) else None


def _trims(values: Sequence[str]) -> list[tuple[str, str]]:
    """What may be beside the value proper, the least first: what all begin with, what all end with."""
    befores, afters = _ends(values), [text[::-1] for text in _ends([value[::-1] for value in values])]
    shortest = min(map(len, values))
    found = [(b, a) for b in befores for a in afters if len(b) + len(a) < shortest]
    return sorted(found, key=lambda both: (len(both[0]) + len(both[1]), both))


def _ends(values: Sequence[str]) -> list[str]:
    """What all begin with, up to each place where letters, digits and signs change."""
    found = [""]
    for size in range(1, min(map(len, values))):
        if len({value[:size] for value in values}) > 1:
            break
        if all(_sort(value[size - 1]) != _sort(value[size]) for value in values):
            found.append(values[0][:size])
    return found[:ENDS]


def _sort(char: str) -> int:
    return 0 if char.isdigit() else 1 if char.isalpha() else 2


def _held(texts: Sequence[str], values: Sequence[str]) -> bool:
    """Whether (nearly) each text has its value as whole words."""
    hits = sum(
        bool(
            re.search(
                rf"(?<![\w.-]){re.escape(value.strip(chr(34) + chr(39)))}(?![\w-])", text, re.IGNORECASE
            )
        )
        for text, value in zip(texts, values, strict=True)
        if value.strip("\"'")
    )
    return hits >= SHARE * len(values)


def _user_word(calls: Sequence[_Call], values: Sequence[str]) -> str:
    """What users call the value, by the word before it: "version 1.4.0"; empty where they do not agree."""
    words: Counter[str] = Counter()
    for call, value in zip(calls, values, strict=True):
        at = call.said.lower().find(value.lower())
        before = _BEFORE.search(call.said[:at].lower()) if at > 0 else None
        if before:
            words[before[1]] += 1
    if not words:
        return ""
    word, count = min(words.items(), key=lambda x: (-x[1], x[0]))
    if word == "to":
        return "target" if count >= SHARE * len(values) else ""
    plain = re.fullmatch(r"[a-z]{3,16}", word) and word not in STOP_WORDS and word not in _LINKS
    return word if plain and count >= SHARE * len(values) else ""


_LINKS = frozenset({"into", "onto", "of", "since", "until", "about", "via", "per"})


def _form(values: Sequence[str]) -> str:
    return next((n for n, p in _FORMS if all(re.fullmatch(p, v, re.IGNORECASE) for v in values)), "value")
