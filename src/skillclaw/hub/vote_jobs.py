"""Voting jobs: what members' machines are asked to try, `jobs/votes/<proposal>/job.json`. Pure.

A job holds what is to be tried and what it is to be tried on, told by shapes alone: no session, no reference
to one, and no word that the proposal itself does not publish (`evolve.signatures`). An evolver signs it; who
works on it claims one of its slots (claims.py), and says what came of it in the log (counts.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Literal

import msgspec

from skillclaw.errors import UpgradeNeededError, VerifyError
from skillclaw.hub.keys import SigningKey
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.hub.signed import opened, signed
from skillclaw.skills.records import ActionShape, PatternKind, Verdict
from skillclaw.trajectory.model import Record

__all__ = [
    "FOLDER",
    "MAX_JOB",
    "NAMES",
    "Signature",
    "VoteJob",
    "VoteRules",
    "asked",
    "folder_of",
    "place_of",
    "proposal_of",
    "read",
    "slot_of",
    "votable",
    "write",
]

FOLDER = "jobs/votes"
MAX_JOB = 256 * 1024
"""Bytes of a job; a longer one is void."""
NAMES = 1000
"""Names below FOLDER that are looked at in one go: members write there, and nobody has to read a flood."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_WORD = "vote job"


class VoteRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The group's setting `votes`: when the votes of machines decide.

    needed    members for whom it helps, at least; as many against end it
    voters    members that are asked at a time
    share     of those who say anything, the part that it has to help
    cases     that could be tried, of all of them together, at least
    lost      cases that a member may lose and still say that it helps
    hours     until it is decided without them
    required  wait for people where they said too little by then; else it goes on as without votes
    """

    needed: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    voters: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    share: Annotated[float, msgspec.Meta(gt=0.5, le=1)] = 0.66
    cases: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    lost: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    hours: Annotated[float, msgspec.Meta(ge=0.001, le=24 * 90)] = 72.0
    required: bool = False

    def __post_init__(self) -> None:
        if self.voters < self.needed:
            raise ValueError("voters cannot be fewer than needed")


class Signature(Record, frozen=True, kw_only=True):
    """What tells a machine's own sessions of this kind: one pattern of the proposal, masked.

    failed, actions  what goes wrong and what works, as shapes without examples
    error            template of the error; terms: words of what is asked
    """

    kind: PatternKind
    topic: str = ""
    failed: ActionShape | None = None
    error: str = ""
    actions: list[ActionShape] = []
    terms: list[str] = []


class VoteJob(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One job.

    object    the proposal's record under objects/, which the log names too
    verdicts  what the gate's other checks said, so that any evolver can finish the proposal
    sources   whose sessions it was made from, so that their votes do not count: a code for each, of this
              proposal alone, which only evolvers can make (evidence names people the same everywhere)
    created, expires  UTC, by the evolver's clock
    """

    v: int = 1
    proposal: str
    object: str
    skill: str
    patterns: list[Signature] = []
    rules: VoteRules = VoteRules()
    verdicts: list[Verdict] = []
    sources: list[str] = []
    created: str
    expires: str
    signer: str = ""
    sig: str = ""


def votable(proposal: str) -> bool:
    """Whether a proposal's id can name a job; those that evolvers give can."""
    return _ID.fullmatch(proposal) is not None


def folder_of(proposal: str) -> str:
    """Where all of a job lies."""
    return f"{FOLDER}/{proposal}"


def place_of(proposal: str) -> str:
    """Where the job itself lies."""
    return f"{folder_of(proposal)}/job.json"


def slot_of(proposal: str, slot: int) -> str:
    """The name of the claim on one of its slots (claims.py)."""
    return f"votes/{proposal}/slot-{slot}"


def proposal_of(name: str) -> str:
    """The proposal that an object below FOLDER belongs to; empty where its name is none of a job's."""
    found = name.split("/")[2] if name.count("/") >= 3 else ""
    return found if votable(found) else ""


def asked(state: HubState, names: Collection[str], *statuses: str) -> list[ProposalState]:
    """Evolvers' proposals in one of these states that there may be a job of, by id. `names` lie below FOLDER;
    where NAMES of them were read there may be more, and the log alone says which proposals those can be."""
    told = {proposal_of(name) for name in names} if len(names) < NAMES else None
    return [
        known
        for key, known in sorted(state.proposals.items())
        if known.status in statuses
        and known.author is None
        and votable(key)
        and (told is None or key in told)
    ]


def write(job: VoteJob, group: str, key: SigningKey) -> bytes:
    """The bytes of a job, signed."""
    return signed(_WORD, group, job, key)


def read(data: bytes, state: HubState, proposal: str) -> VoteJob:
    """The job that lies there for `proposal`; VerifyError where it does not hold, UpgradeNeededError for a
    newer format that an evolver signed."""
    if len(data) > MAX_JOB:
        raise VerifyError(f"it is longer than {MAX_JOB} bytes")
    raw = opened(_WORD, state.group, data)
    signer = state.keys.get(str(raw.get("signer")))
    if signer is None or signer.role != "evolver" or signer.revoked or signer.left:
        raise VerifyError("its signer is no evolver of the group")
    if raw.get("proposal") != proposal:  # as every format says it: a copy of another one's says nothing here
        raise VerifyError("it is about another proposal")
    version: int | Literal[""] = raw.get("v", "")
    if isinstance(version, int) and version > 1:
        raise UpgradeNeededError("Upgrade needed: a voting job is of a newer format.", place_of(proposal))
    try:
        found = msgspec.convert(raw, VoteJob)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise VerifyError(f"it does not hold what it should: {error}") from error
    known = state.proposals.get(proposal)
    if found.v != 1 or found.proposal != proposal:
        raise VerifyError("it was made for another place")
    if known is not None and known.object != found.object:
        raise VerifyError("it is of something else than what was proposed")
    return found
