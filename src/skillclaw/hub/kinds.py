"""The body of each kind of commit, as strict records; docs/hub-log.md describes them for readers.

A body with an unknown, missing or ill-formed field makes its commit void. A kind or a field that is added
later therefore needs a new format version (`v`), so that older readers stop instead of reading otherwise.
`LATER` says which fields came with which format; a commit is written in the least that has all of its fields.
`sig` and `proof` are signatures over what `statements.statement` makes of the fields: by them a member
speaks, whoever writes the commit.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from skillclaw.hub.records import Role
from skillclaw.skills.records import Action, Effect, Verdict
from skillclaw.trajectory.model import Ready

__all__ = [
    "BODIES",
    "LATER",
    "Approval",
    "Archive",
    "Body",
    "CountsEntry",
    "InviteEntry",
    "Join",
    "KeyAdd",
    "KeyRevoke",
    "Leave",
    "Pin",
    "Promote",
    "ProposalEntry",
    "ReleaseEntry",
    "RetiredEntry",
    "Revoke",
    "Rollback",
    "Rotate",
    "SettingsEntry",
    "Tombstone",
    "Uninvite",
    "VerdictEntry",
    "VoteEntry",
    "body_of",
    "format_of",
    "is_moment",
]

# `\Z`, since `$` would let a line feed follow
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=64)]
Signature = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
Label = Annotated[str, msgspec.Meta(max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Cases = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Spent = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]
Policy = Literal["solo", "team", "strict"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def is_moment(text: str) -> bool:
    """Whether `text` is a time as commits have it, so that two can be compared as text."""
    return _MOMENT.fullmatch(text) is not None


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, metaclass=Ready):
    """Base of the bodies."""


class SettingsEntry(msgspec.Struct, frozen=True, kw_only=True, metaclass=Ready):
    """`settings`: the group's settings, merged by key; null takes a key out. Read here are only

    policy     what the group asks of a change
    policies   by skill: what is asked of its changes, where that is stricter
    reviewers  how many different people have to approve what needs people
    """

    policy: Policy | None = None
    policies: Annotated[dict[Name, Policy], msgspec.Meta(max_length=1000)] | None = None
    reviewers: Literal[1, 2] | None = None


class KeyAdd(Body, frozen=True, kw_only=True):
    """`key-add`: admits a key with a role."""

    public: Hash
    role: Role
    name: Text = ""
    sealing: Hash | Literal[""] = ""


class KeyRevoke(Body, frozen=True, kw_only=True):
    """`key-revoke`: nothing that the key's member signs counts, with this key or those before and after."""

    public: Hash


class InviteEntry(Body, frozen=True, kw_only=True):
    """`invite`: who has the one-time key to `public` may join."""

    public: Hash
    role: Literal["member", "reviewer", "evolver", "importer"]
    expires: Moment
    name: Label = ""
    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Uninvite(Body, frozen=True, kw_only=True):
    """`uninvite`: nobody joins with the invite any more."""

    public: Hash


class Join(Body, frozen=True, kw_only=True):
    """`join`: a key is admitted by an invite; `sig` is by the invite's key, `proof` by the new one."""

    invite: Hash
    public: Hash
    name: Label = ""
    sealing: Hash | Literal[""] = ""
    sig: Signature
    proof: Signature


class Leave(Body, frozen=True, kw_only=True):
    """`leave`: the key's member goes; `sig` is by that key."""

    public: Hash
    sig: Signature


class Rotate(Body, frozen=True, kw_only=True):
    """`rotate`: `new` takes the place of `old`; `sig` is by the old key, `proof` by the new one."""

    old: Hash
    new: Hash
    sealing: Hash | Literal[""] = ""
    upto: Annotated[int, msgspec.Meta(ge=0, le=10**18)] = 0
    sig: Signature
    proof: Signature


class RetiredEntry(Body, frozen=True, kw_only=True):
    """A skill that a release archives, at the version that is current then."""

    skill: Name
    version: Hash


class ProposalEntry(Body, frozen=True, kw_only=True):
    """`proposal`: makes a proposal known; `version` is that of its bundle, None for `retire`.

    One that a member sent has its key as `author`, with its signature. `scope`, `project` and `retires` say
    what its release has to say (`releasing.py`); None: one of before format 2, or on one's own hub.
    """

    id: Id
    skill: Name
    action: Action
    base: Hash | None
    object: Hash
    version: Hash | None = None
    author: Hash | None = None
    sig: Signature | Literal[""] = ""
    scope: Literal["global", "project"] | None = None
    project: Text | None = None
    retires: Annotated[list[RetiredEntry], msgspec.Meta(max_length=20)] = []


class VerdictEntry(Body, frozen=True, kw_only=True):
    """`verdict`: what the gate said of a proposal."""

    proposal: Id
    verdicts: list[Verdict]
    status: Literal["passed", "held", "rejected"]


class VoteEntry(Body, frozen=True, kw_only=True):
    """`vote`: what a member thinks of a proposal; `sig` is by the member's key."""

    proposal: Id
    public: Hash
    vote: Literal["approve", "against"]
    reason: Reason = ""
    n: Count = 1
    sig: Signature


