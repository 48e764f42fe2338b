"""A proposal that a member sent, as it goes into the hub: checked, without evidence that is only claimed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec.structs import replace

from skillclaw.errors import BadInputError, GoneError, VerifyError
from skillclaw.hub.membership import member
from skillclaw.hub.messages import Message
from skillclaw.hub.releasing import place, told_place
from skillclaw.skills.bundle import check_files, check_name, version
from skillclaw.skills.records import (
    HOST,
    PROPOSAL_FORMAT,
    SIDECAR_FORMAT,
    Item,
    Proposal,
    Sidecar,
    record_in,
)

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.records import HubState, ProposalState

__all__ = ["Objects", "check_proposal", "origins", "propose_anew", "recorded", "store_proposal"]

_ID = re.compile(r"m-[0-9a-f]{8}-[A-Za-z0-9._-]{1,64}")
"""A member's proposal: its key, and what `inbox.send` was given. Ids are told beside what the gate said and
copied into commands, so that nothing in one may read as more than an id."""
_PROJECT = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""A project's id, which is told beside the change."""
MAX_OPEN = 20
"""Proposals of one member that may wait for a decision at a time."""
_record = msgspec.json.Encoder(order="deterministic")


class Objects(Protocol):
    """Where objects lie."""

    def get_object(self, name: str) -> bytes:
        """The bytes of object `name`."""


def check_proposal(message: Message) -> Proposal:
    """The proposal in the message; BadInputError where it cannot be one of a member."""
    try:
        record = msgspec.convert(message.body.get("proposal"), Proposal)
    except msgspec.ValidationError as error:
        raise BadInputError("A message holds no proposal.", f"its body is wrong: {error}") from error
    reason = _fault(record)
    if reason:
        raise BadInputError("A proposal does not hold what it should.", reason)
    check_name(record.skill)
    if record.bundle is not None:
        check_files(record.bundle.files)
    return record


def _fault(record: Proposal) -> str:
    # No machine of today could read what is stored then, and to upgrade it would not help.
    if record.v > PROPOSAL_FORMAT or (record.sidecar is not None and record.sidecar.v > SIDECAR_FORMAT):
        return "it is of a newer format than is known here"
    if not _ID.fullmatch(record.id):
        return "its id is not m-, eight digits of a key, and up to 64 letters and digits"
    if record.action == "retire" and record.base is None:
        return "it retires no version"
    if (record.bundle is None) != (record.action == "retire"):
        return "a proposal has files, unless it retires a skill"
    if record.bundle is not None and record.bundle.name != record.skill:
        return "its files are of another skill"
    if record.sidecar is not None and record.sidecar.skill != record.skill:
        return "its sidecar is of another skill"
    made = version(record.bundle) if record.bundle is not None else None
    if record.sidecar is not None and made is not None and record.sidecar.version != made:
        return "its sidecar is of another version"
    if record.engine != "person" and not record.engine.startswith(HOST):
        return "a member's proposal is by a person or an agent, not by an evolver"
    if record.project is not None and not _PROJECT.fullmatch(record.project):
        return "its project is told by no id"
    if (record.scope == "project") != (record.project is not None):
        return "a project is named where the scope is project, and only there"
    if record.retires or record.against:
        return "a member's proposal retires no other skill and cites no sessions"
    if len(record.why) > 2000:
        return "its reason is too long"
    return ""


def recorded(hub: Objects, known: ProposalState) -> Proposal:
    """The record of a proposal. VerifyError where it is about anything else than the log says of it: what
    people read is what they approve, and it is the log's version that can be released then.
    """
    record = record_in(hub.get_object(known.object), Proposal)
    bundle = record.bundle
    told = (record.id, record.skill, record.action, record.base, version(bundle) if bundle else None)
    if told != (known.id, known.skill, known.action, known.base, known.version) or (
        (bundle is not None and bundle.name != known.skill) or not told_place(known, record)
    ):
        raise VerifyError(
            f"Proposal {known.id} is not what its object holds.",
            "The log names another skill, base, version or place than the text is of.",
            "Do not approve it. Tell the group's owner: the key of who wrote it may be stolen.",
        )
    return record


def propose_anew(known: ProposalState) -> str:
    """What to do with a proposal that cannot be approved as it is."""
    return (
        f"Reject it: skillclaw proposals reject {known.id}. An evolver proposes it again with new evidence, "
        f"a person with: skillclaw skills propose {known.skill}"
    )


def origins(state: HubState, record: Proposal) -> list[str]:
    """The other skills that its lines come from: those that it takes in, and those it is split off."""
    parents = set(record.sidecar.parents) if record.sidecar is not None else set[str]()
    split_off = {
        name for name, skill in state.skills.items() if any(one.version in parents for one in skill.releases)
    }
    return sorted({*split_off, *(gone.skill for gone in record.retires)} - {record.skill})


def store_proposal(hub: Hub, message: Message, record: Proposal) -> dict[str, Any]:
    """Store the proposal as an object; returns the body of its commit.

    Patterns are left out, and of the sidecar's evidence stays what the base version has for the same item:
    a member vouches for the text, not for what others did.
    """
    state = hub.last_state()
    author = member(state, message.client)
    waiting = [
        known
        for known in state.proposals.values()
        if known.author is not None
        and member(state, known.author) == author
        and known.status in ("open", "held", "passed")
    ]
    if len(waiting) >= MAX_OPEN:
        raise BadInputError(
            "Too many proposals wait.", f"{len(waiting)} proposals of this member wait for a decision already"
        )
    own = [one.id for one in state.proposals.values() if one.author and member(state, one.author) == author]
    if any(one != record.id and (one.startswith(record.id) or record.id.startswith(one)) for one in own):
        raise BadInputError(
            "A proposal does not hold what it should.", "its id begins as another's, or another's does as it"
        )
    skill = state.skills.get(record.skill)
    if record.action == "retire" and (skill is None or skill.release(record.base or "") is None):
        raise BadInputError(
            "A proposal does not hold what it should.", "it retires a version that was never released"
        )
    kept = _known_items(hub, record)
    sidecar = record.sidecar
    if sidecar is not None:
        items = [item if item in kept else replace(item, **_BARE) for item in sidecar.items]
        sidecar = replace(sidecar, items=items)
    record = replace(record, sidecar=sidecar, patterns=[], shown=[])
    return {
        "id": record.id,
        "skill": record.skill,
        "action": record.action,
        "base": record.base,
        "object": hub.put_object(_record.encode(record)),
        "version": version(record.bundle) if record.bundle is not None else None,
        "author": message.client,
        "sig": str(message.body.get("sig")),
        **place(record, state.settings),
    }


_BARE: dict[str, Any] = {
    "patterns": [],
    "evidence": [],
    "odds_ratio": None,
    "ci": None,
    "helpful": 0,
    "harmful": 0,
}


def _known_items(hub: Hub, record: Proposal) -> list[Item]:
    """The items of the version that the proposal changes."""
    skill = hub.last_state().skills.get(record.skill)
    release = skill.release(record.base) if skill is not None and record.base is not None else None
    if release is None or release.sidecar is None:
        return []
    try:
        return record_in(hub.get_object(release.sidecar), Sidecar).items
    except (BadInputError, GoneError, VerifyError):
        return []
