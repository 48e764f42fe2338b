"""What passes between an engine and the building of proposals."""

from __future__ import annotations

from typing import Literal

from skillclaw.errors import BadInputError
from skillclaw.evolve.evolvers import Current
from skillclaw.skills.edits import Edit
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.model import Record

__all__ = ["Draft", "DraftAction", "DraftError", "Target"]

DraftAction = Literal["create", "refine", "describe", "retire", "skip"]


class Target(Record, frozen=True, kw_only=True):
    """What one proposal is about: a skill, there already (`base`) or not, and the patterns that belong to it.

    project  the project that it holds in; None: everywhere
    job      the one job that it is about, as users name it; empty where it is about several, or about a tool
    asked    what users say when they ask for that job
    tasks    task clusters that its patterns were seen in
    named_for_job  a new skill is called by its job, not by its topic
    """

    skill: str
    topic: str
    project: str | None = None
    patterns: list[Pattern]
    base: Current | None = None
    job: str = ""
    asked: str = ""
    tasks: list[str] = []
    named_for_job: bool = False


class Draft(Record, frozen=True, kw_only=True):
    """What an engine wants done with one target. It is data from a model: nothing in it is taken on trust.

    why          one sentence for people; what was left out, and why, belongs here too
    description  of the frontmatter; empty: it stays (a new skill needs one)
    title        of a new skill; empty: from the topic
    edits        items and patterns by id, or by the labels that `labels` gives them
    """

    action: DraftAction
    why: str = ""
    description: str = ""
    title: str = ""
    edits: list[Edit] = []


class DraftError(BadInputError):
    """A draft cannot become a proposal. `why` tells every fault, one a line, so that its author can mend it;
    `faults` holds them one by one."""

    def __init__(self, skill: str, faults: list[str]) -> None:
        self.faults = faults
        super().__init__(f"The draft for {skill} cannot become a proposal.", "\n".join(faults))
