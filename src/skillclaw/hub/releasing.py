"""What of a release is not for its signer to choose. Pure.

People approve a proposal for one place (`scope`, `project`) with the skills that it takes in (`retires`); a
proposal of format 2 says them, and its release has to say the same. And in a group the evolver's key releases
canaries alone, in the share of blocks that the group's settings name: else who stole the key gives everybody
at once, or nobody ever, what a group means to measure first. People are free in that.
"""

from __future__ import annotations

from typing import Any

from skillclaw.hub import arms, kinds
from skillclaw.hub.approval import policy_of
from skillclaw.hub.records import HubState, Key, ProposalState
from skillclaw.hub.void import Void
from skillclaw.skills.records import Proposal, Retired

__all__ = ["check_place", "check_release", "place", "retired", "told_place"]


def place(record: Proposal, settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `proposal` entry that say where the proposal belongs. None where nothing asks for
    people, so that who reads format 1 goes on reading a hub of one's own."""
    if policy_of(settings, record.skill, *(gone.skill for gone in record.retires)) == "solo":
        return {}
    said: dict[str, Any] = {"scope": record.scope}
    if record.project is not None:
        said["project"] = record.project
    if record.retires:
        said["retires"] = record.retires
    return said


def told_place(known: ProposalState, record: Proposal) -> bool:
    """Whether the record belongs where the log says, which what is older than format 2 does not say."""
    here = (record.scope, record.project, record.retires)
    return known.scope is None or (known.scope, known.project, known.retires) == here


def retired(entries: list[kinds.RetiredEntry]) -> list[Retired]:
    """The same as records."""
    return [Retired(skill=gone.skill, version=gone.version) for gone in entries]


def check_place(state: HubState, body: kinds.ProposalEntry) -> None:
    """Void where a proposal's entry contradicts itself in this, or leaves out what the group's proposals say
    by now: whoever wrote one that says it, or read it since, says it too, unless they want it released for
    another place than people were shown."""
    if (body.scope == "project") != (body.project is not None):
        raise Void("a project is named where the scope is project, and only there")
    if body.retires and (body.scope is None or body.action != "merge"):
        raise Void("only a merge that says its scope retires other skills")
    told = any(known.scope is not None for known in state.proposals.values())
    if body.scope is None and told and policy_of(state.settings, body.skill) != "solo":
        raise Void("proposals of this group say their scope")


def check_release(state: HubState, signer: Key, body: kinds.ReleaseEntry) -> None:
    """Void where the release is not for its proposal's place or, of an evolver's key in a group, no canary
    that is measured. `state` is that before the release, which was let through."""
    proposal = state.proposals.get(body.proposal or "")
    says = proposal is not None and proposal.scope is not None
    if proposal is not None and proposal.scope is not None:
        if (body.scope, body.project) != (proposal.scope, proposal.project):
            raise Void("scope or project differ from the proposal's")
        if retired(body.retires) != proposal.retires:
            raise Void("the skills that it retires differ from the proposal's")
    if signer.role != "evolver":
        return
    if policy_of(state.settings, body.skill, *(gone.skill for gone in body.retires)) == "solo":
        return
    if body.stage != "canary":
        raise Void("an evolver's release is a canary first")
    # Before format 2 a canary had no share; a proposal of that time is released as it was then.
    if (body.share is not None or says) and body.share != arms.share_of(state.settings):
        raise Void("the share of an evolver's canary is the one that the group's settings name")
