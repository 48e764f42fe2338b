"""What a task is to an agent and to its grader, whatever suite, folder or session it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skillclaw.headless.model import Message
from skillclaw.sandbox import Box
from skillclaw.trajectory.model import Record

__all__ = ["Grade", "Message", "Tool", "ToolResult", "Work", "Workspace"]


class Work(Protocol):
    """What an agent needs to know of a task: ids and seed name its session, `timeout` is the wall time in
    seconds that it may take."""

    @property
    def suite(self) -> str:
        """Where the task is from."""

    @property
    def id(self) -> str:
        """Its name there."""

    @property
    def seed(self) -> int:
        """What it was drawn with."""

    @property
    def timeout(self) -> float:
        """Seconds."""


class Grade(Record, frozen=True, kw_only=True):
    """What became of a task. `score` is 0 to 1; `success` is the suite's own line through it.

    `broken` are the rules that the work broke; `reason` says in one line why it did not succeed. `error` is
    set when the grader itself failed: such a result is counted apart, never as a failure of the agent.
    """

    success: bool
    score: float
    criteria: Mapping[str, float] = {}
    broken: tuple[str, ...] = ()
    reason: str = ""
    error: str = ""


class Tool(Record, frozen=True, kw_only=True):
    """A tool of a workspace. `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class ToolResult(Record, frozen=True, kw_only=True):
    """What a tool call gave back."""

    text: str
    is_error: bool = False


class Workspace(Protocol):
    """A task made ready to be worked on."""

    tools: Sequence[Tool]
    box: Box | None
    """The room in which programs of this task run; None where the task is worked on by its tools alone."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool. What an agent can get wrong (name, arguments, a failing command) is a result with
        `is_error`, never an exception."""
        ...
