"""`approval`: which changes wait for people (DESIGN 7.5): scripts, risky commands, what the policy adds."""

from __future__ import annotations

from skillclaw.gate.checks.support import as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import added_items
from skillclaw.gate.rules import reaches_out, risky
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.lint import is_script
from skillclaw.skills.records import Bundle, Proposal, Verdict

__all__ = ["check", "name", "order"]

name = "approval"
order = 90


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds what a person has to see first; says `pass` where nobody needs to."""
    policy = context.policy
    reasons = []
    if proposal.bundle is not None:
        base = context.base(proposal)
        scripts = _scripts(proposal.bundle, base.bundle if base else None)
        if scripts:
            reasons.append(f"It brings files that a machine runs ({', '.join(scripts)}).")
        texts = [item.text for item in added_items(proposal, context) if item.section != DESCRIPTION]
        danger = next((found for text in texts if (found := risky(text))), None)
        if danger:
            reasons.append(f"It teaches a command that destroys or unlocks things (`{danger}`).")
        if policy.network:
            reached = next((found for text in texts if (found := reaches_out(text))), None)
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


def _scripts(bundle: Bundle, base: Bundle | None) -> list[str]:
    old = {(f.path, f.data, f.executable) for f in base.files} if base else set()
    return sorted(
        file.path
        for file in bundle.files
        if is_script(file.path, file.data, file.executable)
        and (file.path, file.data, file.executable) not in old
    )
