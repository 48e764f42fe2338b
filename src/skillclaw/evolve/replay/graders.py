"""Graders: what looks at a workspace after the agent has left it. Each runs in a closed room, over a copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skillclaw.evolve.replay.cases import Judge
from skillclaw.headless.tasks.folders import GRADE, FolderWorkspace
from skillclaw.headless.tasks.model import Grade, Message, Workspace

__all__ = ["by_checks", "by_exit"]

PASSING = 1.0
"""The score from which a task with checks counts as solved."""


def by_exit(
    script: str, *, python_source: bool = False, laid: Path | None = None, seconds: float = GRADE.seconds
) -> Judge:
    """Exit code 0 of `script` is 1, any other 0 (see `FolderWorkspace.grade_by_exit`)."""

    def judge(workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        return _folder(workspace).grade_by_exit(
            script, transcript, python_source=python_source, laid=laid, seconds=seconds
        )

    return judge


def by_checks(checks: str) -> Judge:
    """The score that `grade()` in `checks` gives, 0 to 1 (see `FolderWorkspace.grade`)."""

    def judge(workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        return _folder(workspace).grade(checks, transcript, passing=PASSING)

    return judge


def _folder(workspace: Workspace) -> FolderWorkspace:
    if not isinstance(workspace, FolderWorkspace):
        raise TypeError("this grader is for workspaces that are folders")
    return workspace
