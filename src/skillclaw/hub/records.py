"""The hub's records: signed commits and the state that a fold over them gives (DESIGN 3.3, 7.4)."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.skills.records import Action, Verdict
from skillclaw.trajectory.model import Record

__all__ = [
    "Commit",
    "HubInfo",
    "HubState",
    "Key",
    "ProposalState",
    "Release",
    "SkillState",
    "Stage",
]

Stage = Literal["canary", "stable", "unproven", "archived", "revoked"]
Role = Literal["owner", "evolver", "reviewer", "member", "importer"]


class HubInfo(Record, frozen=True, kw_only=True):
    """`hub.json`: written once when the hub is made. `owner` is the founder's Ed25519 key (hex)."""

    v: int = 1
    group: str
    owner: str
    created: str


class Commit(Record, frozen=True, kw_only=True):
    """One entry of the log.

    prev   sha256 of the bytes of the last valid commit; 64 zeros for the first
    kind   settings | key-add | key-revoke | proposal | verdict | approval | release | promote |
           rollback | pin | archive | revoke | tombstone; `body` holds that kind's fields (docs/formats.md)
    signer the Ed25519 public key (hex); sig over the record without `sig`
    """

    v: int = 1
    seq: int
    prev: str
    time: str
    kind: str
    body: dict[str, Any]
    signer: str
    sig: str = ""


class Key(Record, frozen=True, kw_only=True):
    """A key that a commit admitted. `sealing` is the evolver's X25519 key, where it has one."""

    public: str
    role: Role
    name: str = ""
    sealing: str = ""
    revoked: bool = False


class Release(Record, frozen=True, kw_only=True):
    """A version that the log made available. `object` and `sidecar` are names under objects/."""

    skill: str
    version: str
    object: str
    sidecar: str | None
    base: str | None
    proposal: str | None
    stage: Stage
    seq: int
    time: str
    scope: Literal["global", "project"] = "global"
    project: str | None = None


class SkillState(Record, frozen=True, kw_only=True):
    """One skill as the log has it. `current` is what clients install; None when nothing is."""

    name: str
    current: str | None
    stage: Stage
    releases: list[Release] = []
    pinned: bool = False

    def release(self, version: str) -> Release | None:
        """The newest release of `version`."""
        return next((r for r in reversed(self.releases) if r.version == version), None)


class ProposalState(Record, frozen=True, kw_only=True):
    """One proposal as the log has it; `object` is the proposal's record under objects/.

    `version` is that of its bundle (None for `retire`), so that nothing else is released in its name.
    """

    id: str
    skill: str
    action: Action
    base: str | None
    object: str
    version: str | None = None
    status: Literal["open", "passed", "held", "rejected", "released"]
    verdicts: list[Verdict] = []
    approvals: list[str] = []
    seq: int = 0
    time: str = ""


class HubState(Record, frozen=True, kw_only=True):
    """The fold of the log up to `seq`. `head`: hash of the last valid commit; `void`: refused commits."""

    group: str
    seq: int
    head: str
    settings: dict[str, Any] = {}
    keys: dict[str, Key] = {}
    skills: dict[str, SkillState] = {}
    proposals: dict[str, ProposalState] = {}
    tombstones: list[str] = []
    void: int = 0
