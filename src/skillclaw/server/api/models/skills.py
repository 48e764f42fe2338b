"""Proposals and skills as the API tells them, and what it takes of decisions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from skillclaw.server.api.models.base import Action, Given, Interval, ProposalStatus, Reason, Stage

__all__ = [
    "Approval",
    "ApprovalNote",
    "Change",
    "Check",
    "File",
    "Item",
    "Known",
    "Line",
    "Note",
    "Origin",
    "Pin",
    "Proposal",
    "ProposalDetail",
    "ReleaseEffect",
    "Rollback",
    "RolledBack",
    "Shown",
    "Skill",
    "SkillDetail",
    "Told",
    "Vote",
    "Why",
]


class Known(BaseModel):
    """A pattern that a line rests on; null where the last cycle does not have it any more."""

    id: str
    kind: str | None = None
    title: str | None = None
    sessions: int | None = None
    users: int | None = None
    odds_ratio: float | None = None
    ci: Interval | None = None


class Proposal(BaseModel):
    """A proposal as the group's log has it."""

    id: str
    skill: str
    action: Action
    base: str | None
    version: str | None
    status: ProposalStatus
    time: str
    seq: int = Field(description="Number of its entry in the log.")
    by_member: bool = Field(description="A member sent it; else it is the evolver's own.")
    approvals: int
    votes: int
    why_not: list[str] = Field(description="What holds or refuses it.")


class Check(BaseModel):
    """What a decision needs here."""

    approve: bool
    reject: bool
    why_not: str = Field(description="Why this server cannot do what it cannot; empty where it can.")


class Approval(BaseModel):
    """Who approved."""

    name: str = Field(description="As the log names the key; members choose these names themselves.")
    role: str
    key: str = Field(description="How the public key begins.")
    note: str = Field(description="What was said with it; empty for nothing.")
    counts: bool = Field(description="It is one of the approvals that are needed.")


class Vote(BaseModel):
    """What a member thinks of it."""

    name: str
    vote: str
    reason: str


class File(BaseModel):
    """A file of the new version."""

    path: str
    size: int
    executable: bool


class Item(BaseModel):
    """A line of a skill with how many stand behind it."""

    id: str
    kind: str
    section: str
    text: str
    patterns: list[str]
    sessions: int
    users: int
    agents: list[str]
    first_day: str | None
    last_day: str | None
    odds_ratio: float | None
    ci: Interval | None
    helpful: int
    harmful: int
    new: bool | None = Field(
        default=None, description="Of a proposal: the version before does not have the line."
    )


class Change(BaseModel):
    """The change as `diff -u` writes it; `cut`: it is longer than what is shown, or too large to compare."""

    text: str
    cut: bool


class ProposalDetail(Proposal):
    """A proposal with all that a decision on it needs."""

    why: str
    engine: str
    scope: Literal["global", "project"]
    retires: list[str]
    diff: Change
    files: list[File]
    items: list[Item]
    verdicts: list[Reason]
    approved_by: list[Approval]
    voted: list[Vote]
    policy: Literal["solo", "team", "strict"] = Field(description="Under which the skill changes.")
    needs: str = Field(description="What is missing, as a sentence; empty where it is decided.")
    decide: Check


class Shown(BaseModel):
    """A session that a proposal cites, as reviewers may see it: cut short, masked again, nobody named."""

    session: str
    person: int = Field(description="Counts people within this proposal.")
    agent: str
    day: str
    success: bool | None
    steps: list[int]
    patterns: list[str]
    text: str | None = Field(description="Null where the session is gone or was taken back.")


class Note(Given):
    """Why somebody decides so; the log keeps it."""

    note: str = Field(default="", max_length=2000)


class ApprovalNote(Given):
    """What somebody says with an approval; the log keeps it."""

    note: str = Field(default="", max_length=500)


class Skill(BaseModel):
    """A skill of a group as the log has it."""

    name: str
    current: str | None
    stage: Stage
    pinned: bool
    versions: int


class SkillDetail(Skill):
    """A skill with its current text and its lines' evidence."""

    description: str
    text: str = Field(description="SKILL.md; empty where there is no current version.")
    files: list[File]
    engine: str
    items: list[Item]


class ReleaseEffect(BaseModel):
    """What a version did, by its switchback arms; null where nothing can be compared. Rates are 0 to 1."""

    endpoint: Literal["event", "outcome"] = Field(
        description="event: the failing action came back (less is better); outcome: success."
    )
    treated_n: int
    control_n: int
    clients: int
    blocks: int
    treated_rate: float | None
    control_rate: float | None
    difference: float | None
    ci: Interval | None
    helps: float | None = Field(description="E-value that it helps; chance reaches 20 in 1 of 20 at most.")
    harms: float | None
    read_n: int
    read_rate: float | None
    method: str


class Told(BaseModel):
    """One thing that became of a version."""

    what: Literal["release", "promote", "rollback", "return", "archive", "revoke"]
    time: str
    seq: int = Field(description="Number of its entry in the log.")
    by: str = Field(description="Who signed it, as the log names the key.")
    text: str = Field(description="The same as a sentence.")
    why: str
    effect: ReleaseEffect | None


class SoFar(BaseModel):
    """What was seen of a canary up to then: how many sessions there are, and what is missing."""

    time: str
    why: str


class Line(BaseModel):
    """A version of a skill in its log, with its story."""

    version: str
    stage: Stage
    base: str | None
    proposal: str | None
    time: str
    seq: int
    scope: Literal["global", "project"]
    current: bool
    share: float | None = Field(
        description="Of a canary: the part of the days on which a client has it; null: some clients always."
    )
    because: str = Field(description="Why it was proposed; empty where no proposal tells.")
    approved_by: list[Approval]
    told: list[Told] = Field(description="From its release on; the oldest first.")
    undecided: bool = Field(description="A canary of which nobody has said yet what becomes of it.")
    so_far: SoFar | None = Field(
        default=None, description="Of one that is undecided: what the last cycle on this machine saw of it."
    )


class Rollback(Given):
    """Where to go back to. With `current` it is done only while that version is the current one, so that the
    same request twice is not two steps back."""

    to: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = Field(
        default=None, description="A version, or how it begins; null: the one before."
    )
    current: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    why: str = Field(default="", max_length=500, description="The reason, which the log keeps.")


class RolledBack(BaseModel):
    """What is current now; null: nothing."""

    skill: str
    version: str | None


class Pin(Given):
    """Whether cycles leave the skill as it is."""

    pinned: bool


class Origin(BaseModel):
    """Where a line came from: the version that first had it, and what was decided of it."""

    version: str
    time: str
    stage: Stage
    engine: str
    proposal: str | None
    action: Action | None
    why: str
    verdicts: list[Reason]
    approved_by: list[Approval]
    voted: list[Vote]


class Why(BaseModel):
    """Why a line of a skill exists. An `item` without evidence is a person's own line."""

    skill: str
    version: str
    file: str
    line: int | None = Field(
        description="First line of the item in the file, from 1; null for an item that stands in no line."
    )
    item: Item
    patterns: list[Known]
    origin: Origin
