"""Whether a skill's text names an action, so that what worked can be its doing. Pure.

A model that is told something wrong may do what is right all the same: the text made it think again, or made
it look where the right tool stands. That says nothing for the text. (Measured: of two wrong skills that never
name the right tool, a model of 1.5 billion parameters took it in 10 and 13 of 20 answers, and in none
without them.)

What a text warns of ("do not call x", "x is not needed") it does not name. That is read by its wording, so a
text can be written that is read wrongly; who means harm is the business of other checks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from skillclaw.evolve.replay.decision_scoring import told_apart_by
from skillclaw.trajectory.episodes import Move

__all__ = ["names"]

_JOINS = re.compile(r" (?:&&|\|) ")
_SEGMENTS = re.compile(r"\.|__|/|:")
_DISTINCT = re.compile(r"[._/:-]|[a-z][A-Z]")
"""What a tool's name has that a word of the language has not."""
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")

_OPTION = r"(?:\s+-[^\s`]+(?:\s+[^\s`-][^\s`]*)?)?\s+"
"""Between a program and its subcommand there may be an option with its value."""

_TOKENS = re.compile(r"\0+|[\w'’]+|[^\w\s]")
_NO = ("not", "never", "no", "cannot", "avoid", "skip", "stop", "without")
_SHORT_NO = ("n't", "n’t")
_NO_CHINESE = re.compile(r"(?:不要|无需|不必|不用|不需要|而不是|避免)(?:再|调用|使用|运行)*$")
_TWO = ("instead of", "rather than")
_VERB = re.compile(
    r"call(?:ing)?|us(?:e|ing)|run(?:ning)?|need(?:ed)?|invok(?:e|ing)|try(?:ing)?|pass(?:ing)?|giv(?:e|ing)"
    r"|add(?:ing)?|set(?:ting)?|want|take|necessary"
)
_FILL = re.compile(
    r"the|these|following|any|of|this|that|with|to|for|there|it|ever|just|simply|even|tools?|commands?"
    r"|argument|option|flag"
)
_LISTED = (",", "or", "and", "nor", "、", "-", "*")
_OPENS = (":", "-", "*", "`", "“", '"')
"""What may stand between the warning and the name: a list of other names, verbs, words that say little."""
_DENIED = re.compile(
    r"(?:\([^)\n]{0,80}\))?\s+(?:(?:is|are|was|were)(?: not|n['’]t) (?:needed|necessary|required|used|wanted"
    r"|there|allowed)|(?:is|are) (?:wrong|unnecessary|useless|superfluous|a mistake|never)|never works"
    r"|(?:does|do)(?: not|n['’]t)|fails?\b|failed\b|不需要|没有用)",
    re.IGNORECASE,
)
"""What stands right behind a name that the text says nothing good of."""

BEFORE, BEHIND = 240, 160
"""Characters around a name that are looked at."""


def names(text: str, way: Move, failing: Sequence[Move], known: Collection[str] = ()) -> bool:
    """Whether `text` names the action `way`, other than to warn of it.

    Where one of `failing` is a call of the same kind, it must say what tells the two apart as well (`known`:
    the traits that are known to matter). Of several commands, one of those that `failing` do not run counts,
    by program and subcommand; where they run the same ones, all of them do, in their order.
    """
    said = _Said(text)
    run = {part for one in failing for part in _JOINS.split(one.key)}
    parts, command = _JOINS.split(way.key), bool(way.command)
    wanted = [part for part in parts if part not in run]
    if wanted:
        return any(said.calls(part, command) for part in wanted)
    firsts = [next(iter(said.calls(part, command)), -1) for part in parts]
    if min(firsts) < 0 or firsts != sorted(firsts):
        return False
    same = [one for one in failing if one.key == way.key]
    return all(_told(said, way, one, frozenset(known)) for one in same)


def _told(said: _Said, way: Move, failed: Move, known: frozenset[str]) -> bool:
    """Whether the text says what tells the two calls apart."""
    more, less = told_apart_by(way, failed, known)
    if not more and not less:
        fresh = set(way.command.split()) - set(failed.command.split())
        return not fresh or any(said.words(one) for one in fresh)
    fresh = {_word(trait) for trait in more}
    gone = {_word(trait) for trait in less if trait.startswith(("+", "has "))} - fresh
    if fresh:
        return any(said.words(one) for one in fresh)
    return all(said.leaves_out(one, _JOINS.split(way.key)[-1], bool(way.command)) for one in gone)


