"""A user's own cases: a folder for each, as docs/gate.md describes it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta

from skillclaw.errors import UNREADABLE, BadInputError
from skillclaw.evolve.replay.cases import Case, Judge
from skillclaw.evolve.replay.graders import by_checks, by_exit
from skillclaw.headless.tasks import taskfile
from skillclaw.headless.tasks.folders import open_folder
from skillclaw.headless.tasks.model import Workspace
from skillclaw.sandbox import Mount
from skillclaw.skills.records import content_id

__all__ = ["HOW", "CaseFile", "read_case", "read_cases"]

HOW = (
    "Each is a folder there: case.toml with an `instruction`, and grade.sh, which ends with 0 if it is done."
)
"""How a user writes cases, in a sentence."""

LARGEST = 1_000_000
"""Bytes of a file that is read whole: `case.toml`, a grader, a solution."""
MOST_FILES, MOST_BYTES = 5_000, 200_000_000
"""Of a workspace. It is copied for every run."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class CaseFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`case.toml`.

    instruction    what the agent is told
    skills         it is about; without, those that come up for the instruction
    timeout        seconds for the agent; `grade_timeout` for the grader
    seeds          for the model's sampling, one a repeat
    files          more files of the workspace: path -> text
    """

    instruction: Annotated[str, Meta(min_length=1, max_length=20_000)]
    skills: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()
    timeout: Annotated[float, Meta(gt=0, le=86_400)] = 300.0
    grade_timeout: Annotated[float, Meta(gt=0, le=3_600)] = 120.0
    seeds: tuple[Annotated[int, Meta(ge=0, lt=2**31)], ...] = ()
    files: dict[str, str] = {}


def read_cases(folder: Path) -> tuple[list[Case], list[BadInputError]]:
    """The cases in `folder` by name, and what is wrong with those that cannot be used. No folder: none."""
    cases: list[Case] = []
    faults: list[BadInputError] = []
    try:
        places = sorted(place for place in folder.iterdir() if not place.name.startswith("."))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [BadInputError(f"The cases in {folder} cannot be read.", str(error))]
    for place in places:
        if not place.is_dir():
            continue
        try:
            cases.append(read_case(place))
        except BadInputError as error:
            faults.append(error)
    return cases, faults


def read_case(folder: Path) -> Case:
    """The case in `folder`. Raises BadInputError with what is wrong and what to do."""
    if not _NAME.fullmatch(folder.name):
        raise BadInputError(
            f"The case {folder.name!r} has no usable name.", "", "Use letters, digits, `-`, `_` and `.`."
        )
    if (folder / "task.md").exists():
        return _of_task(folder)
    told = _case_file(folder / "case.toml")
    judge, grader = _grader(folder, told.grade_timeout)
    solution = _text(folder / "solve.sh") if (folder / "solve.sh").exists() else ""
    start = folder / "workspace"
    shape = _shape(folder, start)
    return Case(
        id=content_id("case", folder.name, msgspec.to_builtins(told), grader, shape),
        name=folder.name,
        source="cases",
        instruction=told.instruction,
        skills=told.skills,
        timeout=told.timeout,
        seeds=told.seeds,
        solution=solution,
        room=_Room(folder.name, start, told.files, folder / "truth", told.timeout),
        judge=judge,
    )


def _of_task(folder: Path) -> Case:
    """A task in WildClawBench's format: `task.md` with its workspace beside it (`exec`, `gt`)."""
    task = taskfile.read(folder / "task.md")
    solution = _text(folder / "solve.sh") if (folder / "solve.sh").exists() else ""
    return Case(
        id=content_id("case", folder.name, task.prompt, task.checks, _shape(folder, folder / "exec")),
        name=folder.name,
        source="cases",
        instruction=task.prompt,
        skills=task.skills,
        timeout=task.timeout,
        solution=solution,
        room=_Room(folder.name, folder / "exec", {}, folder / "gt", task.timeout, task.warmup),
        judge=by_checks(task.checks),
    )


