"""`metaclaw`: a checkout of MetaClaw-Bench, one round at a time.

A template is a round of a day; its one instance begins with the workspace as shipped, holding that day's
folder alone, as in the original. The original asks a day's rounds one after the other, and many of its checks
count what the whole day has made (`--min-count 3`). A round drawn alone cannot meet these, and there are no
reference files to put in. So where a check counts to more than one, or reads a file that only an earlier
round makes, the instruction asks for the day's earlier files first (`earlier` decides); the check, unchanged,
stays the only verdict. Figures are therefore not those of the original's leaderboard.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from skillclaw.bench.suites.metaclaw_data import Check, Day, Round, find, read_days
from skillclaw.bench.suites.metaclaw_grade import DATED, GRADING, grade_choice, grade_files, looks_at
from skillclaw.bench.suites.metaclaw_needs import earlier, lacking
from skillclaw.bench.suites.model import Grade, Message, Rule, Task, Template, Tool, ToolResult, Workspace
from skillclaw.errors import BadInputError, StorageError, UsageError, in_one_line
from skillclaw.headless.tasks.folders import INSIDE, FolderWorkspace, open_folder
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import Box, Mount, leftovers, open_box

__all__ = ["MetaClawSuite"]

TIMEOUT = 300.0
"""Seconds for a round; the original names none."""


class MetaClawSuite:
    """The suite `metaclaw` on a checkout of aiming-lab/MetaClaw (or of ClawArena's data/metaclaw-bench).

    A day that cannot be read is set aside, and a round whose check nobody could meet with what there is;
    `check` names them. Raises BadInputError where there are no questions, no workspace or no day that can be
    read, naming what is lacking.
    """

    name = "metaclaw"

    def __init__(self, checkout: Path, runner: str = "auto") -> None:
        self.place = find(checkout)
        self.runner = runner

    @cached_property
    def days(self) -> Sequence[Day]:
        """All days that can be read, in order. Raises BadInputError where there is none, for the first."""
        read = list(read_days(self.place))
        days = tuple(day for day in read if isinstance(day, Day))
        if not days:
            raise next(problem for problem in read if isinstance(problem, BadInputError))
        return days

    @cached_property
    def rounds(self) -> Mapping[str, tuple[Day, Round]]:
        """Every round that can be worked on by the id of its template, `<day>_<round>`."""
        return {
            f"{day.id}_{one.id}": (day, one)
            for day in self.days
            for one in day.rounds
            if not lacking(day, one, self.place.workspace)
        }

    def check(self) -> Check:
        """What the checkout holds, without stopping at the first problem."""
        days: list[Day] = []
        problems, closed = [], 0
        if absent := [
            str(test["id"]) for test in self.place.tests if not self.place.questions(test).exists()
        ]:
            problems.append(f"Without questions.json: {', '.join(absent)}.")
        for test, day in zip(self.place.tests, read_days(self.place), strict=True):
            if isinstance(day, BadInputError):
                if test["id"] not in absent:
                    problems.append(f"{test['id']} is set aside: {day.what} {day.why}".rstrip())
                continue
            days.append(day)
            if not (self.place.workspace / day.id).is_dir():
                problems.append(f"The workspace has no folder {day.id}.")
            for one in day.rounds:
                if why := lacking(day, one, self.place.workspace):
                    closed += 1
                    problems.append(f"{day.id}_{one.id} is set aside: {why}.")
        if days and not any(day.opening for day in days):
            problems.append("No day has a session before its first round: nothing tells an agent the date.")
        kinds = Counter("file_check" if one.command else "multi_choice" for day in days for one in day.rounds)
        return Check(
            days=len(days),
            listed=len(self.place.tests),
            rounds=kinds.total(),
            open=kinds.total() - closed,
            kinds=dict(kinds),
            problems=tuple(problems),
        )

    def templates(self) -> Sequence[Template]:
        """One for each round; the category is the day's arc."""
        return [
            Template(id=name, category=_category(day), rules=_tags(day, one))
            for name, (day, one) in self.rounds.items()
        ]

    def rules(self) -> Mapping[str, Rule]:
        """One for each preference; `say` are the corrections of the days that bring it up first."""
        said: dict[str, list[str]] = {}
        for day in self.days:
            new = [tag for tag in day.tags if tag not in said]
            for tag in new:
                said[tag] = []
            for tag in new or day.tags[-1:]:
                # Days follow in arcs: until the next preference comes, corrections are about the newest.
                said[tag] += [one.incorrect for one in day.rounds if one.incorrect]
        return {tag: Rule(id=tag, say=tuple(dict.fromkeys(texts))) for tag, texts in said.items()}

    def correction(self, task: Task) -> str:
        """What the benchmark's own user says when this round goes wrong; the right letters for a choice."""
        _, one = self._of(task)
        if one.command:
            return one.incorrect
        return "\n".join(one.notes[letter] for letter in sorted(one.notes) if letter in one.answer)

    def combinations(self, template: str) -> int:
        """One: a task of a checkout is what it is."""
        del template
        return 1

    def draw(self, template: str, seed: int) -> Task:
        """The round. It has one instance, whatever the seed."""
        if template not in self.rounds:
            raise UsageError(f"metaclaw has no template {template!r}.")
        day, one = self.rounds[template]
        before = earlier(day, one, self.place.workspace)
        parts = [day.opening] if day.opening else []
        if before:
            listed = "\n".join(f"{number}. {other.question}" for number, other in enumerate(before, 1))
            parts.append(f"Earlier today I asked for these. Do first what is missing, in order:\n{listed}")
            parts.append(f"Then this: {one.question}")
        else:
            parts.append(one.question)
        return Task(
            suite=self.name,
            id=template,
            template=template,
            category=_category(day),
            seed=seed,
            instruction="\n\n".join(parts),
            rules=_tags(day, one),
            timeout=TIMEOUT * (1 + len(before)),
        )

    @contextmanager
    def open(
        self, task: Task, folder: Path, *, socket: Path | None = None, mounts: Sequence[Mount] = ()
    ) -> Iterator[Workspace]:
        """The shared workspace, of the days' folders only the task's own."""
        day, _ = self._of(task)
        others = {other.id for other in self.days} - {day.id}
        start = folder / "start"
        try:
            shutil.copytree(
                self.place.workspace,
                start,
                symlinks=True,
                ignore=lambda place, _: others if Path(place) == self.place.workspace else (),
            )
        except OSError as error:
            raise StorageError(f"Cannot make the workspace of {task.id}.", str(error)) from error
        file = TaskFile(
            id=task.id, name=task.id, category=task.category, prompt=task.instruction, checks="", workspace=""
        )
        with open_folder(file, folder, start=start, socket=socket, mounts=mounts, runner=self.runner) as room:
            yield _MetaWorkspace(room, folder)

    def grade(self, task: Task, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        """The command's verdict over a copy of the workspace; for a choice, the last `\\bbox{...}` said."""
        day, one = self._of(task)
        if not one.command:
            return grade_choice(day, one, transcript)
        if not isinstance(workspace, _MetaWorkspace):
            raise UsageError("A task of metaclaw is graded in a workspace of metaclaw.")
        place = workspace.folder / "grading"
        leftovers.remove(place)
        try:
            programs = place / "bin"
            programs.mkdir(parents=True)
            leftovers.copy(workspace.folder / "work", place / "work")
            # Checks call `python`, which not every system has.
            (programs / "python").write_text('#!/bin/sh\nexec python3 "$@"\n', "utf-8")
            (programs / "python").chmod(0o755)
            mounts = [
                Mount(outside=place / "work", inside=INSIDE, writable=True),
                Mount(outside=programs, inside=f"{GRADING}/bin"),
            ]
            if self.place.scripts is not None:
                mounts.append(Mount(outside=self.place.scripts, inside=f"{GRADING}/scripts"))
            with open_box(mounts, workspace=INSIDE, runner=self.runner) as box:
                return grade_files(box, day, one, self.place.scripts is not None)
        except BadInputError as error:
            return Grade(success=False, score=0.0, reason=in_one_line(error))
        except (OSError, StorageError) as error:
            why = in_one_line(error)
            return Grade(success=False, score=0.0, error=f"the workspace could not be graded: {why}")
        finally:
            leftovers.remove(place)

    def curated(self) -> Path | None:
        """None: MetaClaw-Bench brings no skills."""
        return None

    def _of(self, task: Task) -> tuple[Day, Round]:
        if task.suite != self.name or task.template not in self.rounds:
            raise UsageError(f"{task.id} is no task of this checkout of metaclaw.")
        return self.rounds[task.template]


class _MetaWorkspace:
    def __init__(self, room: FolderWorkspace, folder: Path) -> None:
        self.tools: Sequence[Tool] = room.tools
        self.box: Box | None = room.box
        self.folder = folder
        self._room = room

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        return self._room.call(name, arguments)


def _tags(day: Day, one: Round) -> tuple[str, ...]:
    """The preferences that a round's check looks at; all of the day's where it doesn't show."""
    found = looks_at(one.command) | ({"file_naming"} if DATED.search(one.command) else set())
    return tuple(tag for tag in day.tags if tag in found) or day.tags


def _category(day: Day) -> str:
    return f"arc-{day.arc}" if day.arc else (day.tags[-1] if day.tags else "none")