class CountsEntry(Body, frozen=True, kw_only=True):
    """`counts`: how a member's own cases went with a proposal; `object` is what it tried, `sig` is by its
    key. Of format 2."""

    proposal: Id
    object: Hash
    public: Hash
    won: Cases
    lost: Cases
    tied: Cases = 0
    void: Cases = 0
    model: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{0,32}\Z")] = ""
    calls: Spent = 0
    tokens: Spent = 0
    seconds: Spent = 0
    skillclaw: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z.+-]{0,32}\Z")] = ""
    n: Count = 1
    sig: Signature


class Approval(Body, frozen=True, kw_only=True):
    """`approval`: a person lets a proposal through; `note` says why, for the group."""

    proposal: Id
    note: Reason = ""


class ReleaseEntry(Body, frozen=True, kw_only=True):
    """`release`: makes a version the current one; the skills of `retires` are archived with it. `share`, of
    a canary: in what part of the blocks a client has it (arms.py); None: some clients always, as before
    format 2.
    """

    skill: Name
    version: Hash
    base: Hash | None
    object: Hash
    sidecar: Hash | None = None
    proposal: Id | None = None
    stage: Literal["canary", "stable", "unproven"] = "stable"
    scope: Literal["global", "project"] = "global"
    project: Text | None = None
    retires: Annotated[list[RetiredEntry], msgspec.Meta(max_length=20)] = []
    share: Share | None = None


class Promote(Body, frozen=True, kw_only=True):
    """`promote`: the current version becomes stable, or stable but `unproven`; `effect` was measured."""

    skill: Name
    version: Hash
    base: Hash
    stage: Literal["stable", "unproven"] = "stable"
    why: Reason = ""
    effect: Effect | None = None


class Rollback(Body, frozen=True, kw_only=True):
    """`rollback`: an earlier version, or none, becomes the current one; `effect`: what was measured;
    `returns`: of the skills that the release had taken in, those that come back; None: all archived ones.
    `stays`: a person says it of a skill that is at that version already, so that `base` stays away."""

    skill: Name
    version: Hash | None
    base: Hash
    why: Reason = ""
    effect: Effect | None = None
    returns: list[Name] | None = None
    stays: Literal[True] | None = None


class Pin(Body, frozen=True, kw_only=True):
    """`pin`: the evolver may not change the skill, or may again."""

    skill: Name
    pinned: bool


class Archive(Body, frozen=True, kw_only=True):
    """`archive`: the skill has no current version any more. `stays`: a person says it of one that has none
    already, so that what was released of it, such as `base`, stays away."""

    skill: Name
    base: Hash
    proposal: Id | None = None
    why: Reason = ""
    stays: Literal[True] | None = None


class Revoke(Body, frozen=True, kw_only=True):
    """`revoke`: a version, or with null all, is unsafe: every copy goes to quarantine. `stays`: a person says
    it of what is revoked already."""

    skill: Name
    version: Hash | None = None
    why: Text = ""
    stays: Literal[True] | None = None


class Tombstone(Body, frozen=True, kw_only=True):
    """`tombstone`: the session with this key is left out of every later cycle.

    `client` is the key of the member whose session it is, who signs that; None: of the hub's own machine.
    """

    key: Id
    client: Hash | None = None
    sig: Signature | Literal[""] = ""


BODIES: dict[str, Any] = {
    "settings": SettingsEntry,
    "key-add": KeyAdd,
    "key-revoke": KeyRevoke,
    "invite": InviteEntry,
    "uninvite": Uninvite,
    "join": Join,
    "leave": Leave,
    "rotate": Rotate,
    "proposal": ProposalEntry,
    "verdict": VerdictEntry,
    "vote": VoteEntry,
    "counts": CountsEntry,
    "approval": Approval,
    "release": ReleaseEntry,
    "promote": Promote,
    "rollback": Rollback,
    "pin": Pin,
    "archive": Archive,
    "revoke": Revoke,
    "tombstone": Tombstone,
}
"""The kinds that a log knows."""

LATER: dict[str, dict[str, int]] = {
    "counts": {"proposal": 2},
    "proposal": {"scope": 2, "project": 2, "retires": 2},
    "settings": {"policies": 2, "reviewers": 2},
    "approval": {"note": 2},
    "release": {"share": 2},
    "promote": {"why": 2, "effect": 2},
    "rollback": {"why": 2, "effect": 2, "returns": 3, "stays": 4},
    "archive": {"why": 2, "stays": 4},
    "revoke": {"stays": 5},
}
"""By kind: fields that format 1 does not know, and the format that they came with."""


def format_of(kind: str, body: dict[str, Any]) -> int:
    """The least format that has all fields of `body`."""
    later = LATER.get(kind, {})
    return max((later[name] for name in body if name in later), default=1)


def body_of(kind: str, body: dict[str, Any], version: int) -> dict[str, Any]:
    """What a commit of format `version` says. In settings any key may stand, so that there a key of a later
    format was one without a meaning to those who read it first, and has none for anybody."""
    later = LATER.get(kind, {})
    if kind != "settings" or all(later.get(name, 1) <= version for name in body):
        return body
    return {name: value for name, value in body.items() if later.get(name, 1) <= version}
