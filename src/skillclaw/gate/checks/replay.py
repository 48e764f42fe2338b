"""`replay`: it helps in cases that it was not made from, and harms in none."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.replay.deciding import LEAST_CASES, counted, replay_verdict
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.skills.records import Proposal, Verdict

__all__ = ["check", "costly", "name", "order"]

name = "replay"
order = 80
costly = True
REFORMED = ("merge", "split")
"""Actions that say what was said in another form: nothing has to be won, and nothing may be lost."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds, under a policy that asks for a replay, what could not be replayed."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has nothing to replay.")]
    if proposal.action == "describe":
        reason = "It changes when the skill is opened, not what it says: there is nothing to replay."
        return [Verdict(check=name, verdict="n/a", reason=reason)]
    if context.replayer is None:
        reason = "No replay is set up."
        if context.policy.replay:
            reason = f"The policy {context.policy.name!r} asks for a replay that passed; none is set up."
        return [Verdict(check=name, verdict="hold" if context.policy.replay else "n/a", reason=reason)]
    result = context.replayer(proposal)
    verdict = replay_verdict(result, context.policy)
    if proposal.action in REFORMED and verdict.verdict == "hold" and _no_worse(result):
        reason = f"It says the same in another form, and no case got worse. {verdict.reason}"
        return [Verdict(check=name, verdict="pass", reason=reason)]
    return [verdict]


def _no_worse(result: ReplayResult) -> bool:
    count = counted(result)
    return len(result.scores) - count["void"] >= LEAST_CASES and not count["lost"]
