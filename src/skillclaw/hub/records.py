"""The hub's records: signed commits and the state that a fold over them gives."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.skills.records import Action, Effect, Retired, Verdict
from skillclaw.trajectory.model import Record

__all__ = [
    "Again",
    "Commit",
    "Counts",
    "Event",
    "HubInfo",
    "HubState",
    "Invite",
    "Key",
    "ProposalState",
    "Release",
    "Role",
    "SkillState",
    "Stage",
    "Vote",
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

    v      its format: the least that has all of its fields (`kinds.format_of`)
    prev   sha256 of the bytes of the last valid commit; 64 zeros for the first
    kind   settings | key-add | key-revoke | invite | uninvite | join | leave | rotate | proposal | verdict |
           vote | counts | approval | release | promote | rollback | pin | archive | revoke | tombstone;
           `body` holds that kind's fields (docs/hub-log.md)
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
    """A key that a commit admitted. `sealing` is the evolver's X25519 key, where it has one.

    revoked, left  taken out by an owner; gone by itself
    revoked_at     the entry by which it was revoked, 0 for none
    replaced       the key that took its place (`rotate`), empty while it counts
    ended          when any of these came about (the commit's time)
    first          the key that this member began with, empty for that key itself
    upto           of a replaced key: its messages in the inbox with a lower number still count
    seq            the commit that admitted the member; it goes over to a key that replaces this one
    """

    public: str
    role: Role
    name: str = ""
    sealing: str = ""
    revoked: bool = False
    revoked_at: int = 0
    replaced: str = ""
    left: bool = False
    ended: str = ""
    first: str = ""
    upto: int = 0
    seq: int = 0

    @property
    def active(self) -> bool:
        """Whether it may sign from now on."""
        return not (self.revoked or self.replaced or self.left)

    @property
    def member(self) -> str:
        """What stands for the member whatever key it has by now: the key that it began with."""
        return self.first or self.public


class Invite(Record, frozen=True, kw_only=True):
    """An invite that an owner committed: who has the one-time key to `public` may join with `role`.

    expires    ISO 8601, UTC; a join must be committed by then
    name       what the owner calls who joins with it; empty: as it calls itself
    uses, used how many may join with it; the keys that did
    by         the member who invited; withdrawn: nobody joins with it any more
    """

    public: str
    role: Role
    expires: str
    name: str = ""
    uses: int = 1
    used: list[str] = []
    by: str = ""
    withdrawn: bool = False


class Vote(Record, frozen=True, kw_only=True):
    """What a member thinks of a proposal; `n` counts its votes on it, the highest one counts."""

    vote: Literal["approve", "against"]
    reason: str = ""
    n: int = 1


class Counts(Record, frozen=True, kw_only=True):
    """How a member's own cases went with a proposal against without it (`counts.py`), and what it took there.

    won, lost, tied, void  cases (`gate.replay.deciding`); model: the family of the model that was asked
    calls, tokens, seconds what it cost that machine; skillclaw: the version that tried
    n                      counts the member's counts on this proposal, the highest one counts
    time                   of the commit
    """

    won: int
    lost: int
    tied: int = 0
    void: int = 0
    model: str = ""
    calls: int = 0
    tokens: int = 0
    seconds: int = 0
    skillclaw: str = ""
    n: int = 1
    time: str = ""


class Event(Record, frozen=True, kw_only=True):
    """What became of a version by one commit: entry `seq`, at `time`, signed by the key `by`.

    what    promote; rollback: another version, or none, took its place (`to`); return: it is current again,
            after `to` was rolled back; archive; revoke
    stage   of promote: the stage since then
    skill   of archive and return: the skill whose release took this one in, or gave it back
    why     what was said of it, for people; effect: what had been measured by then
    """

    what: Literal["promote", "rollback", "return", "archive", "revoke"]
    seq: int
    time: str
    by: str
    stage: Stage | None = None
    to: str | None = None
    skill: str = ""
    proposal: str | None = None
    why: str = ""
    effect: Effect | None = None


class Again(Record, frozen=True, kw_only=True):
    """How people brought back what they took away: by a `proposal`, which as many `people` approved after the
    entry `since`."""

    proposal: str
    since: int
    people: int


class Release(Record, frozen=True, kw_only=True):
    """A version that the log made available. `object` and `sidecar` are names under objects/.

    retires  skills that it took in: archived while it is stable, there again when it is rolled back
    share    of a canary by switchback: the part of the blocks in which a client has it; None where it has it
             always or never
    began    the stage that it was released with; by: the key that released it
    reviewers  how many different people had to approve what needed people when it was released, or when one
               person brought it back
    taken    people took it away (`hub.taken`), or approved it before they took something away that it is made
             of; back: the key of who brought it back after that; again: how people together did
    since    the entry by which people had last taken a version of the skill, or of one that it takes in, away
             by then, 0 for none: what was approved before counts for nothing in it
    anew     what it was made from had been taken away: approvals of that are none of this
    story    what became of it, the newest last; `story.MOST` events at most
    """

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
    retires: list[Retired] = []
    share: float | None = None
    began: Stage | None = None
    reviewers: int = 1
    by: str = ""
    taken: bool = False
    back: str = ""
    again: Again | None = None
    since: int = 0
    anew: bool = False
    story: list[Event] = []


class SkillState(Record, frozen=True, kw_only=True):
    """One skill as the log has it. `current` is what clients install; None when nothing is. `taken_at`: the
    entry by which people last took a version of it away, or revoked one, 0 for none; `back_at`: the one by
    which they last said which version is to be there."""

    name: str
    current: str | None
    stage: Stage
    releases: list[Release] = []
    pinned: bool = False
    taken_at: int = 0
    back_at: int = 0

    def release(self, version: str) -> Release | None:
        """The newest release of `version`."""
        return next((r for r in reversed(self.releases) if r.version == version), None)

    def below(self, release: Release) -> list[Release]:
        """What `release` was made from: its base as it was released before, that one's base, and so on."""
        found: list[Release] = []
        while release.base is not None:
            older = [r for r in self.releases if r.version == release.base and r.seq < release.seq]
            if not older:
                break
            release = older[-1]
            found.append(release)
        return found


class ProposalState(Record, frozen=True, kw_only=True):
    """One proposal as the log has it; `object` is the proposal's record under objects/.

    `version` is that of its bundle (None for `retire`), so that nothing else is released in its name;
    `author` the key of the member who proposed it, None for the evolver's own; `by` the key that wrote it
    into the log, `judged_by` the one that gave the verdicts; `votes` and `counts` are by member,
    `approved_at` the entries of the approvals, `notes` what people said with them, by their keys. `scope`,
    `project`, `retires` are what its release has to say; None: any, as before format 2 and on one's own hub.
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
    approved_at: list[int] = []
    notes: dict[str, str] = {}
    by: str = ""
    judged_by: str = ""
    author: str | None = None
    votes: dict[str, Vote] = {}
    counts: dict[str, Counts] = {}
    seq: int = 0
    time: str = ""
    scope: Literal["global", "project"] | None = None
    project: str | None = None
    retires: list[Retired] = []


class HubState(Record, frozen=True, kw_only=True):
    """The fold of the log up to `seq`. `head`: hash of the last valid commit; `void`: refused commits.

    `tombstones` are sessions of the hub's own machine, `withdrawn` those of members (by `Key.member`).
    """

    group: str
    seq: int
    head: str
    settings: dict[str, Any] = {}
    keys: dict[str, Key] = {}
    skills: dict[str, SkillState] = {}
    proposals: dict[str, ProposalState] = {}
    tombstones: list[str] = []
    withdrawn: dict[str, list[str]] = {}
    invites: dict[str, Invite] = {}
    void: int = 0
