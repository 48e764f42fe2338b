"""Lines that a person took out of a skill or put into other words: no engine writes them again."""

from __future__ import annotations

import re

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.evolve.tried import TEXT, Mark, Tried, line_of
from skillclaw.hub import Hub
from skillclaw.hub.proposing import recorded
from skillclaw.hub.records import HubState, ProposalState, SkillState
from skillclaw.skills.items import DESCRIPTION, all_items
from skillclaw.skills.records import Item, Sidecar, record_in

__all__ = ["changed_by_hand"]

PERSON = "person"
WHY = "A person took these lines out or put them into other words, and that stands."


def changed_by_hand(hub: Hub, state: HubState) -> list[Tried]:
    """One entry for each released edit of a person that a skill's present version builds on, oldest first.

    The patterns of its marks are those whose lines the person changed. Their counts are not kept, since more
    of the same evidence does not reopen what a person decided. A record that cannot be read blocks nothing.
    """
    alive = {name: line_of(skill) for name, skill in state.skills.items()}
    found = []
    for one in sorted(state.proposals.values(), key=lambda p: (p.seq, p.id)):
        released = one.status == "released" and one.version in alive.get(one.skill, ())
        if not released or one.action != "refine" or one.base is None:
            continue
        try:
            lost = _lost(hub, one, state.skills[one.skill])
        except SkillClawError:
            continue
        names = {name for item in lost for name in (*item.patterns, *_scripts(item))}
        if names:
            marks = [Mark(pattern=name, sessions=0, users=0, contradictions=0) for name in sorted(names)]
            text = "\n".join(f"{item.section}: {item.text}" for item in lost)[:TEXT]
            entry = Tried(
                proposal=one.id, skill=one.skill, action="refine", engine=PERSON, reasons=[WHY], text=text
            )
            found.append(msgspec.structs.replace(entry, marks=marks, final=True))
    return found


def _lost(hub: Hub, one: ProposalState, skill: SkillState) -> list[Item]:
    """The learned lines of the version before that the person's version does not have."""
    record = recorded(hub, one)
    before = skill.release(one.base or "")
    if record.engine != PERSON or record.bundle is None or before is None or before.sidecar is None:
        return []
    sidecar = record_in(hub.get_object(before.sidecar), Sidecar)
    left = {item.id for item in all_items(record.bundle, sidecar) if item.patterns or item.evidence}
    there = all_items(hub.get_bundle(before), sidecar)
    return [item for item in there if item.section != DESCRIPTION and item.patterns and item.id not in left]


def _scripts(item: Item) -> list[str]:
    link = re.search(r"\]\((scripts/[^)\s]+)\)", item.text) if item.kind == "script" else None
    return [f"script {link[1]}"] if link else []
