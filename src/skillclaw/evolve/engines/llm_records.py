"""What a model answers in each stage of the engine `llm`.

The fields stand in the order in which a model should think: what it sees first, what follows from it last.
Labels are those of the dossier (P1, L3) or of the question (session 1).
"""

from __future__ import annotations

from typing import Literal

from skillclaw.trajectory.model import Record

__all__ = ["Attribution", "Change", "Digest", "Digests", "LineKind", "NewLine", "NewSkill", "Revision"]

LineKind = Literal["condition", "step", "fix", "pitfall", "fact", "example"]
"""The kinds of lines that a model writes; scripts are found by counting, not by wording."""


class Digest(Record, frozen=True, kw_only=True):
    """What one session teaches. `session` is its number in the question."""

    session: int
    goal: str
    worked: list[str]
    failed: list[str]
    corrected: list[str]
    skills: str = ""


class Digests(Record, frozen=True, kw_only=True):
    """The digests of the sessions of one question, in their order."""

    sessions: list[Digest]


class Attribution(Record, frozen=True, kw_only=True):
    """Why sessions with the skill go wrong: whose fault, which lines (L3), seen in what (P1)."""

    why: str
    fault: Literal["skill", "agent", "environment", "none"]
    items: list[str]
    evidence: list[str]


class NewLine(Record, frozen=True, kw_only=True):
    """One line of a new skill; `task` names the procedure that a step belongs to."""

    kind: LineKind
    text: str
    evidence: list[str]
    task: str = ""


class NewSkill(Record, frozen=True, kw_only=True):
    """A new skill, or the decision that there is nothing to teach."""

    why: str
    title: str = ""
    description: str = ""
    lines: list[NewLine] = []
    action: Literal["create", "skip"]


class Change(Record, frozen=True, kw_only=True):
    """One change to a skill: a line added (optionally after another), or line `item` changed or dropped."""

    op: Literal["add", "change", "drop", "move"]
    item: str = ""
    kind: LineKind = "fact"
    text: str = ""
    evidence: list[str] = []
    task: str = ""
    after: str = ""


class Revision(Record, frozen=True, kw_only=True):
    """Changes to a skill, a new description, its retirement, or the decision to leave it."""

    why: str
    action: Literal["refine", "describe", "retire", "skip"]
    description: str = ""
    changes: list[Change] = []
