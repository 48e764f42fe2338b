"""What was proposed before and is not wanted: the memory of rejected proposals.

What a pattern was rejected for it is not proposed for again, by whatever engine and in whatever words, until
its evidence has doubled. Rejected is what the gate refused, what a person refused, and what was taken back
after its release, by a person or because it did harm as a canary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.hub.approval import OUTDATED
from skillclaw.hub.proposing import recorded
from skillclaw.hub.records import Event, HubState, ProposalState, SkillState
from skillclaw.skills.items import all_items
from skillclaw.skills.records import Action, Effect, Item, Pattern, Proposal, Ref
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.state import EvolveState
    from skillclaw.hub import Hub

__all__ = [
    "LINES",
    "Mark",
    "Tried",
    "line_of",
    "marks_of",
    "only_outdated",
    "refused",
    "remember",
    "same_evidence",
    "script_mark",
    "tried",
]

META = "tried"
LINES: tuple[Action, ...] = ("create", "refine")
"""Actions that write lines; a refused one of another kind says nothing against the patterns behind it."""
TEXT = 2000
"""Characters of a rejected text that are kept for whoever drafts next."""
TAKEN_BACK = "It was released, and a person took it back."


class Mark(Record, frozen=True, kw_only=True):
    """How much stood behind a pattern (an id) when something was proposed from it."""

    pattern: str
    sessions: int
    users: int
    contradictions: int


class Tried(Record, frozen=True, kw_only=True):
    """A proposal that was rejected or taken back.

    reasons  what the checks or the people who refused it said
    text     its lines, cut after 2,000 characters; empty for a retirement
    marks    the evidence that it was made from
    final    more evidence does not reopen it, only evidence against the pattern
    """

    proposal: str
    skill: str
    action: Action
    engine: str
    reasons: list[str] = []
    text: str = ""
    marks: list[Mark] = []
    final: bool = False


def tried(hub: Hub, state: HubState, memory: EvolveState | None) -> list[Tried]:
    """What the log says was rejected or taken back, oldest first.

    `memory` keeps what is known of each proposal, so that its record is read once, and the evidence of a
    proposal whose record goes without it (a hub that others read). A record that cannot be read blocks
    nothing.
    """
    kept = _kept(memory)
    known = {name: entry for name, entry in kept.items() if name in state.proposals}
    back = _taken_back(state)
    found: list[Tried] = []
    for one in sorted(state.proposals.values(), key=lambda p: (p.seq, p.id)):
        if one.id not in back and (one.status != "rejected" or only_outdated(one)):
            continue
        entry = known.get(one.id) or _read(hub, one)
        if entry is None:
            continue
        known[one.id] = entry
        reasons = [v.reason for v in one.verdicts if v.verdict == "reject"]
        event = _end(state, one) if one.id in back else None
        if not reasons:
            reasons = [f"It was released, and taken back: {event.why}" if event and event.why else TAKEN_BACK]
        marks = _measured(entry.marks, event.effect) if event and event.effect else entry.marks
        found.append(msgspec.structs.replace(entry, reasons=reasons, marks=marks))
    if memory is not None and known != kept:
        _keep(memory, known)
    return found


def remember(memory: EvolveState, proposal: Proposal) -> None:
    """Keep what `proposal` was made from, before it goes to a hub that may not have it."""
    if proposal.patterns or _scripts(proposal):
        _keep(memory, {**_kept(memory), proposal.id: _entry(proposal)})


def marks_of(patterns: Iterable[Pattern]) -> list[Mark]:
    """How much stands behind each pattern now."""
    return [
        Mark(
            pattern=one.id,
            sessions=one.sessions,
            users=one.users,
            contradictions=len({ref.session for ref in one.contradictions}),
        )
        for one in sorted(patterns, key=lambda p: p.id)
    ]


def refused(
    skill: str, patterns: Sequence[Pattern], rejected: Sequence[Tried], action: Action = "retire"
) -> bool:
    """Whether this action was refused for `skill` on no less evidence than these patterns have."""
    now = marks_of(patterns)
    for one in rejected:
        if one.action == action and one.skill == skill:
            then = {mark.pattern: mark for mark in one.marks}
            if all(mark.pattern in then and same_evidence(then[mark.pattern], mark) for mark in now):
                return True
    return False


def same_evidence(then: Mark, now: Mark) -> bool:
    """Whether too little has been added since to ask again: neither sessions, people nor contradictions have
    doubled."""
    return (
        now.sessions < 2 * max(then.sessions, 1)
        and now.users < 2 * max(then.users, 1)
        and now.contradictions < 2 * max(then.contradictions, 1)
    )


def only_outdated(one: ProposalState) -> bool:
    """Whether nothing spoke against it but that its skill became another, which it may be proposed for."""
    against = {verdict.check for verdict in one.verdicts if verdict.verdict == "reject"}
    return against == {OUTDATED}


def _end(state: HubState, one: ProposalState) -> Event | None:
    """How what this proposal released was taken back."""
    skill = state.skills.get(one.skill)
    events = [
        event
        for release in (skill.releases if skill is not None else [])
        if release.proposal == one.id
        for event in release.story
        if event.what in ("rollback", "revoke")
    ]
    measured = (event for event in reversed(events) if event.effect is not None)
    return next(measured, events[-1] if events else None)


def _measured(marks: Sequence[Mark], effect: Effect) -> list[Mark]:
    """The marks with the sessions by which it was measured: they may support the pattern too, and it was
    taken back in spite of them."""
    more = effect.treated_n + effect.control_n
    return [
        msgspec.structs.replace(
            mark,
            sessions=mark.sessions + more,
            users=max(mark.users, effect.clients),
            contradictions=mark.contradictions + more,
        )
        for mark in marks
    ]


def _taken_back(state: HubState) -> set[str]:
    """Proposals whose version was released, and is none of those that the current one builds on.

    Of a skill that a proposal retired nothing was taken back: what was known changed.
    """
    retired = {p.skill for p in state.proposals.values() if p.action == "retire" and p.status == "released"}
    found: set[str] = set()
    for skill in state.skills.values():
        if skill.current is None and skill.name in retired:
            continue
        alive = line_of(skill)
        found |= {r.proposal for r in skill.releases if r.proposal is not None and r.version not in alive}
    return found


def line_of(skill: SkillState) -> set[str]:
    """The versions that the skill's current one builds on, itself included."""
    at, alive = skill.current, set[str]()
    while at is not None and at not in alive:
        alive.add(at)
        release = skill.release(at)
        at = release.base if release is not None else None
    return alive


