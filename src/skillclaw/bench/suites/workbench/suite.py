"""The suite `workbench`: 690 office tasks, worked on with 27 tools, judged by what became of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skillclaw.bench.suites.model import Grade, Message, Rule, Task, Template, Tool, ToolResult, Workspace
from skillclaw.bench.suites.workbench import published
from skillclaw.bench.suites.workbench.calls import TOOLS, execute, replay
from skillclaw.bench.suites.workbench.judge import changed, differences, reason
from skillclaw.bench.suites.workbench.published import Given
from skillclaw.bench.suites.workbench.registry import schema
from skillclaw.bench.suites.workbench.tables import TODAY, Office, RefusedError
from skillclaw.errors import UsageError
from skillclaw.sandbox import Box, Mount

__all__ = ["LEARNING", "WHEN", "OfficeWorkspace", "WorkBenchSuite"]

LEARNING = 7
"""Instances 1 to 7 of each template are for learning, 8 to 10 are held out."""

WHEN = f"It is Thursday, {TODAY}, 00:00. Meetings are held from 09:00 to 18:00."
"""Said with every task: the recorded agents were told as much, and no tool tells it."""

_SHOWN = tuple(schema(tool) for tool in TOOLS.values())


class OfficeWorkspace:
    """An office of one task, worked on by its tools alone."""

    box: Box | None = None

    def __init__(self, office: Office) -> None:
        self.office = office
        self.tools: Sequence[Tool] = _SHOWN

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Names are understood as exposed (`calendar__search_events`) and as recorded
        (`calendar.search_events`). A refusal is a result with `is_error`."""
        try:
            found = execute(self.office, name, arguments)
        except RefusedError as refusal:
            return ToolResult(text=str(refusal), is_error=True)
        return ToolResult(text=found if isinstance(found, str) else json.dumps(found, ensure_ascii=False))


class WorkBenchSuite:
    """All tasks of WorkBench, from the folder `data` (`trajectories.jsonl.gz` and `databases/`) or, without
    it, from the package, which holds them all as well.

    A template has ten instances and seeds go round through them: seed 0 is instance 1. `learning_seeds` and
    `held_out_seeds` are the split; a run that needs more seeds takes theirs again.
    Raises StorageError or BadInputError where `data` is not what was published.
    """

    name = "workbench"

    def __init__(self, data: Path | None = None) -> None:
        self._base = published.read_office(data / "databases" if data else published.OFFICE)
        self._given: dict[str, Given] = {}
        self._instances: dict[str, list[Given]] = {}
        source = data / "trajectories.jsonl.gz" if data else published.TASKS
        for given in published.read_tasks(source):
            self._given[given.id] = given
            self._instances.setdefault(given.template, []).append(given)

    def templates(self) -> Sequence[Template]:
        return [Template(id=name, category=found[0].domain) for name, found in self._instances.items()]

    def rules(self) -> Mapping[str, Rule]:
        return {}

    def learning_seeds(self, template: str) -> Sequence[int]:
        """The seeds of the instances to learn from: 1 to 7."""
        return range(min(LEARNING, len(self._of(template))))

    def held_out_seeds(self, template: str) -> Sequence[int]:
        """The seeds of the instances that learning must never see: 8 to 10."""
        return range(LEARNING, len(self._of(template)))

    def draw(self, template: str, seed: int) -> Task:
        found = self._of(template)
        given = found[seed % len(found)]
        return Task(
            suite=self.name,
            id=given.id,
            template=template,
            category=given.domain,
            seed=seed,
            instruction=f"{given.query}\n\n{WHEN}",
        )

    @contextmanager
    def open(
        self, task: Task, folder: Path, *, socket: Path | None = None, mounts: Sequence[Mount] = ()
    ) -> Iterator[Workspace]:
        """A fresh office. Nothing is put into `folder`, and there is no room that could use `socket`."""
        del task, folder, socket, mounts
        yield OfficeWorkspace(self._base.fresh())

    def grade(self, task: Task, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        """Success is tables like those that the expected calls leave, whatever was said.

        `criteria` are the tables, and `side_effects`: 0 when something was changed and it isn't right.
        """
        del transcript
        given = self._given.get(task.id)
        if given is None or not isinstance(workspace, OfficeWorkspace):
            return Grade(success=False, score=0.0, error=f"{task.id} is not a task of this suite's office.")
        expected = self._base.fresh()
        replay(expected, given.gold)
        found = differences(workspace.office, expected)
        criteria = {name: float(name not in found) for name in expected.kept()}
        criteria["side_effects"] = float(not (found and changed(workspace.office, self._base)))
        return Grade(success=not found, score=float(not found), criteria=criteria, reason=reason(found))

    def curated(self) -> Path:
        return Path(__file__).parent / "skills"

    def _of(self, template: str) -> list[Given]:
        if template not in self._instances:
            raise UsageError(
                f"There is no template {template!r} in workbench.",
                "",
                f"They are named like {next(iter(self._instances))}.",
            )
        return self._instances[template]
