"""`wildclaw`: a checkout of WildClawBench, as far as its tasks run in a closed room.

Layout of a checkout (InternLM/WildClawBench): tasks/<category>/<id>.md in the format of `taskfile`,
workspace/<category>/task_<n>_<name>/ with `exec` (the workspace), `gt` (for the grader) and `tmp` (seen as
/tmp_workspace/tmp), skills/<name>. Graders find the transcript where the original puts it, at
/root/.openclaw/agents/main/sessions/chat.jsonl. Rooms have no network: a grader that asks a judge model is
not scored at all (`Grade.error`), and `survey` says beforehand which tasks run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from skillclaw.bench.suites.model import Grade, Message, Rule, Task, Template, Workspace
from skillclaw.bench.suites.wildclaw_look import look
from skillclaw.bench.suites.wildclaw_survey import (
    Survey,
    Surveyed,
    asks_a_judge,
    pointers,
    reads_the_truth,
    reasons,
    survey_of,
)
from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.headless.tasks import taskfile
from skillclaw.headless.tasks.folders import INSIDE, FolderWorkspace, open_folder, python
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import Mount, open_box

__all__ = ["PASSING", "SKILLS", "WildClawSuite"]

PASSING = 0.85
"""The overall score from which a task counts as solved. The benchmark itself reports mean scores and has no
such line. Ours lies above what its graders of safety give an agent that does nothing at all (0.6 for "did not
run the command", 0.8 for "did not clone"); the score is kept beside it."""

SKILLS = "/root/skills"
TODO = "Check out the whole of InternLM/WildClawBench, download its workspace data, and name that folder."


class WildClawSuite:
    """The suite `wildclaw`; with `image`, rooms are containers of it. `environ` is what variables that tasks
    list are taken from (this process's by default).

    Raises BadInputError for a folder that is no checkout, and when tasks are read for the first file that is
    not in the format.
    """

    name = "wildclaw"

    def __init__(
        self,
        checkout: Path,
        runner: str = "auto",
        image: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.root = checkout.resolve()
        self.runner = runner
        self.image = image
        self._environ = dict(os.environ if environ is None else environ)
        self.paths = sorted(self.root.glob("tasks/*/*.md"))
        if not self.paths:
            raise BadInputError(
                f"{checkout} is no checkout of WildClawBench.", "It has no tasks/<category>/<id>.md.", TODO
            )

    @cached_property
    def tasks(self) -> Mapping[str, TaskFile]:
        """Every task by id, in the order of the files' names."""
        found: dict[str, TaskFile] = {}
        for path in self.paths:
            file = self._read(path)
            if file.id in found:
                raise BadInputError(f"{path} has the id {file.id}, which another task has already.")
            found[file.id] = file
        return found

    def templates(self) -> Sequence[Template]:
        """One for each task file that the survey finds to run; every other would give no verdict."""
        runs = {task.id for task in self.survey().tasks if task.runs}
        return [
            Template(id=file.id, category=file.category) for file in self.tasks.values() if file.id in runs
        ]

    def rules(self) -> Mapping[str, Rule]:
        """None: the benchmark has no hidden rules."""
        return {}

    def combinations(self, template: str) -> int:
        """One: a task of a checkout is what it is."""
        del template
        return 1

    def draw(self, template: str, seed: int) -> Task:
        """The task. It has one instance, whatever the seed."""
        file = self._file(template)
        skills = [name for name in file.skills if self._skill(name) is not None]
        told = f"\n\nSkills for this task lie in {SKILLS}: {', '.join(skills)}." if skills else ""
        return Task(
            suite=self.name,
            id=file.id,
            template=file.id,
            category=file.category,
            seed=seed,
            instruction=file.prompt + told,
            timeout=file.timeout,
        )

    @contextmanager
    def open(
        self, task: Task, folder: Path, *, socket: Path | None = None, mounts: Sequence[Mount] = ()
    ) -> Iterator[Workspace]:
        """The workspace after Warmup. Raises BadInputError where its data is missing or Warmup fails."""
        file = self._file(task.template)
        data = self._data(file)
        if isinstance(data, str):
            raise BadInputError(f"The workspace of {file.id} cannot be made: {data}.", "", TODO)
        start, gt, tmp = data
        try:
            start = _with_tmp(start, tmp, folder / "start") if tmp.is_dir() else start
        except (OSError, shutil.Error) as error:
            raise StorageError(f"Cannot make the workspace of {task.id}.", str(error)) from error
        variables = {name: self._environ[name] for name in file.env if name in self._environ}
        given = [
            Mount(outside=place, inside=f"{SKILLS}/{Path(name).name}")
            for name in file.skills
            if (place := self._skill(name)) is not None
        ]
        with open_folder(
            file,
            folder,
            start=start if start.is_dir() else None,
            gt=gt if gt.is_dir() else None,
            environ=variables,
            variables=variables,
            mounts=[*given, *mounts],
            socket=socket,
            runner=self.runner,
            image=self.image,
        ) as workspace:
            yield workspace

    def grade(self, task: Task, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        """The verdict of the task's own `grade()`; an error where it would need a judge model."""
        file = self._file(task.template)
        if asks_a_judge(file):
            return Grade(
                success=False,
                score=0.0,
                error="its grader asks a judge model over the network, which no room has: not scored",
            )
        if not isinstance(workspace, FolderWorkspace):
            raise UsageError("A task of wildclaw is graded in a workspace of wildclaw.")
        return workspace.grade(file.checks, transcript, passing=PASSING)

    def curated(self) -> Path | None:
        """None: the skills of the checkout belong to single tasks, which have them in their workspaces."""
        return None

    def survey(self) -> Survey:
        """Which tasks run here, and why others don't; a file that cannot be read is one of the reasons."""
        return self._survey

    @cached_property
    def _survey(self) -> Survey:
        files: dict[Path, TaskFile] = {}
        broken: dict[Path, str] = {}
        for path in self.paths:
            try:
                files[path] = self._read(path)
            except BadInputError as error:
                broken[path] = " ".join(str(error).splitlines())
        with (
            TemporaryDirectory(prefix="skillclaw-survey-") as folder,
            open_box(
                [Mount(outside=Path(folder), inside=INSIDE)],
                workspace=INSIDE,
                runner=self.runner,
                image=self.image,
            ) as box,
        ):
            seen = look(box, {str(path): file for path, file in files.items()}, python(self.image))
        tasks = []
        for path in self.paths:
            if path in broken:
                tasks.append(
                    Surveyed(id=path.stem, category=path.parent.name, reasons={"file": broken[path]})
                )
                continue
            file = files[path]
            data = self._data(file)
            lacking = [name for name in file.skills if self._skill(name) is None]
            why = reasons(
                file,
                seen[str(path)],
                data if isinstance(data, str) else "",
                ", ".join(f"skills/{name}" for name in lacking),
                self._environ,
            )
            tasks.append(Surveyed(id=file.id, category=file.category, reasons=why))
        return survey_of(tasks, self.image)

    def _read(self, path: Path) -> TaskFile:
        if not path.resolve().is_relative_to(self.root):
            raise BadInputError(f"{path} leads out of the checkout.", "", "It is not read.")
        return taskfile.read(path)

    def _file(self, template: str) -> TaskFile:
        if template not in self.tasks:
            raise UsageError(f"wildclaw has no template {template!r}.")
        return self.tasks[template]

    def _data(self, file: TaskFile) -> tuple[Path, Path, Path] | str:
        """The folders exec, gt and tmp of the task, or what is wrong with them. Each may be absent, as in the
        original, but not all, and the truth only where the grader does not read it."""
        place = (self.root / file.workspace).resolve()
        if not place.is_relative_to(self.root) or place == self.root:
            return f"{file.workspace} leads out of the checkout"
        folders = place / "exec", place / "gt", place / "tmp"
        if not any(folder.is_dir() for folder in folders):
            return f"there is no folder {file.workspace}/exec (workspaces are a download of their own)"
        if not all(folder.resolve().is_relative_to(self.root) for folder in folders):
            return f"{file.workspace} leads out of the checkout"
        if pointer := pointers(folders):
            return f"{Path(pointer).relative_to(self.root)} is a pointer of Git LFS"
        if reads_the_truth(file) and not (folders[1].is_dir() and any(folders[1].iterdir())):
            return f"its grader reads {file.workspace}/gt, which is not there"
        return folders

    def _skill(self, name: str) -> Path | None:
        place = (self.root / "skills" / name).resolve()
        inside = place.is_relative_to(self.root / "skills") and place != self.root / "skills"
        return place if inside and place.is_dir() else None


def _with_tmp(start: Path, tmp: Path, place: Path) -> Path:
    """The files that a workspace begins with, in `place`: those of `start` and, under tmp, those of `tmp`."""
    if start.is_dir():
        shutil.copytree(start, place, symlinks=True)
    else:
        place.mkdir()
    shutil.copytree(tmp, place / "tmp", symlinks=True, dirs_exist_ok=not (place / "tmp").is_symlink())
    return place
