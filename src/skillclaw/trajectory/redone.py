"""Directions that were followed: the user names something, and the agent does its work over with it.

People say what is wrong in more ways than words can be listed for. What they name is plainer: an option, a
call in backticks, a word that is no word of prose. Where nobody had said or used it before, and the agent
then makes an earlier call over with it, the message told the agent to do the same in another way, however it
was put. "Now do it for March" is none: it names nothing new in code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from skillclaw.trajectory.feedback import asks_why
from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.goals import same_goal
from skillclaw.trajectory.named_calls import COMMON, instead_of
from skillclaw.trajectory.text import STOP

__all__ = ["taken_up"]

HEAD = 2000
"""Characters of a message that are read."""

MOST = 12
"""Names kept of one message."""

SHORT = 16
"""Words of a message that says which program to take, and hardly anything else."""

LONGEST = 60
"""Characters of a name: what is longer is pasted."""

_FURTHER = re.compile(r"^\W*(?:now|next|then|also|additionally|besides|another|finally|and)\b", re.I)
"""How a further request begins."""

_BESIDE = re.compile(r"\b(?:same|also|too|as well|both|compare\w*|another|try|what about|how about)\b", re.I)
"""Words of a message that wants a program beside the other, or wants it tried."""

_SPAN = re.compile(r"`([^`\n]{1,200})`")
_VALUED = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)[ =]([\w./:-]*\w)")
_CODE = re.compile(r"^--?[A-Za-z]|[_/\[\]={}$~<>@#]|[A-Za-z]\d|\d[A-Za-z]|^[A-Za-z]+-$|^[A-Za-z]+[:=]$")
_WORD = re.compile(r"[A-Za-z][\w-]{2,}")
_WORD_OR_TWO = re.compile(r"[A-Za-z][\w-]+")
_ROUND = ".,;:!?()'\"`“”‘’"


def taken_up(
    said: str, asked: str, before: Sequence[Act], after: Sequence[Act], *, objects: bool = False
) -> tuple[str, ...]:
    """What `said` names and the agent took up when it made an earlier call over; empty where it did not.

    objects  whether the message says that something was wrong: then any word of it may be what is named

    asked   what the user said of the same request before
    before  the calls of the request so far; `after` those that follow the message, up to the next one
    """
    if not before or not after or _FURTHER.match(said) or asks_why(said):
        return ()
    known = "\n".join([asked, *map(_written, before)]).lower()
    named = [name for name in _named(said[:HEAD], every=objects) if name.lower() not in known]
    if not named:
        return _programs(said, known, before, after)
    over = any(act.command is not None and act.command == old.command for act in after for old in before)
    calls = [_written(act) for act in after if over or any(same_goal(old, act) for old in before)]
    found = tuple(name for name in named if any(_holds(call, name) for call in calls))[:MOST]
    return found or _programs(said, known, before, after)


def _programs(said: str, known: str, before: Sequence[Act], after: Sequence[Act]) -> tuple[str, ...]:
    """The programs that a short message names, with which an earlier call was made over word for word: "use
    pnpm", "we are on docker here", after `npm install`, `podman compose up`. They may be words of prose."""
    if len(said.split()) > SHORT or _BESIDE.search(said):
        return ()
    words = {word.lower() for word in _WORD_OR_TWO.findall(said)} - COMMON
    old = [act.command for act in before if act.command]
    found = {program for act in after for one in old for program in instead_of(one, act.command or "")}
    return tuple(sorted(program for program in found & words if program not in known))[:MOST]


def _named(text: str, *, every: bool = False) -> list[str]:
    """The names in a message, in order: words in backticks, and words that are no words of prose; then, if
    `every`, the others that say something."""
    found: dict[str, None] = {}
    for span in _SPAN.findall(text):
        found.update(dict.fromkeys(word.strip("'\"") for word in span.split()))
    # Of an option that is known the value may be what is new.
    found |= dict.fromkeys(f"{option} {value}" for option, value in _VALUED.findall(text))
    for word in _SPAN.sub(" ", text).split():
        bare = word.strip(_ROUND)
        # A dash or a colon at the end belongs to a name of which the rest follows, as in `hs-` or `src:`.
        whole = word.strip(_ROUND.replace(":", "")) if word.endswith(":") else bare
        if _CODE.search(bare) or _CODE.search(whole):
            found.setdefault(bare)
    if every:
        found |= dict.fromkeys(
            word for word in _WORD.findall(_SPAN.sub(" ", text)) if word.lower() not in STOP
        )
    return [name for name in found if 2 <= len(name) <= LONGEST]


def _written(act: Act) -> str:
    return act.command if act.command is not None else json.dumps(act.arguments, ensure_ascii=False)


def _holds(call: str, name: str) -> bool:
    """Whether `name` stands in a call as a word of its own, or begins one where it is the beginning of a
    name."""
    start = r"(?<![\w-])" if re.match(r"[\w-]", name) else ""
    end = r"(?![\w-])" if re.search(r"\w$", name) else ""
    return re.search(start + re.escape(name) + end, call, re.I) is not None