class _Room:
    """Makes the workspace of a case; see `cases.Room`."""

    def __init__(
        self,
        name: str,
        start: Path,
        files: dict[str, str],
        truth: Path,
        timeout: float,
        warmup: str = "",
    ) -> None:
        self._task = taskfile.TaskFile(
            id=name,
            name=name,
            category="",
            prompt="",
            checks="",
            workspace="",
            timeout=timeout,
            warmup=warmup,
        )
        self._start, self._files, self._truth = start, files, truth

    @contextmanager
    def __call__(self, folder: Path, socket: Path | None, mounts: Sequence[Mount]) -> Iterator[Workspace]:
        folder.mkdir(parents=True, exist_ok=True)
        start = self._start if self._start.is_dir() else None
        if self._files:
            start = self._with_files(folder / "given", start)
        truth = self._truth if self._truth.is_dir() else None
        with open_folder(
            self._task, folder, start=start, gt=truth, mounts=mounts, socket=socket, runner="bubblewrap"
        ) as workspace:
            yield workspace

    def _with_files(self, place: Path, start: Path | None) -> Path:
        if start is None:
            place.mkdir()
        else:
            shutil.copytree(start, place, symlinks=True)
        for name, text in self._files.items():
            path = place.joinpath(*PurePosixPath(name).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(place.resolve()):
                raise BadInputError(f"The file {name!r} of the case {self._task.id} lies behind a link.")
            path.unlink(missing_ok=True)
            path.write_text(text, "utf-8")
        return place


def _case_file(path: Path) -> CaseFile:
    try:
        told = msgspec.convert(tomllib.loads(_text(path)), CaseFile)
    except UNREADABLE as error:
        takes = f"It takes: {', '.join(CaseFile.__struct_fields__)}."
        raise BadInputError(f"{path} is not a case.", f"{error}.", takes) from error
    for name in told.files:
        pure = PurePosixPath(name)
        if pure.is_absolute() or not pure.parts or ".." in pure.parts or "\0" in name or "\\" in name:
            raise BadInputError(
                f"{path} names the file {name!r}.", "Paths are relative to the workspace.", "Rename it."
            )
    if not told.instruction.strip():
        raise BadInputError(f"{path} has an empty instruction.", "", "Say what the agent is to do.")
    return told


def _grader(folder: Path, seconds: float) -> tuple[Judge, str]:
    shell, python = folder / "grade.sh", folder / "grade.py"
    if shell.exists() == python.exists():
        raise BadInputError(
            f"The case {folder.name} has {'two graders' if shell.exists() else 'no grader'}.",
            "What the agent leaves is judged by one script: exit code 0 is solved.",
            f"Write {shell} or grade.py, not both.",
        )
    script = _text(python if python.exists() else shell)
    return by_exit(script, python_source=python.exists(), seconds=seconds), script


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInputError(f"{path} is too large.", f"It has more than {LARGEST} bytes.")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} cannot be read.", str(error)) from error


def _shape(folder: Path, start: Path) -> str:
    """A hash of the workspace's and the truth's files, so that a changed case is another one."""
    found = hashlib.sha256()
    count = size = 0
    for root in (start, folder / "truth", folder / "gt"):
        for path in sorted(_files(root)):
            facts = path.lstat()
            count, size = count + 1, size + facts.st_size
            if count > MOST_FILES or size > MOST_BYTES:
                raise BadInputError(
                    f"The case {folder.name} is too large.",
                    f"A workspace may have {MOST_FILES} files and {MOST_BYTES // 10**6} MB.",
                )
            body = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            name = path.relative_to(folder).as_posix()
            found.update(f"{name}\0{facts.st_mode & 0o100}\0{hashlib.sha256(body).hexdigest()}\n".encode())
    return found.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(root):
        for path in (*(Path(here, name) for name in names), *(Path(here, name) for name in folders)):
            if path.is_symlink() or path.is_file():
                yield path
            elif not path.is_dir():
                raise BadInputError(f"{path} is neither a file nor a link.", "", "Take it out of the case.")
