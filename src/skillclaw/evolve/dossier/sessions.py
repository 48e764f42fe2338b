"""Which sessions of a target a model is shown, and each of them cut to a number of tokens.

Only sessions that the target's own patterns refer to. For each pattern some that support it and some that
speak against it, of different people and agents, the newest first: what a way has to hold against is where it
did not work.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from skillclaw.evolve.dossier.fence import clean, cut, fenced, line
from skillclaw.gate.context import GateContext
from skillclaw.skills.records import Pattern, Ref
from skillclaw.skills.tokens import estimate
from skillclaw.trajectory.asks import says_no
from skillclaw.trajectory.flow import Act, Event, Said, flow
from skillclaw.trajectory.model import Record, Trajectory, meta
from skillclaw.trajectory.outcomes import same_goal

__all__ = ["Chosen", "Shown", "choose", "event_text", "session_text", "show"]

SUPPORTING = 3
AGAINST = 2
"""Sessions shown for one pattern at most."""

SAID, CALL, ERROR, RESULT, ANSWER = 700, 500, 500, 160, 240
"""Characters of one message, call, error, result of a call that worked, and answer of the agent."""

SCALES = (1.0, 0.35, 0.12)
"""Parts of these lengths that are tried where a telling text does not fit."""

TELLING = 3
"""Ranks of what is rather cut short than left out."""

EVENTS = 2000
"""Events of one session that are looked at."""


class Chosen(Record, frozen=True, kw_only=True):
    """A session to show: the patterns (labels) that it supports and that it speaks against, and the steps
    that they refer to. `person` counts people, so that nobody is named."""

    key: str
    person: int
    agent: str
    supports: list[str] = []
    against: list[str] = []
    steps: list[int] = []


class Shown(Record, frozen=True, kw_only=True):
    """A session cut to size: `text` without a fence, `about` what it is to its target, in our words."""

    label: str
    key: str
    text: str
    about: str

    @property
    def whole(self) -> str:
        """The text in its fence, as it stands in a prompt that knows the labels."""
        return fenced(f"session {self.label} ({self.about})", self.text)


def choose(labelled: Sequence[tuple[str, Pattern]], gate: GateContext, limit: int) -> list[Chosen]:
    """The sessions to show for these patterns, at most `limit`, the most telling first.

    In rounds over the patterns, so that each has its first session before one has its second. A session that
    is gone (expired, forgotten) is not shown.
    """
    found: dict[str, Chosen] = {}
    people: dict[str, int] = {}
    for turn in range(SUPPORTING):
        for support in (True, False):
            if not support and turn >= AGAINST:
                continue
            for label, pattern in labelled:
                refs = pattern.evidence if support else pattern.contradictions
                shown = [
                    found[r.session]
                    for r in refs
                    if r.session in found and _has(found[r.session], label, support)
                ]
                if len(shown) > turn:
                    continue
                ref = _next(label, refs, found, shown, people, gate, support, full=len(found) >= limit)
                if ref is None:
                    continue
                people.setdefault(ref.user, len(people) + 1)
                found[ref.session] = _with(found.get(ref.session), ref, people[ref.user], label, support)
    return list(found.values())


def _has(chosen: Chosen, label: str, support: bool) -> bool:
    return label in (chosen.supports if support else chosen.against)


def _next(
    label: str,
    refs: Sequence[Ref],
    found: dict[str, Chosen],
    shown: Sequence[Chosen],
    people: dict[str, int],
    gate: GateContext,
    support: bool,
    *,
    full: bool,
) -> Ref | None:
    persons = {one.person for one in shown}
    agents = {one.agent for one in shown}

    def rank(ref: Ref) -> tuple[bool, bool, bool, str]:
        # Newest first: days compare as text, so their characters are turned round.
        newest = "".join(chr(0x10FFFF - ord(c)) for c in ref.day[:10])
        return (
            people.get(ref.user, 0) in persons,
            ref.agent in agents,
            support and ref.success is False,
            newest,
        )

    for ref in sorted(refs, key=lambda r: (*rank(r), r.session)):
        known = found.get(ref.session)
        if known is not None:
            if not _has(known, label, support):
                return ref
        elif not full and gate.sessions(ref.session) is not None:
            return ref
    return None


def _with(known: Chosen | None, ref: Ref, person: int, label: str, support: bool) -> Chosen:
    one = known or Chosen(key=ref.session, person=person, agent=ref.agent)
    steps = sorted({*one.steps, *ref.steps})
    if support:
        return msgspec.structs.replace(one, supports=[*one.supports, label], steps=steps)
    return msgspec.structs.replace(one, against=[*one.against, label], steps=steps)


def show(label: str, chosen: Chosen, gate: GateContext, tokens: int) -> Shown | None:
    """The session in at most about `tokens` tokens, redacted once more; None where it is gone."""
    trajectory = gate.sessions(chosen.key)
    if trajectory is None:
        return None
    text, _ = gate.redactor.text(session_text(trajectory, chosen, tokens))
    return Shown(label=label, key=chosen.key, text=text, about=_about(chosen))


def _about(chosen: Chosen) -> str:
    parts = [f"person {chosen.person}"]
    if chosen.supports:
        parts.append(f"supports {', '.join(chosen.supports)}")
    if chosen.against:
        parts.append(f"speaks against {', '.join(chosen.against)}")
    return "; ".join(parts)


def session_text(trajectory: Trajectory, chosen: Chosen | None, tokens: int) -> str:
    """What was said and done, in order, in at most about `tokens` tokens.

    Kept first: what the user asked, where the user corrected, what failed with the end of its error, and what
    mended it. Long texts are cut in the middle. What is left out is said with its number.
    """
    known = meta(trajectory)
    skills = [line(use.name, 60) for use in known.skills if use.read_step or use.invoked_step or use.version]
    head = f"agent {line(trajectory.agent.name, 40)}, outcome {known.outcome}"
    if skills:
        head += f", had read the skills {', '.join(skills[:6])}"
    events = flow(trajectory)[:EVENTS]
    ranks = _ranks(events, set(chosen.steps) if chosen else set())
    order = sorted(range(len(events)), key=lambda i: (ranks[i], i))
    left = tokens - estimate(head)
    kept: dict[int, str] = {}
    for index in order:
        for scale in SCALES if ranks[index] <= TELLING else SCALES[:1]:
            text = event_text(events[index], scale)
            cost = estimate(text) + 1
            if cost <= left:
                kept[index] = text
                left -= cost
                break
    rows, gap = [head], 0
    for index in range(len(events)):
        if index in kept:
            if gap:
                rows.append(f"({gap} more left out)")
            rows.append(kept[index])
            gap = 0
        else:
            gap += 1
    if gap:
        rows.append(f"({gap} more left out)")
    return "\n".join(rows)


def _ranks(events: Sequence[Event], steps: set[int]) -> list[int]:
    """How soon each event is left out: 0 last."""
    ranks = []
    first = True
    for index, event in enumerate(events):
        if isinstance(event, Said):
            rank = 0 if first else 1 if says_no(event.text) else 2
            first = False
        elif isinstance(event, Act):
            if event.step in steps:
                rank = 1
            elif event.ok is False or _mends(events, index):
                rank = 3
            else:
                rank = 4
        else:
            rank = 5 if index + 1 < len(events) else 4
        ranks.append(rank)
    return ranks


def _mends(events: Sequence[Event], index: int) -> bool:
    act = events[index]
    before = events[max(0, index - 4) : index]
    return isinstance(act, Act) and any(
        isinstance(other, Act) and other.ok is False and same_goal(other, act) for other in before
    )


def event_text(event: Event, scale: float) -> str:
    """One event; all its further lines are set in, so that they cannot pass for an event of their own."""
    said, call, error, result, answer = (int(size * scale) for size in (SAID, CALL, ERROR, RESULT, ANSWER))
    if isinstance(event, Said):
        return f"user: {_inner(event.text, said)}"
    if not isinstance(event, Act):
        return f"agent says: {line(event.text, answer)}"
    given = event.command if event.command is not None else _arguments(event)
    text = f"agent calls {line(event.tool, 60)}: {_inner(given, call)}"
    if event.ok is None:
        return text
    code = f" with exit code {event.exit_code}" if event.exit_code else ""
    if not event.ok:
        return f"{text}\n  failed{code}: {_inner(event.result, error, tail=0.8)}".rstrip(" :")
    return f"{text}\n  worked: {line(event.result, result)}".rstrip(" :")


def _arguments(act: Act) -> str:
    return msgspec.json.encode(act.arguments, order="deterministic").decode("utf-8", "replace")


def _inner(text: str, limit: int, *, tail: float = 0.5) -> str:
    rows = [row.rstrip() for row in cut(clean(text).strip(), limit, tail=tail).splitlines()]
    return "\n    ".join(row for row in rows if row)
