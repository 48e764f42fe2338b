"""`support`: each new line stands on enough sessions of enough people.

A reference counts only if its session is there and belongs to the person that it names; whose session it
is, the session says, not the proposal. People count, not volume, and who is new counts half
(`gate.standing`): where only that is in the way, people decide. What a person or an agent wrote has no
evidence line by line: it never passes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skillclaw.errors import BadInputError
from skillclaw.gate.context import GateContext
from skillclaw.gate.grounds import Grounds
from skillclaw.gate.lines import added_items, all_evidence, quoted, summary
from skillclaw.gate.standing import enough, weighed
from skillclaw.skills.items import DESCRIPTION, all_items
from skillclaw.skills.records import HOST, Item, Proposal, Ref, Verdict

__all__ = ["PERSON", "as_written", "check", "item_fault", "name", "order"]

name = "support"
order = 60
PERSON = "person"
"""Engine of a proposal that a person wrote: it has no evidence, so a person decides."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects what too few sessions or people support; what a person or an agent wrote waits for people."""
    if proposal.engine == PERSON:
        reason = "A person wrote this; there is no evidence to count, so somebody has to approve it."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    if proposal.engine.startswith(HOST) and proposal.action != "retire":
        return [Verdict(check=name, verdict="hold", reason=_used(proposal, context))]
    if proposal.action == "retire":
        against = [ref for pattern in proposal.patterns for ref in pattern.contradictions]
        against += proposal.against
        if proposal.instead is not None:
            return [
                _verdict(against, context, f"stand behind it, and {proposal.instead.skill} says the same")
            ]
        return [_verdict(against, context, "speak against the skill")]
    if proposal.action == "describe" and _own_words(proposal, context):
        reason = "A person or an agent wrote the description that it changes; somebody has to approve it."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    items = [item for item in added_items(proposal, context) if item.section != DESCRIPTION]
    weak = [(item, fault) for item in items if (fault := item_fault(item, proposal, context))]
    faults = [fault for _, fault in weak]
    if faults and all(_only_new(item.evidence, context) for item, _ in weak):
        reason = f"{summary(faults)} It can wait until they are known, or somebody approves it."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    if faults:
        return [Verdict(check=name, verdict="reject", reason=summary(faults))]
    if not items and proposal.action == "create":
        return [Verdict(check=name, verdict="reject", reason="No line of it has any evidence.")]
    return (
        [_verdict([ref for item in items for ref in item.evidence], context, "support it")]
        if items
        else [Verdict(check=name, verdict="pass", reason="It adds no line.")]
    )


def _own_words(proposal: Proposal, context: GateContext) -> bool:
    """Whether the description of the version before is not one that evidence was written for."""
    base = context.base(proposal)
    if base is None:
        return False
    try:
        described = all_items(base.bundle, base.sidecar)[0]
    except BadInputError:
        return True
    return not described.evidence or base.sidecar.engine.startswith(HOST)


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why too little speaks for this line."""
    if as_written(proposal):
        return None
    sources = context.sources(item.evidence)
    if context.enough(sources):
        return None
    return f"Only {_count(sources, context)} support {quoted(item.text, 60)}; {_asked(sources, context)}."


def as_written(proposal: Proposal) -> bool:
    """Whether a person or an agent wrote the text, so that no line of it cites anything."""
    return proposal.engine == PERSON or proposal.engine.startswith(HOST)


def _used(proposal: Proposal, context: GateContext) -> str:
    """How often the skill was used; its sessions say nothing of single lines, so that is for the reader."""
    writer = proposal.engine.removeprefix(HOST)
    sources = context.sources(all_evidence(proposal))
    used = f"it was used in {_count(sources, context)}" if sources else "no session is known that used it"
    return f"The agent {writer} wrote this by itself; {used}. Somebody has to approve it."


def _only_new(refs: Iterable[Ref], context: GateContext) -> bool:
    """Whether it would be enough if everybody were known in the group."""
    seen = ((one.user, one.day) for one in context.sources(refs))
    return enough(weighed(seen, context.policy), context.policy)


def _verdict(refs: list[Ref], context: GateContext, what: str) -> Verdict:
    sources = context.sources(refs)
    if context.enough(sources):
        return Verdict(check=name, verdict="pass", reason=f"{_count(sources, context)} {what}.")
    reason = f"Only {_count(sources, context)} {what}; {_asked(sources, context)}."
    if _only_new(refs, context):
        reason = f"{reason} It can wait until they are known, or somebody approves it."
        return Verdict(check=name, verdict="hold", reason=reason)
    return Verdict(check=name, verdict="reject", reason=reason)


def _count(sources: Sequence[Grounds], context: GateContext) -> str:
    found = context.standing(sources)
    new = found.users - found.known
    told = f" ({new} of them new in the group)" if new else ""
    return f"{_number(found.sessions, 'session')} of {_number(found.users, 'user')}{told}"


def _asked(sources: Sequence[Grounds], context: GateContext) -> str:
    policy = context.policy
    asked = (
        f"the policy {policy.name!r} asks for {_number(policy.sessions, 'session')} "
        f"of {_number(policy.users, 'user')}"
    )
    found = context.standing(sources)
    if found.users > found.known:
        return f"{asked}, who is new counts half, and one at least must be known"
    if found.sessions >= policy.sessions and found.users >= policy.users:
        return f"{asked}, and of one person and day {policy.per_day} count"
    return asked


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
