"""`replay`: it helps in cases that it was not made from, and harms in none (DESIGN 3.5, 7.5)."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.replay.deciding import replay_verdict
from skillclaw.skills.records import Proposal, Verdict

__all__ = ["check", "costly", "name", "order"]

name = "replay"
order = 80
costly = True


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds, under a policy that asks for a replay, what could not be replayed."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has nothing to replay.")]
    if context.replayer is None:
        reason = "No replay is set up."
        if context.policy.replay:
            reason = f"The policy {context.policy.name!r} asks for a replay that passed; none is set up."
        return [Verdict(check=name, verdict="hold" if context.policy.replay else "n/a", reason=reason)]
    return [replay_verdict(context.replayer(proposal), context.policy)]
