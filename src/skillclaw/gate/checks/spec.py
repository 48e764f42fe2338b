"""`spec`: the files are a skill as the Agent Skills specification says, in the subset that all hosts read."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import summary
from skillclaw.skills import lint
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, Proposal, Verdict

__all__ = ["check", "name", "order", "static"]

name = "spec"
order = 10


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects what breaks the specification, or a record that does not fit its own files."""
    if proposal.bundle is None:
        if proposal.action == "retire":
            return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
        return [Verdict(check=name, verdict="reject", reason="The proposal has no files.")]
    if proposal.bundle.name != proposal.skill:
        return [
            Verdict(
                check=name,
                verdict="reject",
                reason=f"It is for {proposal.skill!r} but has files of {proposal.bundle.name!r}.",
            )
        ]
    verdicts = static(proposal.bundle)
    sidecar = proposal.sidecar
    if verdicts[0].verdict == "pass" and sidecar and sidecar.version != version(proposal.bundle):
        reason = "The evidence was written for other files than these: the version does not match."
        return [Verdict(check=name, verdict="reject", reason=reason)]
    return verdicts


def static(bundle: Bundle) -> list[Verdict]:
    """Rejects a bundle that breaks the specification."""
    found = lint.spec(bundle)
    if not found:
        return [Verdict(check=name, verdict="pass", reason="It follows the Agent Skills specification.")]
    reasons = [f"{finding.text[:1].upper()}{finding.text[1:]}." for finding in found]
    return [Verdict(check=name, verdict="reject", reason=summary(reasons))]
