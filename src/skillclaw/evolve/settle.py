"""A judged proposal goes into the log: made known, decided, released; each once, whoever else is at it.

Several evolvers of a group write one log, and any of them may have died in the middle. What is in the log
already is done; what somebody decided meanwhile stands.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.report import Judged
from skillclaw.evolve.withheld import withheld, without_quotations
from skillclaw.hub import Hub
from skillclaw.hub.records import ProposalState, Stage
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal

__all__ = ["DECIDED", "proposal_version", "settle"]

DECIDED = frozenset({"released", "held", "rejected"})
"""States in which a proposal is not judged again: the same evidence gives the same id and the same answer."""


def settle(hub: Hub, result: Judged, stage: Stage, *, private: bool, fence: Callable[[], None]) -> bool:
    """Write a judged proposal to the log, and release it if it passed; whether it is released then.

    `fence` is called before each commit. With `private` the log gets no words of single users, and nothing
    at all of a proposal that holds a secret. False also where the skill changed since it was proposed: the
    next cycle proposes for what is current then.
    """
    if private and any(one.check == "secrets" and one.verdict == "reject" for one in result.reasons):
        return False
    proposal, reasons = result.proposal, result.reasons
    if private and result.verdict == "rejected":
        proposal, reasons = withheld(proposal), without_quotations(reasons)
    if private:
        proposal = msgspec.structs.replace(proposal, patterns=[])
    fence()
    known = hub.propose(proposal)
    if (known.status, result.verdict) == ("passed", "held"):
        return False  # the log takes that from people alone; what is not released harms nobody
    if known.status not in DECIDED and known.status != result.verdict:
        fence()
        known = _unless_done(hub, proposal, lambda: hub.record_verdicts(proposal.id, reasons, result.verdict))
    if known.status == "passed" and result.verdict == "passed":
        fence()
        known = _unless_done(hub, proposal, lambda: hub.release(proposal.id, stage=stage))
    return known.status == "released"


def _unless_done(hub: Hub, proposal: Proposal, write: Callable[[], object]) -> ProposalState:
    """The proposal after `write`, which the log may refuse only since another wrote before."""
    before = hub.last_state().proposals[proposal.id].status
    try:
        write()
    except BadInputError:
        state = hub.state()
        now = state.proposals[proposal.id]
        builds_on = [(proposal.skill, proposal.base), *((r.skill, r.version) for r in proposal.retires)]
        skills = state.skills
        outdated = any(base != (skills[n].current if n in skills else None) for n, base in builds_on)
        if now.status == before and not outdated:
            raise
    return hub.state().proposals[proposal.id]


def proposal_version(proposal: Proposal) -> str:
    """The version that the proposal would make current; empty for a retirement."""
    return version(proposal.bundle) if proposal.bundle is not None else ""