def _read(hub: Hub, one: ProposalState) -> Tried | None:
    try:
        return _entry(recorded(hub, one))
    except SkillClawError:
        return None


def _entry(proposal: Proposal) -> Tried:
    marks = marks_of(proposal.patterns) or _scripts(proposal) or _from_items(proposal)
    return Tried(
        proposal=proposal.id,
        skill=proposal.skill,
        action=proposal.action,
        engine=proposal.engine,
        text=_text(proposal),
        marks=marks,
    )


def script_mark(path: str, evidence: Sequence[Ref]) -> Mark:
    """How much stands behind a script: it is refused by itself, not the patterns that share its sessions."""
    return Mark(
        pattern=f"script {path}",
        sessions=len({ref.session for ref in evidence}),
        users=len({ref.user for ref in evidence}),
        contradictions=0,
    )


def _scripts(proposal: Proposal) -> list[Mark]:
    found = []
    for item in proposal.sidecar.items if proposal.sidecar else []:
        link = re.search(r"\]\((scripts/[^)\s]+)\)", item.text) if item.kind == "script" else None
        if link is not None:
            found.append(script_mark(link[1], item.evidence))
    return found


def _from_items(proposal: Proposal) -> list[Mark]:
    """What the lines of a proposal without patterns cite."""
    behind: dict[str, list[Item]] = {}
    for item in proposal.sidecar.items if proposal.sidecar else []:
        for pattern in item.patterns:
            behind.setdefault(pattern, []).append(item)
    return [
        Mark(
            pattern=pattern,
            sessions=min(len({ref.session for ref in item.evidence}) for item in items),
            users=min(len({ref.user for ref in item.evidence}) for item in items),
            contradictions=0,
        )
        for pattern, items in sorted(behind.items())
    ]


def _text(proposal: Proposal) -> str:
    if proposal.bundle is None:
        return ""
    try:
        lines = [f"{item.section}: {item.text}" for item in all_items(proposal.bundle, proposal.sidecar)]
    except SkillClawError:
        return ""
    return "\n".join(lines)[:TEXT]


def _kept(memory: EvolveState | None) -> Mapping[str, Tried]:
    if memory is None:
        return {}
    return memory.load(memory.get_meta(META), dict[str, Tried]) or {}


def _keep(memory: EvolveState, known: Mapping[str, Tried]) -> None:
    memory.put_meta(META, msgspec.msgpack.encode(dict(known)))
