"""`support`: each new line stands on enough sessions of enough people (DESIGN 7.5).

A reference counts only if its session is there and belongs to the person that it names; whose session it
is, the session says, not the proposal. What a person or an agent wrote has no evidence line by line: it never
passes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from skillclaw.errors import BadInputError
from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import added_items, all_evidence, summary
from skillclaw.skills.items import DESCRIPTION, all_items
from skillclaw.skills.records import HOST, Item, Proposal, Ref, Verdict

__all__ = ["as_written", "check", "counted", "item_fault", "name", "order"]

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
        return [_verdict(against, context, "speak against the skill")]
    if proposal.action == "describe" and _own_words(proposal, context):
        reason = "A person or an agent wrote the description that it changes; somebody has to approve it."
        return [Verdict(check=name, verdict="hold", reason=reason)]
    items = [item for item in added_items(proposal, context) if item.section != DESCRIPTION]
    faults = [fault for item in items if (fault := item_fault(item, proposal, context))]
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
    if as_written(proposal) or _enough(item.evidence, context):
        return None
    sessions, users = counted(item.evidence, context)
    return f"Only {_count(sessions, users)} support {_short(item.text)}; {_asked(context)}."


def as_written(proposal: Proposal) -> bool:
    """Whether a person or an agent wrote the text, so that no line of it cites anything."""
    return proposal.engine == PERSON or proposal.engine.startswith(HOST)


def _used(proposal: Proposal, context: GateContext) -> str:
    """How often the skill was used; its sessions say nothing of single lines, so that is for the reader."""
    writer = proposal.engine.removeprefix(HOST)
    sessions, users = counted(all_evidence(proposal), context)
    used = f"it was used in {_count(sessions, users)}" if sessions else "no session is known that used it"
    return f"The agent {writer} wrote this by itself; {used}. Somebody has to approve it."


def counted(refs: Iterable[Ref], context: GateContext) -> tuple[set[str], set[str]]:
    """The sessions and the people that `refs` really stand for."""
    sessions: set[str] = set()
    users: set[str] = set()
    for ref in refs:
        grounds = context.grounds(ref.session)
        if grounds is not None and grounds.user == ref.user:
            sessions.add(ref.session)
            users.add(grounds.user)
    return sessions, users


def _enough(refs: list[Ref], context: GateContext) -> bool:
    sessions, users = counted(refs, context)
    return len(sessions) >= context.policy.sessions and len(users) >= context.policy.users


def _verdict(refs: list[Ref], context: GateContext, what: str) -> Verdict:
    sessions, users = counted(refs, context)
    if _enough(refs, context):
        return Verdict(check=name, verdict="pass", reason=f"{_count(sessions, users)} {what}.")
    return Verdict(
        check=name, verdict="reject", reason=f"Only {_count(sessions, users)} {what}; {_asked(context)}."
    )


def _count(sessions: set[str], users: set[str]) -> str:
    return f"{_number(len(sessions), 'session')} of {_number(len(users), 'user')}"


def _asked(context: GateContext) -> str:
    policy = context.policy
    return (
        f"the policy {policy.name!r} asks for {_number(policy.sessions, 'session')} "
        f"of {_number(policy.users, 'user')}"
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= 60 else line[:57] + '...'}”"
