"""Whether a skill's text names an action, so that what worked can be its doing. Pure.

A model that is told something wrong may do what is right all the same: the text made it think again, or made
it look where the right tool stands. That says nothing for the text. (Measured: of two wrong skills that never
name the right tool, a model of 1.5 billion parameters took it in 10 and 12 of 20 answers, and in none
without them.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skillclaw.evolve.traits import SHORT
from skillclaw.trajectory.episodes import ArgValue, Move

__all__ = ["names"]

_JOINS = re.compile(r" (?:&&|\|) ")
_SEGMENTS = re.compile(r"\.|__|/|:")
_WARNED = re.compile(
    r"(?:\b(?:not|never|without|avoid|skip|instead of|rather than|no need (?:of|for|to))\b|n['’]t\b"
    r"|不要|无需|不必|不用|而不是|避免)[^.;,:!?。；，：]{0,40}$",
    re.IGNORECASE,
)
"""What stands before a name that the text warns of."""

_OPTION = r"(?:\s+-[^\s`]+(?:\s+[^\s`-][^\s`]*)?)?\s+"
"""Between a program and its subcommand there may be an option with its value."""


def names(text: str, way: Move, failing: Sequence[Move]) -> bool:
    """Whether `text` names the action `way`, other than to warn of it.

    Where one of `failing` is a call of the same kind, it must say what tells the two apart as well. Of
    several commands, one of those that `failing` do not run counts, by program and subcommand.
    """
    run = {part for one in failing for part in _JOINS.split(one.key)}
    parts = _JOINS.split(way.key)
    wanted = [part for part in parts if part not in run] or parts
    if not any(_called(text, part, command=bool(way.command)) for part in wanted):
        return False
    same = [one for one in failing if one.key == way.key]
    apart = {word for one in same for word in _apart(way, one)}
    return not apart or any(_said(text, _whole(re.escape(word))) for word in apart)


def _called(text: str, key: str, *, command: bool) -> bool:
    if command:
        words = key.split()
        # The name of a program may be a word of the language too: make, find, go.
        return _said(text, _whole(_OPTION.join(map(re.escape, words))), code=len(words) == 1)
    if _said(text, _whole(re.escape(key))):
        return True
    last = _SEGMENTS.split(key)[-1]  # without the server or the app that has the tool
    return bool(last) and _said(text, rf"(?<=`){re.escape(last)}(?![\w-])")


def _apart(way: Move, failed: Move) -> set[str]:
    """The words, arguments and short values in which two calls of one kind differ."""
    old, new = set(failed.tokens), set(way.tokens)
    words = {word for word in old ^ new if not word.startswith("<") and word not in ("&&", "|", "||")}
    was, now = ({arg.name: arg for arg in one.args} for one in (failed, way))
    for name in was.keys() | now.keys():
        if _telling(was.get(name)) != _telling(now.get(name)):
            words.add(name)
            value = now[name].value if name in now else ""
            words.update([value] if 0 < len(value) <= SHORT else [])
    return words


def _telling(arg: ArgValue | None) -> object:
    return arg and (arg.value, arg.form, frozenset(one.split(":")[0] for one in arg.origins))


def _whole(pattern: str) -> str:
    return rf"(?<![\w-]){pattern}(?![\w-])"


def _said(text: str, pattern: str, *, code: bool = False) -> bool:
    for found in re.finditer(pattern, text):
        before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if code and before.count("`") % 2 == 0 and before.strip(" $>"):
            continue
        if not _WARNED.search(before[-80:]):
            return True
    return False
