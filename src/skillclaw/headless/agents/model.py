"""The small interface of every agent: told something, it works in the workspace and answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from skillclaw.headless.model import Endpoint
from skillclaw.headless.tasks.model import Message, Work, Workspace
from skillclaw.sandbox import Mount
from skillclaw.trajectory.model import Record

__all__ = ["Agent", "Conversation", "Endpoint", "Reply"]


class Reply(Record, frozen=True, kw_only=True):
    """What came of one thing said.

    `steps` are tool calls; tokens as the model's server counts them (0 where it doesn't say). `late`: the
    task's time ended before the agent was done, which is the agent's own failure and no error; `error` is set
    when it could not go on (a broken model server).
    """

    text: str
    steps: int
    tokens_in: int
    tokens_out: int
    seconds: float
    late: bool = False
    error: str = ""


class Conversation(Protocol):
    """One session of an agent on one task."""

    @property
    def transcript(self) -> Sequence[Message]:
        """All of it so far, as Chat Completions messages."""
        ...

    def say(self, text: str) -> Reply:
        """Tell the agent something as its user, and wait until it is done with it or the task's time ends."""
        ...


class Agent(Protocol):
    """A platform, or the built-in minimal one."""

    @property
    def name(self) -> str:
        """As `load_agent` knows it."""
        ...

    def mounts(self, home: Path, state: Path) -> Sequence[Mount]:
        """What the room of a task needs for this agent besides the task's own: to be handed to
        `Suite.open`. `state` is an empty folder made for one conversation, which programs in the room write
        and the host never reads. Raises UsageError when the agent's program is not installed."""
        ...

    def open(
        self, task: Work, workspace: Workspace, endpoint: Endpoint, *, home: Path, seed: int
    ) -> AbstractContextManager[Conversation]:
        """Start a session. Skills are in the folders under `home` that the platform reads
        (`.agents/skills`, `.claude/skills`); `seed` is for the model's sampling."""
        ...
