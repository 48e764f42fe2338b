"""Proposals and skills as the API tells them, and what it takes of decisions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from skillclaw.server.api.models.base import Action, Given, Interval, ProposalStatus, Reason, Stage

__all__ = [
    "Approval",
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
    "Rollback",
    "RolledBack",
    "Shown",
    "Skill",
    "SkillDetail",
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
    why_not: str = Field(description="Why this server can do neither; empty where it can.")


class Approval(BaseModel):
    """Who approved."""

    name: str = Field(description="As the log names the key; members choose these names themselves.")
    role: str
    key: str = Field(description="How the public key begins.")


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
    """Why somebody decides so."""

    note: str = Field(default="", max_length=2000)


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


class Line(BaseModel):
    """A version of a skill in its log."""

    version: str
    stage: Stage
    base: str | None
    proposal: str | None
    time: str
    seq: int
    scope: Literal["global", "project"]
    current: bool


class Rollback(Given):
    """Where to go back to. With `current` it is done only while that version is the current one, so that the
    same request twice is not two steps back."""

    to: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = Field(
        default=None, description="A version, or how it begins; null: the one before."
    )
    current: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


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
