"""The platforms' CLIs as agents at tasks: each thing said is one headless run in the task's room."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from skillclaw.errors import UsageError
from skillclaw.headless.agents.model import Endpoint, Reply
from skillclaw.headless.model import HOME, Platform
from skillclaw.headless.programs import Program, find
from skillclaw.headless.run import Headless
from skillclaw.headless.tasks.model import Message, Work, Workspace
from skillclaw.sandbox import Mount

__all__ = ["CliAgent"]

SKILLS = (".agents/skills", ".claude/skills")


class CliAgent:
    """An agent that is a program of its own.

    label    sets sessions apart that have the same task and seed, where the platform takes an id
    program  where the program is, already found; for tests
    """

    def __init__(self, platform: Platform, *, label: str = "", program: Program | None = None) -> None:
        self.name = platform.name
        self._platform, self._label, self._found = platform, label, program

    def mounts(self, home: Path, state: Path) -> Sequence[Mount]:
        """The program, the skills in `home`, and `state` (an empty folder) as the HOME of one conversation.

        Raises UsageError when the program is not installed.
        """
        skills = [
            Mount(outside=home / folder, inside=f"{HOME}/{folder}")
            for folder in SKILLS
            if (home / folder).is_dir()
        ]
        return [Mount(outside=state, inside=HOME, writable=True), *skills, *self._program().mounts]

    def _program(self) -> Program:
        if self._found is None:
            self._found = find(self._platform.program, self._platform.title, self._platform.install)
        return self._found

    @contextmanager
    def open(
        self, task: Work, workspace: Workspace, endpoint: Endpoint, *, home: Path, seed: int
    ) -> Iterator[_Conversation]:
        """See `Agent.open`. The workspace's room must have been opened with `mounts` and a socket."""
        platform = self._platform
        if not endpoint.model or not endpoint.base_url:
            raise UsageError(
                f"No model is configured for {platform.title}.",
                "It needs a model's name and a base URL that speaks its API.",
                "Name both, and lead the base URL through the proxy's prefix of this agent.",
            )
        if workspace.box is None:
            raise UsageError(
                f"{platform.title} cannot work on tasks of {task.suite}.",
                "It works in a room with files and commands, and this suite has tools alone.",
                "Take the agent minimal for it.",
            )
        named = json.dumps([self._label, task.suite, task.id, task.seed, seed])
        session = str(uuid.uuid5(uuid.NAMESPACE_URL, named))
        headless = Headless(platform, self._program(), workspace.box, endpoint, session)
        headless.settle()
        yield _Conversation(headless, task.timeout)


class _Conversation:
    def __init__(self, headless: Headless, seconds: float) -> None:
        self._headless, self._left = headless, seconds

    @property
    def transcript(self) -> Sequence[Message]:
        """See `Conversation.transcript`."""
        return self._headless.transcript

    def say(self, text: str) -> Reply:
        """See `Conversation.say`."""
        turn = self._headless.say(text, self._left)
        self._left -= turn.seconds
        return Reply(
            text=turn.text,
            steps=turn.steps,
            tokens_in=turn.tokens_in,
            tokens_out=turn.tokens_out,
            seconds=turn.seconds,
            late=turn.late,
            error=turn.error,
        )
