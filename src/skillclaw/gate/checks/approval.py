"""`approval`: which changes wait for people: scripts, risky commands, what the policy adds."""

from __future__ import annotations

from skillclaw.gate.checks.support import as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.stretches import loading, reaching, risking, running
from skillclaw.hub.unapproved import Finder
from skillclaw.skills.records import Proposal, Verdict

__all__ = ["check", "name", "order"]

name = "approval"
order = 90


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds what a person has to see first; says `pass` where nobody needs to."""
    policy = context.policy
    reasons = []
    if proposal.bundle is not None:
        scripts = sorted(_new(running, proposal, context))
        if scripts:
            reasons.append(f"It brings files that a machine runs ({', '.join(scripts)}).")
        at_once = _new(loading, proposal, context)
        if at_once:
            reasons.append(f"It runs commands or unlocks tools as it is loaded (`{_bare(at_once[0])}`).")
        danger = _new(risking, proposal, context)
        if danger:
            reasons.append(f"It teaches a command that destroys or unlocks things (`{danger[0]}`).")
        reached = _new(reaching, proposal, context) if policy.network else []
        if reached:
            reasons.append(f"It makes agents reach another machine (`{reached[0]}`).")
    if policy.reviewer:
        reasons.append(
            f"Under the policy {policy.name!r} a reviewer who is not a source looks at every change."
        )
    if reasons:
        return [Verdict(check=name, verdict="hold", reason=" ".join(reasons))]
    reason = "Nothing more in it needs approval." if as_written(proposal) else "Nobody needs to approve it."
    return [Verdict(check=name, verdict="pass", reason=reason)]


def _bare(told: str) -> str:
    """For a reason's own ticks; where the command begins stays to be seen."""
    return told.replace("`", "'")


def _new(find: Finder, proposal: Proposal, context: GateContext) -> list[str]:
    """What `find` tells of the proposal that the version before did not have, or had without approval."""
    assert proposal.bundle is not None
    known = context.base(proposal)
    before = find(known.bundle).keys() if known is not None else set()
    if before:
        before = before - set(context.unseen(proposal, find))
    return [told for what, told in find(proposal.bundle).items() if what not in before]
