"""The small interface of every suite: a task gives a workspace, an instruction and a grader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from skillclaw.headless.tasks.model import Grade, Message, Tool, ToolResult, Workspace
from skillclaw.sandbox import Mount
from skillclaw.trajectory.model import Record

__all__ = ["Grade", "Message", "Rule", "Suite", "Task", "Template", "Tool", "ToolResult", "Workspace"]


class Template(Record, frozen=True, kw_only=True):
    """A kind of task. Its instances differ in names, dates and data; `rules` name what they all need."""

    id: str
    category: str
    rules: tuple[str, ...] = ()


class Task(Record, frozen=True, kw_only=True):
    """One instance of a template, drawn with a seed: the same seed gives the same task, byte for byte.

    `timeout` is the wall time in seconds that an agent may take.
    """

    suite: str
    id: str
    template: str
    category: str
    seed: int
    instruction: str
    rules: tuple[str, ...] = ()
    timeout: float = 300.0


class Rule(Record, frozen=True, kw_only=True):
    """Something that holds in the suite's world and that no instruction says: only experience tells it.

    `say` are ways in which a person who knows it would say it after seeing it broken.
    """

    id: str
    say: tuple[str, ...]


class Suite(Protocol):
    """A set of templates with their data and graders."""

    name: str

    def templates(self) -> Sequence[Template]:
        """All of them, in a fixed order."""
        ...

    def rules(self) -> Mapping[str, Rule]:
        """The rules by id; empty for a suite without any."""
        ...

    def draw(self, template: str, seed: int) -> Task:
        """An instance. Where a suite has a fixed number of instances, seeds go round through them."""
        ...

    def open(
        self, task: Task, folder: Path, *, socket: Path | None = None, mounts: Sequence[Mount] = ()
    ) -> AbstractContextManager[Workspace]:
        """The task's workspace, made in the empty `folder`. With `socket` (see `sandbox.open_box`) programs
        in its room reach the model; `mounts` are what an agent needs to have in it."""
        ...

    def grade(self, task: Task, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        """Judge what lies in the workspace and what was said. It changes nothing, so that it can be asked
        after every thing said."""
        ...

    def curated(self) -> Path | None:
        """A folder of skills written by hand by people who know the rules (the ceiling); None without."""
        ...
