"""What the user asked for: a session cut into requests.

A message begins a new request when the agent has acted and the message is no answer, correction or thanks.
One message that lists several tasks is cut where the agent itself says that it turns to the next one; if it
does not say so for every task in their order, the list stays one request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from skillclaw.trajectory.demands import Demand, demands
from skillclaw.trajectory.feedback import accepts, corrects, interrupts
from skillclaw.trajectory.flow import Act, Answer, Event, Said
from skillclaw.trajectory.redone import taken_up
from skillclaw.trajectory.shell import remembered
from skillclaw.trajectory.text import ORDER, STOP, one_line, words

__all__ = ["Request", "intent", "requests", "says_no", "says_yes"]

says_no, says_yes = remembered(corrects), remembered(accepts)
"""`corrects` and `accepts`, which are asked of one message several times."""

INTENT_CUT = 700
ASKED_CUT = 4000
MOST_TASKS = 12
NEARBY = 40
"""Calls and messages looked at around one that may be a direction: it bounds the work of long sessions."""
ALIKE = 0.6
"""Share of a task's words that the agent repeats when it names the task."""

_ITEM = re.compile(
    r"(?m)^[ \t]{0,3}(\d{1,2})[.)、][ \t]*(\S[^\n]*(?:\n(?![ \t]{0,3}\d{1,2}[.)、])[ \t]{0,8}\S[^\n]*)*)"
)
_STEPS = re.compile(r"\bsteps?\b|\bprocedure\b|\bas follows\b|\bin this order\b|步骤", re.I)
"""How one task is told step by step."""
_FOLLOWS = re.compile(
    r"(?:then|next|finally|after(?:wards| that)?|and|once|if|when|it|that)\b|然后|接着|最后", re.I
)
_SAYS_NUMBER = (
    r"\b(?:task|item|request|part|point|number|no\.?) ?#?{0}\b|(?m:^\W{{0,6}}{0}[.)、:]\s)|第{0}[个项]"
)


class Request(msgspec.Struct):
    """One thing that the user asked for, and what was done for it. `begins` is the step of its first word;
    `taken` has, by its step, what a message named and the agent then did its work over with (`redone`), and
    `demanded` what it asked of a program."""

    texts: list[str]
    events: list[Event]
    begins: int
    taken: dict[int, tuple[str, ...]] = {}
    demanded: dict[int, tuple[Demand, ...]] = {}


def requests(events: list[Event]) -> list[Request]:
    """The session cut where the user asks for something new."""
    found: list[Request] = []
    asked = False
    for place, event in enumerate(events):
        if isinstance(event, Said) and not interrupts(event.text):
            current = found[-1] if found else None
            acted = current is not None and any(isinstance(e, Act) for e in current.events)
            directs = False
            if current is not None and acted:
                directs = _directs(event, current, events[place + 1 : place + 1 + 2 * NEARBY])
            answer = bool(
                asked or directs or says_no(event.text) or (says_yes(event.text) and len(event.text) < 120)
            )
            if current is None or (
                acted and not answer and len(event.text.split()) + len(event.text) // 12 >= 3
            ):
                found.append(Request([event.text], [event], event.step))
            else:
                current.texts.append(event.text)
                current.events.append(event)
            asked = False
        elif found:
            found[-1].events.append(event)
            if isinstance(event, Answer):
                asked = "?" in event.text[-300:] or "？" in event.text[-300:]
    return [part for request in found for part in _listed(request)]


def _directs(said: Said, current: Request, later: Sequence[Event]) -> bool:
    """Note what the agent took up of a message (see `redone.taken_up`) and what the message demands; whether
    there was anything. Praise is no direction, whatever follows it."""
    if says_yes(said.text):
        return False
    before = [e for e in current.events[-2 * NEARBY :] if isinstance(e, Act)][-NEARBY:]
    after: list[Act] = []
    for event in later:
        if isinstance(event, Said):
            break
        if isinstance(event, Act):
            after.append(event)
    asked = "\n".join(text[:ASKED_CUT] for text in [current.texts[0], *current.texts[1:][-NEARBY:]])
    objects = says_no(said.text)
    if taken := taken_up(said.text, asked, before, after, objects=objects):
        current.taken[said.step] = taken
    demanded = demands(said.text, asked, before, after=after, objects=objects or bool(taken))
    if demanded:
        current.demanded[said.step] = demanded
    return bool(taken or demanded)


def intent(texts: Sequence[str]) -> str:
    """The user's words that say what is wanted: the first message, and more while that is only a greeting."""
    chosen: list[str] = []
    for text in texts[:4]:
        if chosen and (says_no(text) or says_yes(text)):
            continue
        chosen.append(text)
        if sum(len(t.split()) for t in chosen) + sum(len(t) for t in chosen) // 20 >= 6:
            break
    return one_line(" ".join(chosen), INTENT_CUT)


def _listed(request: Request) -> list[Request]:
    """The request, or one request for each task of its list where the agent did them one after the other."""
    if not isinstance(request.events[0], Said):
        return [request]
    tasks = _tasks(request.texts[0])
    if not tasks:
        return [request]
    starts = _starts(request.events, tasks)
    if not starts:
        return [request]
    ends = [*starts[1:], len(request.events)]
    parts = []
    for task, start, end in zip(tasks, starts, ends, strict=True):
        own = request.events[start:end]
        said = [e.text for e in own if isinstance(e, Said)]
        first = start == starts[0]
        parts.append(
            Request([task, *(said[1:] if first else said)], own, own[0].step, request.taken, request.demanded)
        )
    return parts


def _tasks(text: str) -> list[str]:
    """The tasks of a numbered list in a message; none where it may be one task told step by step."""
    items = list(_ITEM.finditer(text[:8000]))
    if not 2 <= len(items) <= MOST_TASKS or [int(i[1]) for i in items] != list(range(1, len(items) + 1)):
        return []
    tasks = [one_line(i[2], INTENT_CUT) for i in items]
    before, behind = text[: items[0].start()].strip(), text[:8000][items[-1].end() :].strip()
    if _STEPS.search(before) or len(before) > 300 or len(behind) > 300:
        return []
    if any(_FOLLOWS.match(task) or len(task.split()) + len(task) // 12 < 3 for task in tasks):
        return []
    return tasks


def _starts(events: Sequence[Event], tasks: Sequence[str]) -> list[int]:
    """Where each task begins: the first with the request, the others where the agent names them, in order."""
    starts = [0]
    acted = False
    for place, event in enumerate(events):
        if isinstance(event, Act):
            acted = True
        elif isinstance(event, Answer) and acted and len(starts) < len(tasks):
            number = len(starts)
            if _names(event.text, number + 1, tasks[number]):
                starts.append(place)
                acted = False
    return starts if acted and len(starts) == len(tasks) else []


def _names(text: str, number: int, task: str) -> bool:
    """Whether the agent says that it turns to a task."""
    head = text[:400]
    if re.search(_SAYS_NUMBER.format(number), head, re.I):
        return True
    telling = {w for w in words(task) if w not in STOP or w in ORDER}
    return len(telling) >= 3 and len(telling & set(words(head))) >= ALIKE * len(telling)
