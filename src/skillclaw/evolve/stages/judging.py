"""Fourth stage: the gate judges, the log is told, and what passed is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from skillclaw import gate
from skillclaw.errors import BlockedError, BusyError, StorageError, in_one_line
from skillclaw.evolve.counts import keep_counts
from skillclaw.evolve.forgotten import FORGOTTEN, verdicts_of
from skillclaw.evolve.fresh import keep_marks
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.receipts import with_receipts
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.evolve.replay.telling import waiting_topics, waits
from skillclaw.evolve.report import Judged
from skillclaw.evolve.rollouts import keep_events
from skillclaw.evolve.settle import DECIDED, end_outdated, proposal_version, release, settle
from skillclaw.evolve.stages.proposing import Proposed
from skillclaw.evolve.stages.run import Asked, Run
from skillclaw.evolve.stages.standing import Standing
from skillclaw.evolve.taking import Aside
from skillclaw.evolve.tried import only_outdated, remember
from skillclaw.evolve.undecided import keep_undecided
from skillclaw.hub import Hub, HubState
from skillclaw.hub.approval import policy_of, stricter
from skillclaw.hub.proposing import origins
from skillclaw.skills.records import Proposal, Verdict, content_id

__all__ = ["Decided", "judge", "keep"]

ALWAYS = 1.0
"""Share of the days on which a canary is there: all of them."""


@dataclass(frozen=True)
class Decided:
    """What the gate said of each proposal (those that votes decided first); what passed, in a dry run would
    pass; what was released now, by this cycle or for an earlier one; topics that are proposed from again;
    what could not be written."""

    judged: list[Judged]
    passed: list[Proposal] = field(default_factory=list)
    released: list[Proposal] = field(default_factory=list)
    later: set[str] = field(default_factory=set)
    aside: list[Aside] = field(default_factory=list)


def judge(
    run: Run, standing: Standing, proposed: Proposed, context: gate.GateContext, replayer: Replayer | None
) -> Decided:
    """Judge all, write all verdicts, then release: so who takes over finds what was decided (`settle`)."""
    if not run.dry_run and not run.private:  # what a group's policy is, its owner says
        _settle_policy(run.hub, standing.state, run.asked)
    found = Decided(judged=list(standing.judged), released=list(standing.finished))
    judging = context.with_replayer(replayer)
    waiting = standing.waiting
    voted = {one.proposal.id for one in standing.judged}
    for at, proposal in enumerate(proposed.proposals):
        if proposal.id in voted:
            continue  # what the votes of this cycle decided is told once
        if proposal.skill in waiting or not waiting.isdisjoint(gone.skill for gone in proposal.retires):
            # One change of a skill at a time; what is known by then is proposed once this is decided.
            found.later.update(pattern.topic for pattern in proposal.patterns)
            continue
        run.progress(at, len(proposed.proposals), f"judging {proposal.skill}")
        proposal = _anew(proposal, standing.state)
        others = origins(standing.state, proposal)
        rules = run.asked.of(proposal.skill, *others)
        result = _known(proposal, standing.state) or _judged(
            proposal, judging.under(rules), _leaving(run.asked, proposal, others)
        )
        if result is None:
            continue
        result = _as_logged(result, standing.state)
        found.judged.append(result)
        if result.known or waits(result, replayer):
            continue
        if result.verdict == "open":  # asked again each time, so that a job that is gone is written anew
            found.later.update(pattern.topic for pattern in proposal.patterns)
        passed = result.verdict == "passed"
        if not run.dry_run:
            try:
                result, passed = _settled(run, result, context)
            except BlockedError as error:  # something else is in its place: that is no reason to stop
                _set_aside(found, proposal, f"the proposal of {proposal.skill}", error)
                found.judged.pop()
                continue
        if passed:
            found.passed.append(result.proposal)
    if not run.dry_run:
        _release(run, found)
    return found


def keep(
    run: Run,
    mined: Mined,
    standing: Standing,
    proposed: Proposed,
    decided: Decided,
    replayer: Replayer | None,
) -> None:
    """Remember what need not be done again, once everything is decided."""
    again = {*proposed.given.failed, *decided.later, *waiting_topics(decided.judged, replayer)}
    keep_marks(run.memory, proposed.marks, again)
    if run.votes is not None:
        run.votes.sweep(run.fence)
    end_outdated(run.hub, fence=run.fence)
    proposed.cared.keep(run.memory)
    keep_undecided(run.home, standing.rolled, run.now)
    keep_counts(run.home, mined.patterns)


def _settled(run: Run, result: Judged, context: gate.GateContext) -> tuple[Judged, bool]:
    """The proposal as the log has it, and whether it may be released."""
    run.check_forgotten()
    proposal = with_receipts(result.proposal, context.base(result.proposal), run.receipt)
    result = msgspec.structs.replace(result, proposal=proposal)
    remember(run.memory, proposal)
    ask = run.votes.ask if run.votes is not None else None
    return result, settle(run.hub, result, private=run.private, fence=run.fence, ask=ask)


def _release(run: Run, found: Decided) -> None:
    for proposal in found.passed:
        run.check_forgotten()
        keep_events(run.memory, proposal, proposal_version(proposal))
        try:
            if release(run.hub, proposal, run.asked.stage(proposal), fence=run.fence):
                found.released.append(proposal)
        except BlockedError as error:
            _set_aside(found, proposal, f"the release of {proposal.skill}", error)


def _set_aside(found: Decided, proposal: Proposal, what: str, error: BlockedError) -> None:
    """One that the storage does not take is told of, and proposed again."""
    found.aside.append(Aside(what=what, reason=in_one_line(error)))
    found.later.update(pattern.topic for pattern in proposal.patterns)


def _settle_policy(hub: Hub, state: HubState, asked: Asked) -> None:
    """The log must know the policies, since its fold enforces approvals; and on one's own hub that canaries
    are there on all days, unless `gate.switchback` says otherwise."""
    before = state.settings.get("canary")
    wanted: dict[str, Any] = {**asked.settings, "canary": None if before == ALWAYS else before}
    if not asked.switchback and {asked.policy, *asked.policies.values()} != {"solo"}:
        wanted["canary"] = ALWAYS
    now = {key: state.settings.get(key) or None for key in wanted}
    changed = {key: value or None for key, value in wanted.items() if (value or None) != now[key]}
    if changed:
        hub.commit("settings", changed, role="owner")


def _anew(proposal: Proposal, state: HubState) -> Proposal:
    """The proposal under another id, where it was ended only since its skill had become another: it is again
    what the proposal was made for."""
    while (known := state.proposals.get(proposal.id)) and known.status == "rejected" and only_outdated(known):
        proposal = replace(proposal, id=content_id("proposal", proposal.id, "anew"))
    return proposal


def _as_logged(result: Judged, state: HubState) -> Judged:
    """The proposal under another id, where the log has other files under its own: an earlier cycle was cut
    off before the verdict, and other lines failed then. A verdict is of the files that were judged."""
    proposal = result.proposal
    while (known := state.proposals.get(proposal.id)) and known.status not in DECIDED:
        made = proposal_version(proposal)
        if known.version == made:
            break
        proposal = replace(proposal, id=content_id("proposal", proposal.id, "pruned", made))
    return replace(result, proposal=proposal)


def _known(proposal: Proposal, state: HubState) -> Judged | None:
    """What was decided of the very same proposal before."""
    known = state.proposals.get(proposal.id)
    if known is None or known.status not in DECIDED:
        return None
    return Judged(proposal=proposal, verdict=known.status, reasons=known.verdicts, known=True)


def _leaving(asked: Asked, proposal: Proposal, others: Sequence[str]) -> list[Verdict]:
    """That lines of a skill with a stricter policy would come under a laxer one: who set it has to know."""
    own = policy_of(asked.settings, proposal.skill)
    for other in others:
        theirs = policy_of(asked.settings, other)
        if stricter([own, theirs]) != own:
            reason = (
                f"It has lines of {other}, whose policy is {theirs!r}; in {proposal.skill} they come under "
                f"{own!r}, unless that skill is given a policy of its own."
            )
            return [Verdict(check="policy", verdict="hold", reason=reason)]
    return []


def _judged(proposal: Proposal, context: gate.GateContext, beside: Sequence[Verdict]) -> Judged | None:
    """The proposal without the lines that fail alone, and the gate's answer; None when it changes nothing."""
    if proposal.engine == FORGOTTEN:
        said = verdicts_of(proposal, context.base(proposal), context.policy)
        return Judged(proposal=proposal, verdict=gate.decide(said), reasons=said)
    try:
        pruned, dropped = gate.prune(proposal, context)
    except (StorageError, BusyError):
        raise
    except Exception:  # a check that breaks on a line breaks in `judge`, too, and rejects this proposal alone
        pruned, dropped = proposal, 0
    if proposal.base is not None and proposal_version(pruned) == proposal.base:
        return None
    verdicts = [*gate.judge(pruned, context), *beside]
    waits_ = context.waits(pruned) and all(one.verdict != "reject" for one in verdicts)
    verdict = "open" if waits_ else gate.decide(verdicts)
    return Judged(proposal=pruned, verdict=verdict, reasons=verdicts, dropped=dropped)
