"""The body of each kind of commit, as strict records; docs/hub-log.md describes them for readers.

A body with an unknown, missing or ill-formed field makes its commit void. A kind or a field that is added
later therefore needs a new format version (`v`), so that older readers stop instead of reading otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from skillclaw.hub.records import Role
from skillclaw.skills.records import Action, Verdict

__all__ = [
    "BODIES",
    "Approval",
    "Archive",
    "Body",
    "KeyAdd",
    "KeyRevoke",
    "Pin",
    "Promote",
    "ProposalEntry",
    "ReleaseEntry",
    "Revoke",
    "Rollback",
    "SettingsEntry",
    "Tombstone",
    "VerdictEntry",
]

# `\Z`, since `$` would let a line feed follow
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=64)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Policy = Literal["solo", "team", "strict"]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the bodies."""


class SettingsEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`settings`: the group's settings, merged by key; null takes a key out. Only `policy` is read here."""

    policy: Policy | None = None


class KeyAdd(Body, frozen=True, kw_only=True):
    """`key-add`: admits a key with a role."""

    public: Hash
    role: Role
    name: Text = ""
    sealing: Hash | Literal[""] = ""


class KeyRevoke(Body, frozen=True, kw_only=True):
    """`key-revoke`: nothing that this key signs from here on counts."""

    public: Hash


class ProposalEntry(Body, frozen=True, kw_only=True):
    """`proposal`: makes a proposal known; `version` is that of its bundle, None for `retire`."""

    id: Id
    skill: Name
    action: Action
    base: Hash | None
    object: Hash
    version: Hash | None = None


class VerdictEntry(Body, frozen=True, kw_only=True):
    """`verdict`: what the gate said of a proposal."""

    proposal: Id
    verdicts: list[Verdict]
    status: Literal["passed", "held", "rejected"]


class Approval(Body, frozen=True, kw_only=True):
    """`approval`: a person lets a proposal through."""

    proposal: Id


class ReleaseEntry(Body, frozen=True, kw_only=True):
    """`release`: makes a version the current one."""

    skill: Name
    version: Hash
    base: Hash | None
    object: Hash
    sidecar: Hash | None = None
    proposal: Id | None = None
    stage: Literal["canary", "stable", "unproven"] = "stable"
    scope: Literal["global", "project"] = "global"
    project: Text | None = None


class Promote(Body, frozen=True, kw_only=True):
    """`promote`: the current version becomes stable, or stable but `unproven`."""

    skill: Name
    version: Hash
    base: Hash
    stage: Literal["stable", "unproven"] = "stable"


class Rollback(Body, frozen=True, kw_only=True):
    """`rollback`: an earlier version, or none, becomes the current one."""

    skill: Name
    version: Hash | None
    base: Hash


class Pin(Body, frozen=True, kw_only=True):
    """`pin`: the evolver may not change the skill, or may again."""

    skill: Name
    pinned: bool


class Archive(Body, frozen=True, kw_only=True):
    """`archive`: the skill has no current version any more."""

    skill: Name
    base: Hash
    proposal: Id | None = None


class Revoke(Body, frozen=True, kw_only=True):
    """`revoke`: a version, or with null all, is unsafe: every copy goes to quarantine."""

    skill: Name
    version: Hash | None = None
    why: Text = ""


class Tombstone(Body, frozen=True, kw_only=True):
    """`tombstone`: the session with this key is left out of every later cycle."""

    key: Id


BODIES: dict[str, Any] = {
    "settings": SettingsEntry,
    "key-add": KeyAdd,
    "key-revoke": KeyRevoke,
    "proposal": ProposalEntry,
    "verdict": VerdictEntry,
    "approval": Approval,
    "release": ReleaseEntry,
    "promote": Promote,
    "rollback": Rollback,
    "pin": Pin,
    "archive": Archive,
    "revoke": Revoke,
    "tombstone": Tombstone,
}
"""The kinds that a log of format 1 knows."""
