"""Where what an agent did came from: its user, itself, a program of the machine, or a stranger's text.

A call that succeeded grounds a line (`gate.grounds`), but an agent may only have obeyed: a page, an issue or
a mail says "run X", and it runs X. So the steps of a session are read in their order, and of a command it is
asked who had it first. What a program of this machine says (its help, its error: "use --force-with-lease") is
how everybody learns, and no stranger's word; what was fetched is.
"""

from __future__ import annotations

import html
import re
from typing import Literal, NamedTuple

from skillclaw.gate.grounds import call_text, calls_of, steps_of
from skillclaw.skills.text import normal, occurs
from skillclaw.trajectory.model import Trajectory, result_meta, step_meta, text_of
from skillclaw.trajectory.remote import downloads, is_remote
from skillclaw.trajectory.told import own_text, unpasted

__all__ = ["Origin", "Trail", "read_trail"]

Origin = Literal["user", "agent", "local", "remote"]
"""Who had it first: the user said it, the agent did it unasked, a result of this machine showed it, or one
from elsewhere."""

SLACK = 160
"""Characters that may stand between the parts of a command where a text tells of it."""

OCCURRENCES = 200
"""Places of a command's first part that are looked at in one text; a page that repeats a word more often than
that counts as telling of it where it holds all parts."""

_ESCAPES = re.compile(r"\\[nrt]|\\(?=[\"'`/])")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


class _Event(NamedTuple):
    kind: Literal["said", "did", "local", "remote"]
    text: str
    names: str = ""


class Trail:
    """One session's messages, calls and results in their order."""

    def __init__(self, events: list[_Event]) -> None:
        self._foreign = any(event.kind == "remote" for event in events)
        # most sessions fetch nothing, and a cycle keeps the trails of all that it cites
        self._events = events if self._foreign else []
        self._shown: dict[int, str] = {}
        self._known: dict[tuple[str, ...], Origin] = {}

    def origin(self, parts: tuple[str, ...]) -> Origin:
        """Who had `parts`, in this order, before the agent first put them into a call.

        What the user wrote anywhere is the user's. The names of a tool and its arguments are the agent's own:
        they come from the list of tools. Where several results showed it the first one counts.
        """
        if not self._foreign:
            return "agent"  # nothing is from elsewhere: who else had it makes no difference
        if parts not in self._known:
            self._known[parts] = self._find(parts)
        return self._known[parts]

    def _find(self, parts: tuple[str, ...]) -> Origin:
        wanted = list(parts)
        if any(event.kind == "said" and occurs(wanted, event.text) for event in self._events):
            return "user"
        if any(event.kind == "did" and occurs(wanted, event.names) for event in self._events):
            return "agent"
        for at, event in enumerate(self._events):
            if event.kind == "did" and occurs(wanted, event.text):
                return "agent"
            if event.kind == "remote" and _tells(wanted, self._plain(at)):
                return "remote"
            if event.kind == "local" and _tells(wanted, self._plain(at)):
                return "local"
        return "agent"

    def _plain(self, at: int) -> str:
        if at not in self._shown:
            text = html.unescape(self._events[at].text)
            self._shown[at] = normal(_INVISIBLE.sub("", _ESCAPES.sub(" ", text)))
        return self._shown[at]


def _tells(parts: list[str], text: str) -> bool:
    """Whether the parts stand near each other in `text`, in their order."""
    first = normal(parts[0]) if parts else ""
    if not first or any(normal(part) not in text for part in parts):
        return False
    reach = sum(len(part) + 1 for part in parts) + SLACK
    at = text.find(first)
    for _ in range(OCCURRENCES):
        if at < 0:
            return False
        # one character before it goes along, so that the middle of a word is not taken for its beginning
        start = max(0, at - 1)
        if occurs(parts, text[start : at + reach]):
            return True
        at = text.find(first, at + 1)
    return True


def read_trail(trajectory: Trajectory) -> Trail:
    """The trail of `trajectory`. What sub-agents saw counts as seen before all else: when is not known."""
    before: list[_Event] = []
    events: list[_Event] = []
    fetched: set[str] = set()
    shown: list[str] = []
    for step, root in sorted(steps_of(trajectory), key=lambda pair: pair[1]):
        to = events if root else before
        kind = step_meta(step)
        if step.source == "user":
            if root and kind.kind == "turn" and not kind.injected:
                to.append(_Event("said", normal(unpasted(own_text(text_of(step.message)), shown))))
            continue
        if step.source != "agent" or kind.kind == "compaction":
            continue
        results = calls_of(step)
        for call in step.tool_calls or []:
            # A call's words are had before what it gave back.
            to.append(_Event("did", call_text(call), normal(" ".join([call.function_name, *call.arguments]))))
        for call in step.tool_calls or []:
            fetched |= downloads(call.function_name, call.arguments)
            for result in results.get(call.tool_call_id, []):
                text = text_of(result.content)
                remote = is_remote(call.function_name, call.arguments, result_meta(result).taint)
                if not remote and fetched:
                    words = call_text(call)
                    remote = any(occurs([name], words) for name in fetched)
                to.append(_Event("remote" if remote else "local", text))
                shown.append(text)
    return Trail([*(one for one in before if one.kind != "did"), *events])
