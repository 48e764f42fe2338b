"""`approval`: which changes wait for people (DESIGN 7.5): scripts, risky commands, what the policy adds."""

from __future__ import annotations

from collections.abc import Callable

from skillclaw.gate.checks.support import as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.stretches import reaching, risking
from skillclaw.skills.programs import programs
from skillclaw.skills.records import Bundle, Proposal, Verdict

__all__ = ["check", "name", "order"]

name = "approval"
order = 90


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds what a person has to see first; says `pass` where nobody needs to."""
    policy = context.policy
    reasons = []
    if proposal.bundle is not None:
        known = context.base(proposal)
        base = known.bundle if known is not None else None
        scripts = _scripts(proposal.bundle, base)
        if scripts:
            reasons.append(f"It brings files that a machine runs ({', '.join(scripts)}).")
        danger = _new(risking, proposal.bundle, base)
        if danger:
            reasons.append(f"It teaches a command that destroys or unlocks things (`{danger}`).")
        reached = _new(reaching, proposal.bundle, base) if policy.network else None
        if reached:
            reasons.append(f"It makes agents reach another machine (`{reached}`).")
    if policy.reviewer:
        reasons.append(
            f"Under the policy {policy.name!r} a reviewer who is not a source looks at every change."
        )
    if reasons:
        return [Verdict(check=name, verdict="hold", reason=" ".join(reasons))]
    reason = "Nothing more in it needs approval." if as_written(proposal) else "Nobody needs to approve it."
    return [Verdict(check=name, verdict="pass", reason=reason)]


def _new(find: Callable[[Bundle], dict[str, str]], bundle: Bundle, base: Bundle | None) -> str | None:
    """The first stretch that `find` has in a line that the version before did not have."""
    old = find(base) if base is not None else {}
    return next((stretch for line, stretch in find(bundle).items() if line not in old), None)


def _scripts(bundle: Bundle, base: Bundle | None) -> list[str]:
    old = {(f.path, f.data, f.executable) for f in programs(base)} if base else set()
    return sorted(f.path for f in programs(bundle) if (f.path, f.data, f.executable) not in old)
