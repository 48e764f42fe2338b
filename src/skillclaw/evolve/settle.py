"""A judged proposal goes into the log: made known, decided, released; each once, whoever else is at it.

Several evolvers of a group write one log, and any of them may have died in the middle. What is in the log
already is done; what somebody decided meanwhile stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from skillclaw.errors import (
    BadInputError,
    BlockedError,
    SkillClawError,
    StorageError,
    UpgradeNeededError,
    VerifyError,
)
from skillclaw.evolve.report import Judged
from skillclaw.evolve.taking import Aside
from skillclaw.evolve.withheld import withheld, without_quotations
from skillclaw.hub import Hub
from skillclaw.hub.approval import OUTDATED, outdated
from skillclaw.hub.proposing import recorded
from skillclaw.hub.records import ProposalState, Stage
from skillclaw.skills.bundle import version
from skillclaw.skills.records import HOST, Proposal, Retired, Verdict

__all__ = ["DECIDED", "end_outdated", "finish", "proposal_version", "release", "settle"]

DECIDED = frozenset({"released", "held", "rejected"})
"""States in which a proposal is not judged again: the same evidence gives the same id and the same answer."""


Ask = Callable[[Proposal, Sequence[Verdict], Proposal], None]
"""Asks for votes on a proposal that waits, with what the checks said and what the log gets of it."""


def settle(
    hub: Hub, result: Judged, *, private: bool, fence: Callable[[], None], ask: Ask | None = None
) -> bool:
    """Write a judged proposal to the log, with what was said of it; whether it may be released.

    All of a cycle are written before the first is released: who takes over finds either the skills that were
    asked about, or all that was decided (`finish`), and asks no model again. `fence` is called before each
    commit. With `private` the log gets no words of single users, and nothing at all of a proposal that holds
    a secret. One that waits for votes (`open`) is made known once they were asked for, and gets no verdict.
    """
    if private and any(one.check == "secrets" and one.verdict == "reject" for one in result.reasons):
        return False
    proposal, reasons = result.proposal, result.reasons
    if private and result.verdict == "rejected":
        proposal, reasons = withheld(proposal), without_quotations(reasons)
    if private:
        proposal = msgspec.structs.replace(proposal, patterns=[], shown=[])
    fence()
    if result.verdict == "open" and ask is not None:
        ask(result.proposal, reasons, proposal)
    known = hub.propose(proposal)
    if (known.status, result.verdict) == ("passed", "held"):
        return False  # the log takes that from people alone; what is not released harms nobody
    if result.verdict == "open":
        return False
    if known.status not in DECIDED and known.status != result.verdict:
        fence()
        known = _unless_done(hub, proposal, lambda: hub.record_verdicts(proposal.id, reasons, result.verdict))
    return known.status == "released" or (known.status == "passed" and result.verdict == "passed")


def release(hub: Hub, proposal: Proposal, stage: Stage, *, fence: Callable[[], None]) -> bool:
    """Release what `settle` let through; whether it is released then. False where the skill changed since it
    was proposed: the next cycle proposes for what is current then. False, too, where the log does not take it
    now (it waits for people, the skill is pinned). BlockedError where something else lies in the place of its
    files: another cycle may release it, and has to propose it again."""
    known = hub.state().proposals[proposal.id]
    if known.status == "passed":
        fence()
        try:
            known = _unless_done(hub, proposal, lambda: hub.release(proposal.id, stage=stage))
        except UpgradeNeededError:
            raise
        except (BadInputError, VerifyError):
            return False
    return known.status == "released"


def finish(
    hub: Hub,
    *,
    stage: Callable[[Proposal], Stage],
    counts: Callable[[str], bool],
    fence: Callable[[], None],
) -> tuple[list[Proposal], list[Aside]]:
    """Release what a cycle that was cut off while it released had let through: these proposals, in the log's
    order; and those whose text could not be read, or is not what the log says of it. The next cycle tries
    them again, and they hold up none of the others.

    Only where nothing became of the skill since, and every session that it cites still `counts`: else the
    cycle proposes anew. What no release follows may not be all that was to be proposed: it is asked for
    again, about the same skills, so that the answers are known.
    """
    done: list[Proposal] = []
    aside: list[Aside] = []
    state = hub.state()
    last = max((one.seq for skill in state.skills.values() for one in skill.releases), default=0)
    for known in sorted(state.proposals.values(), key=lambda one: one.seq):
        skill = state.skills.get(known.skill)
        current = skill.current if skill is not None else None
        later = skill is not None and (skill.pinned or any(r.seq > known.seq for r in skill.releases))
        if known.status != "passed" or known.author is not None or current != known.base or later:
            continue
        if known.seq > last:
            continue
        try:
            proposal = recorded(hub, known)
        except (BadInputError, StorageError, VerifyError) as error:
            aside.append(Aside(what=f"{known.skill} ({known.id})", reason=_unread(error)))
            continue
        if proposal.engine == "person" or proposal.engine.startswith(HOST):
            continue  # whoever sent it sees to it
        items = proposal.sidecar.items if proposal.sidecar is not None else []
        cited = {ref.session for item in items for ref in item.evidence}
        cited |= {ref.session for ref in proposal.against}
        if not all(counts(session) for session in cited):
            continue
        try:
            if release(hub, proposal, stage(proposal), fence=fence):
                done.append(proposal)
        except BlockedError as error:
            aside.append(Aside(what=f"{known.skill} ({known.id})", reason=_unread(error)))
    return done, aside


def end_outdated(hub: Hub, *, fence: Callable[[], None]) -> None:
    """Reject what waits for a release that the log takes no more, since its skill is another by now. A canary
    may yet be rolled back, and what it replaced is current then; what is archived may be brought back: such
    ones wait."""
    state = hub.state()
    for known in list(state.proposals.values()):
        if known.status not in ("held", "passed"):
            continue
        changed = outdated(state, known, _instead(hub, known))
        skill = state.skills.get(changed)
        if not changed or (skill is not None and (skill.stage == "canary" or skill.current is None)):
            continue
        reason = f"{changed} is another by now than the one that it was made for."
        fence()
        try:
            verdicts = [*known.verdicts, Verdict(check=OUTDATED, verdict="reject", reason=reason)]
            hub.record_verdicts(known.id, verdicts, "rejected")
        except UpgradeNeededError:
            raise
        except BadInputError:
            continue  # somebody decided it meanwhile


def _instead(hub: Hub, known: ProposalState) -> Retired | None:
    """What is to stand in the place of the skill that a proposal retires, if its record says so."""
    if known.action != "retire":
        return None
    try:
        return recorded(hub, known).instead
    except (BadInputError, StorageError, VerifyError):
        return None  # lost, newer, or not what the log says: nobody can release it here anyway


def _unread(error: Exception) -> str:
    """Why what was proposed is not to be had, in one line."""
    told = " ".join(str(error).split("\n")) if isinstance(error, SkillClawError) else ""
    return told or "Its object holds no proposal. See all that does not hold: skillclaw hub verify"


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
