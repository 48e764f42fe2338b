"""The signs in a session's own steps of how it went: one small rule each, by name.

A rule looks at the events of a session, never at its outcome, reward or given signals. What a sign is worth
stands in `outcomes.RULES`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from skillclaw.trajectory.claims import asks_for_change, claim
from skillclaw.trajectory.feedback import accepts, confirms, consents, corrects, interrupts, repeats
from skillclaw.trajectory.flow import Act, Answer, Event, Said
from skillclaw.trajectory.goals import same_goal, tail
from skillclaw.trajectory.shapes import command_key
from skillclaw.trajectory.shell import main_commands

__all__ = ["Sign", "is_test", "signs"]

SEEN_LATE = 6
"""A failing command counts as unresolved when nothing like it worked in the actions after it."""

LONG = 12
"""Calls of functions from which on a session is long."""

LOOP = 3
"""Equal calls that make a loop."""


class Sign(NamedTuple):
    """One rule that applied, by its name in `outcomes.RULES`, and the step where it did."""

    rule: str
    step: int


_TEST_PROGRAMS = frozenset(
    {"pytest", "tox", "nox", "jest", "vitest", "mocha", "rspec", "phpunit", "ctest", "playwright"}
)
_TEST_KEYS = re.compile(
    r"^(?:(?:npm|pnpm|yarn|bun)(?: run)? test\S*|cargo (?:test|nextest)|go test|make (?:test|"
    r"check)\S*|python3? -m (?:pytest|unittest)|"
    r"uv run (?:pytest|tox|nox)|poetry run pytest|dotnet test|gradle test|mvn (?:test|verify)|"
    r"(?:npx|bunx) (?:jest|vitest|playwright|mocha)|mix test|"
    r"swift test|flutter test|rails test|php artisan test)"
)
_HANDOVER = re.compile(
    r"^(?:transfer|hand_?over|escalate|handoff)\w*?_?(?:human|agent|person|operator|support)"
)
_SEVERAL = re.compile(r"\b(?:all|every|each|both|any|two|three|several)\b|所有|全部|每|都|两|兩|几个", re.I)
_CONDITION = re.compile(r"\b(?:if|unless|otherwise|in case|whether)\b|如果|若|要是|除非|假如|是否", re.I)
_FOUND_NOTHING = re.compile(
    r"^\W*(?:no \w+ (?:were )?(?:found|results?)\b.*|\[\]|\{\}|none|null|0 results\W*)?\W*$", re.I
)
_ID_NAME = re.compile(r"(?:^|_)(?:ids?|emails?|recipients?|numbers?|phone|account|sku|iban)$", re.I)
_ID_VALUE = re.compile(r"^(?=\S*\d)[\w#@.+-]{4,40}$|^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$")


def signs(events: list[Event]) -> list[Sign]:
    """All signs in the events, in the order of the rules; each rule applies at most once, but for the
    user's words.
    """
    acts = [e for e in events if isinstance(e, Act)]
    found: list[Sign] = []
    for rule in _RULES:
        found += rule(events, acts)
    return found


def is_test(command: str) -> bool:
    """Whether the command runs tests."""
    for simple in main_commands(command):
        program = simple.words[0].rsplit("/", 1)[-1]
        if program in _TEST_PROGRAMS or _TEST_KEYS.match(command_key(" ".join(simple.words))):
            return True
    return False


def _tests(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    runs = [a for a in acts if a.command is not None and a.ok is not None and is_test(a.command)]
    if runs:
        yield Sign("last test run passed" if runs[-1].ok else "last test run failed", runs[-1].step)


def _exits(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """The last changing command: how it ended says more than any before it."""
    runs = [
        a for a in acts if a.command is not None and a.ok is not None and a.writes and not is_test(a.command)
    ]
    if runs:
        rule = "last changing command worked" if runs[-1].ok else "last changing command failed"
        yield Sign(rule, runs[-1].step)


def _words(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """What the user says after the agent acted. A correction that actions or thanks follow was taken up."""
    said: list[tuple[str, int, int]] = []
    asks: list[str] = []
    acted = asked = False
    for place, event in enumerate(events):
        if isinstance(event, Act):
            acted = True
        elif isinstance(event, Answer):
            asked = event.text.rstrip().endswith(("?", "？")) or bool(
                re.search(r"\?[^\n]{0,120}$", event.text)
            )
        else:
            if interrupts(event.text):
                said.append(("user interrupted", event.step, place))
                continue
            if acted and (rule := _heard(event.text, asks, asked=asked)):
                said.append((rule, event.step, place))
            asks.append(event.text)
    for index, (rule, step, place) in enumerate(said):
        later = any(isinstance(e, Act) for e in events[place + 1 :])
        taken_up = later or any(other in _APPROVALS for other, _, _ in said[index + 1 :])
        yield Sign("user corrects, taken up" if taken_up and rule in _OBJECTIONS else rule, step)


_OBJECTIONS = frozenset({"user corrects", "user asks again", "user interrupted"})
_APPROVALS = frozenset({"user says it works", "user gives thanks"})


def _heard(text: str, asks: list[str], *, asked: bool) -> str:
    if corrects(text, asked=asked):
        return "user corrects"
    if any(repeats(ask, text) for ask in asks):
        return "user asks again"
    # After a question "that works" and "yes, go ahead" agree with a plan and say nothing about the result.
    if confirms(text) and not asked:
        return "user says it works"
    return "user gives thanks" if accepts(text) and not consents(text) else ""


def _errors(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """Failed actions near the end that nothing alike made good."""
    for index in range(len(acts) - 1, max(-1, len(acts) - 1 - SEEN_LATE), -1):
        act = acts[index]
        if act.ok is False and not any(a.ok and same_goal(act, a) for a in acts[index + 1 :]):
            yield Sign("tool error left unresolved", act.step)
            break
    else:
        failed = next((a for a in reversed(acts) if a.ok is False), None)
        if failed is not None:
            yield Sign("tool errors resolved", failed.step)


def _loops(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """Function calls made again word by word. Commands are left out: a test is run again for a reason."""
    counts: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for act in acts:
        if act.command is not None:
            continue
        mark = (act.tool, json.dumps(act.arguments, sort_keys=True, default=str))
        counts[mark] += 1
        failed[mark] += act.ok is False
        if failed[mark] == 2:
            yield Sign("same failing call repeated", act.step)
            return
    if acts and counts and max(counts.values()) >= LOOP:
        yield Sign("same call repeated", acts[-1].step)


def _guesses(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """Identifiers in changing calls: one that neither the user nor any result gave, or all of them given."""
    seen: list[str] = []
    grounded = 0
    for event in events:
        if not isinstance(event, Act):
            seen.append(event.text.lower())
            continue
        if event.writes and event.command is None:
            known = "\n".join(seen)
            for value in _identifiers(event):
                if value.lower() not in known:
                    yield Sign("identifier from nowhere", event.step)
                    return
                if event.ok:
                    grounded = event.step
        seen.append(event.result.lower())
    if grounded:
        yield Sign("identifiers were given or looked up", grounded)


def _identifiers(act: Act) -> Iterator[str]:
    for name, value in act.arguments.items():
        if _ID_NAME.search(name):
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and _ID_VALUE.match(one.strip()):
                    yield one.strip()


def _amount(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """Long sessions and many changes, of functions only: commands and edits are many in good sessions too."""
    if any(a.command is not None for a in acts):
        return
    if len(acts) >= LONG:
        yield Sign("twelve calls or more", acts[-1].step)
    changes = [a for a in acts if a.writes]
    several = any(_SEVERAL.search(e.text) for e in events if isinstance(e, Said))
    if len(changes) >= 2 and not several:
        yield Sign("several changes, one was asked for", changes[1].step)


def _done(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """What was done of what was asked."""
    handover = next((a for a in acts if _HANDOVER.match(tail(a.tool))), None)
    if handover is not None:
        yield Sign("handed over to a person", handover.step)
        return
    asked = next((e for e in events if isinstance(e, Said) and asks_for_change(e.text)), None)
    if asked is None:
        return
    if not acts:
        yield Sign("asked for a change, nothing called", asked.step)
    elif not any(a.writes for a in acts):
        yield Sign("asked for a change, only looked", acts[-1].step)
        if acts[-1].ok and acts[-1].command is None and _FOUND_NOTHING.match(acts[-1].result.strip()[:200]):
            yield Sign("last lookup found nothing", acts[-1].step)


def _ending(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """How the session ends: an open call, no answer, or what the last answer claims."""
    if not events:
        return
    last = events[-1]
    if isinstance(last, Act) and last.ok is None:
        yield Sign("ended with an open call", last.step)
    elif isinstance(last, Said) and interrupts(last.text):
        yield Sign("user interrupted and left", last.step)
    elif isinstance(last, Act) and not _HANDOVER.match(tail(last.tool)):
        yield Sign("ended without an answer", last.step)
    elif not any(isinstance(e, Answer) for e in events):
        yield Sign("never answered", last.step)
    else:
        yield from _claims(events, acts)


def _claims(events: list[Event], acts: list[Act]) -> Iterator[Sign]:
    """The claim of the last answer that has one, after the last action. A claim to have changed something is
    checked against the calls.
    """
    for event in reversed(events):
        if isinstance(event, Act):
            return
        if isinstance(event, Answer) and (rule := claim(event.text)):
            if rule == "asks back" and event is not events[-1]:
                continue
            if rule in ("says it is done", "says nothing was needed") and not acts:
                return
            wrote = any(a.writes and a.ok for a in acts)
            if rule == "says it is done" and not wrote:
                rule = "says it is done, changed nothing"
            elif rule == "says nothing was needed" and wrote:
                rule = "says it is done"
            elif rule == "says nothing was needed" and any(
                _CONDITION.search(e.text) for e in events if isinstance(e, Said)
            ):
                rule = "says the condition does not hold"
            yield Sign(rule, event.step)
            return


_RULES: tuple[Callable[[list[Event], list[Act]], Iterator[Sign]], ...] = (
    _tests,
    _exits,
    _words,
    _errors,
    _loops,
    _guesses,
    _amount,
    _done,
    _ending,
)
