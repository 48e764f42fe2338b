"""The suites' tasks as cases of a replay (`evolve.replay.cases.TaskSource`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from skillclaw.bench.suites import Suite, Task, load_suite
from skillclaw.evolve.replay.cases import Case
from skillclaw.headless.tasks.model import Grade, Message, Workspace
from skillclaw.sandbox import Mount
from skillclaw.skills.records import content_id

__all__ = ["SuiteTasks", "packaged"]

MOST = 50
"""Instances of a template that are looked at for a task's id."""


class SuiteTasks:
    """The tasks of one suite by the ids that graded sessions have."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    def find(self, task: str) -> Case | None:
        """See `TaskSource.find`."""
        found = self._known.get(task) or self._drawn(task)
        return None if found is None else self.case(found)

    def case(self, task: Task) -> Case:
        """The case that this task is."""
        suite = self._suite

        def room(
            folder: Path, socket: Path | None, mounts: Sequence[Mount]
        ) -> AbstractContextManager[Workspace]:
            return suite.open(task, folder, socket=socket, mounts=mounts)

        def judge(workspace: Workspace, transcript: Sequence[Message]) -> Grade:
            return suite.grade(task, workspace, transcript)

        return Case(
            id=content_id("case", task.suite, task.id, task.seed, task.instruction),
            name=f"{task.suite} {task.id}",
            source="graded",
            instruction=task.instruction,
            timeout=task.timeout,
            room=room,
            judge=judge,
            suite=task.suite,
            seed=task.seed,
        )

    @cached_property
    def _known(self) -> Mapping[str, Task]:
        found: dict[str, Task] = {}
        for template in self._suite.templates():
            for seed in range(MOST):
                task = self._suite.draw(template.id, seed)
                if task.id in found:
                    break  # the seeds have gone round
                found[task.id] = task
        return found

    def _drawn(self, name: str) -> Task | None:
        """A task of a suite that has no end of them, and names them by template and seed."""
        template, _, seed = name.rpartition("-")
        known = {one.id for one in self._suite.templates()}
        if template not in known or not seed.isdecimal() or len(seed) > 9:
            return None
        task = self._suite.draw(template, int(seed))
        return task if task.id == name else None


def packaged() -> list[SuiteTasks]:
    """The suites that come with the package."""
    return [SuiteTasks(load_suite(name)) for name in ("house", "workbench")]