def _word(trait: str) -> str:
    """The word of a text that stands for a trait (`evolve.traits`): a flag, an argument, a value."""
    if trait.startswith("+"):
        name, equals, value = trait[1:].partition("=")
        return name if equals and "<" in value else trait[1:]
    if trait.startswith("has "):
        return trait[4:]
    _, equals, value = trait.partition("=")
    return value if equals else re.split(r":|<-", trait)[0]


class _Said:
    """A text, with where its code stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code = list(_code(text))
        prose = list(text)
        for first, last in self.code:
            prose[first:last] = "\0" * (last - first)
        self.prose = "".join(prose)

    def calls(self, key: str, command: bool) -> list[int]:
        """Where a call of this kind is named."""
        if command:
            words = key.split()
            # A program alone may be a word of the language: make, find.
            return list(self._at(_whole(_OPTION.join(map(re.escape, words))), code=len(words) == 1))
        found = list(self._at(_whole(re.escape(key)), code=not _DISTINCT.search(key)))
        last = _SEGMENTS.split(key)[-1]  # without the server or the app that has the tool
        if last and last != key:
            found += self._at(rf"(?<=`){re.escape(last)}(?![\w-]|\.\w)", code=True)
        return sorted(found)

    def words(self, word: str) -> list[int]:
        """Where a flag, an argument or a value is told, in code."""
        return list(self._at(_whole(re.escape(word)), code=True))

    def leaves_out(self, word: str, key: str, command: bool) -> bool:
        """Whether it says to make the call without the word: warns of that, or has the call without it."""
        warned = any(True for _ in self._at(_whole(re.escape(word)), code=True, warned=True))
        told = self.words(word)
        if warned and not told:
            return True
        lines = [self.text.count("\n", 0, at) for at in told]
        return any(self.text.count("\n", 0, at) not in lines for at in self.calls(key, command))

    def _at(self, pattern: str, *, code: bool, warned: bool = False) -> Iterator[int]:
        for found in re.finditer(pattern, self.text):
            at = found.start()
            span = self._span(at)
            if code and span is None:
                continue
            # Of a whole command in code it is that which the words around are about.
            first, last = span if span is not None else (at, found.end())
            if self._warned(first, last) is warned:
                yield at

    def _span(self, at: int) -> tuple[int, int] | None:
        """The stretch of code that a place lies in."""
        place = bisect_right(self.code, (at, len(self.text))) - 1
        return self.code[place] if place >= 0 and at < self.code[place][1] else None

    def _warned(self, first: int, last: int) -> bool:
        before = _TOKENS.findall(self.prose, max(0, first - BEFORE), first)
        return _negated([word.lower() for word in before]) or bool(
            _DENIED.match(self.text[last : last + BEHIND])
        )


def _negated(before: list[str]) -> bool:
    """Whether the words before a name, read from behind, come to one that warns of it."""
    verb = False
    while before:
        word = before.pop()
        if word in _NO or word.endswith(_SHORT_NO) or _NO_CHINESE.search(word):
            return not (word == "without" and _asked_for(before))
        if before and f"{before[-1]} {word}" in _TWO:
            return True
        if not verb and word in _LISTED and before and before[-1][0] == "\0":
            before.pop()
        elif _VERB.fullmatch(word):
            verb = True
        elif not (_FILL.fullmatch(word) or (word in _OPENS and not verb)):
            return False
    return False


def _asked_for(before: list[str]) -> bool:
    """Never reply without it: twice no."""
    for word in reversed(before):
        if word in (".", ";", "!", "?"):
            return False
        if word in ("never", "not") or word.endswith(_SHORT_NO):
            return True
    return False


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Where the code of a Markdown text stands: lines between fences, and backticks within a line."""
    at, fenced = 0, False
    for line in text.splitlines(keepends=True):
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield at, at + len(line)
        else:
            opened = None
            for run in re.finditer("`+", line):
                if opened is not None and len(opened[0]) == len(run[0]):
                    yield at + opened.start(), at + run.end()
                    opened = None
                else:
                    opened = run
        at += len(line)


def _whole(pattern: str) -> str:
    return rf"(?<![\w.-]){pattern}(?![\w-]|\.\w)"
