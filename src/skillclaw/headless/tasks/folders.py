"""Tasks that are folders: a workspace in a closed room, one shell tool, and a grader that runs in the room.

The layout is WildClawBench's: what lies in `exec` is the workspace, seen as /tmp_workspace; `gt` (the truth)
is put at /tmp_workspace/gt only while grading. Grading works on a copy, so that it can be repeated, and the
host opens nothing in a workspace: it may hold links to anywhere.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import BadInputError, StorageError, in_one_line
from skillclaw.headless.tasks.grading import DRIVER, PREPARE, openclaw, verdict
from skillclaw.headless.tasks.model import Grade, Message, Tool, ToolResult
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import Box, Limits, Mount, Ran, leftovers, open_box
from skillclaw.sandbox.bubblewrap import PYTHON

__all__ = ["FolderWorkspace", "open_folder"]

INSIDE = "/tmp_workspace"  # noqa: S108 - a path in the room
GRADING = "/opt/grading"
LAID = "/opt/laid"
NOT_GRADED = "the workspace could not be graded"
"""How an error begins that is neither the agent's nor the grader's, but this machine's."""
TRANSCRIPTS = ("/root/.openclaw/agents/main/sessions/chat.jsonl",)
"""Where WildClawBench's graders look for what was said, one JSON message a line."""

SHELL = Limits(seconds=60.0)
WARMUP = Limits(seconds=300.0, output=4_000)
GRADE = Limits(seconds=120.0, output=8_000)
LONGEST = 100_000
"""Bytes of a command; the kernel takes 131,071 of one argument."""
PROGRAMS = "/usr/local/bin"
STATE = "/var/lib/house"
SHOWN = 4_000
"""Characters of a command's output that the agent gets; a small model has no room for more."""

RUN = Tool(
    name="bash",
    description="Run one shell command in the workspace. Each starts in /tmp_workspace.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
    },
)


class FolderWorkspace:
    """A task's folder made ready. `tools` is one shell."""

    tools: Sequence[Tool] = (RUN,)

    def __init__(
        self,
        place: Path,
        gt: Path | None,
        box: Box,
        runner: str,
        image: str = "",
        variables: Mapping[str, str] = {},
    ) -> None:
        self.box: Box | None = box
        self.room = box
        self.place = place
        """The folder that it was made in; what the agent sees is below."""
        self._gt = gt
        self._runner = runner
        self._image = image
        self._variables = variables

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a command; its exit code, where it is not 0, stands on the last line."""
        command = arguments.get("command")
        if name != RUN.name:
            return ToolResult(text=f"There is no tool {name!r}. The only tool is bash.", is_error=True)
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            return ToolResult(text="bash needs the argument command: one shell command.", is_error=True)
        try:
            size = len(command.encode("utf-8"))
        except UnicodeEncodeError:
            return ToolResult(text="The command holds halves of characters; it must be text.", is_error=True)
        if size > LONGEST:
            return ToolResult(text=f"The command has more than {LONGEST} bytes.", is_error=True)
        ran = self.room.run(["bash", "-c", command], environ=self._variables, limits=SHELL)
        text = _shown(ran.output.rstrip("\n"))
        if ran.code is None:
            note = ran.stopped or f"stopped after {SHELL.seconds:.0f} s"
        elif ran.code:
            note = f"exit code {ran.code}"
        else:
            return ToolResult(text=text or "(no output)")
        return ToolResult(text=f"{text}\n{note}" if text else note, is_error=True)

    def grade(
        self, checks: str, transcript: Sequence[Message], *, passing: float, packages: bool = True
    ) -> Grade:
        """Run `grade()` of `checks` in a room of its own, over a copy of the workspace and the truth.

        passing   the overall score from which the task counts as solved
        packages  whether `checks` may import what is installed beside Python; without, Python starts quicker
        """
        place = self.place / "grading"
        leftovers.remove(place)
        try:
            return self._grade(place, checks, transcript, passing, packages)
        except (BadInputError, OSError, StorageError) as error:
            return _not_graded(error)
        finally:
            leftovers.remove(place)

    def grade_by_exit(
        self,
        script: str,
        transcript: Sequence[Message],
        *,
        python_source: bool = False,
        laid: Path | None = None,
        seconds: float = GRADE.seconds,
    ) -> Grade:
        """Run `script` (shell, or Python) in a room of its own, over a copy of the workspace and the truth:
        exit code 0 is solved, any other is not.

        The exit code alone counts: what is printed, and files in reach of what the agent left, it could have
        written itself.
        So is a time-out a failure: what the agent left may be what hangs.
        laid     files that are put over the copy just before, whatever the agent made of them
        seconds  for the script
        """
        place = self.place / "grading"
        leftovers.remove(place)
        try:
            with self._copied(place, transcript, laid) as (box, inside):
                name = "grade.py" if python_source else "grade.sh"
                (inside / name).write_text(script, "utf-8")
                if laid is not None:
                    put = ["cp", "-a", "--remove-destination", "--", f"{LAID}/.", INSIDE]
                    if box.run(put, limits=GRADE).code != 0:
                        why = "what belongs to the grader could not be put over what the agent left"
                        return Grade(success=False, score=0.0, reason=why)
                argv = [python(self._image), "-I"] if python_source else ["bash"]
                limits = msgspec.structs.replace(GRADE, seconds=seconds)
                ran = box.run([*argv, f"{GRADING}/{name}"], environ=self._variables, limits=limits)
        except (BadInputError, OSError, StorageError) as error:
            return _not_graded(error)
        finally:
            leftovers.remove(place)
        if ran.code is None:
            why = ran.stopped or f"the grader was stopped after {seconds:g} s"
            return Grade(success=False, score=0.0, reason=why)
        if ran.code == 0:
            return Grade(success=True, score=1.0)
        said = " ".join(ran.output.split())[-300:]
        why = f"the grader ended with exit code {ran.code}{': ' if said else ''}{said}"
        return Grade(success=False, score=0.0, reason=why)

    def _grade(
        self, place: Path, checks: str, transcript: Sequence[Message], passing: float, packages: bool
    ) -> Grade:
        with self._copied(place, transcript, None) as (box, inside):
            given = {"checks": checks, "transcript": openclaw(transcript)}
            (inside / "input.json").write_text(json.dumps(given), "utf-8")
            (inside / "driver.py").write_text(DRIVER, "utf-8")
            # -I: a module that the agent left in the workspace must not stand in for a real one.
            line = [python(self._image), "-I" if packages else "-IS", f"{GRADING}/driver.py"]
            ran = box.run(line, environ=self._variables, limits=GRADE)
        return verdict(inside / "result.json", ran, passing, GRADE.seconds)

    @contextmanager
    def _copied(
        self, place: Path, transcript: Sequence[Message], laid: Path | None
    ) -> Iterator[tuple[Box, Path]]:
        """A room over a copy of the workspace with the truth in it, and the folder that is /opt/grading."""
        work, state, inside = place / "work", place / "state", place / "opt"
        inside.mkdir(parents=True)
        leftovers.copy(self.place / "work", work)
        leftovers.copy(self.place / "state", state)
        _clear(work / "gt")
        chat = place / "chat.jsonl"
        chat.touch()
        mounts = [
            Mount(outside=work, inside=INSIDE, writable=True),
            Mount(outside=state, inside=STATE, writable=True),
            Mount(outside=inside, inside=GRADING, writable=True),
            *(Mount(outside=chat, inside=path) for path in TRANSCRIPTS),
            *([Mount(outside=laid, inside=LAID)] if laid is not None else []),
        ]
        with open_box(
            mounts, workspace=INSIDE, runner=self._runner, image=self._image, scratch=self.place
        ) as box:
            ready = box.run([python(self._image), "-IS", "-c", PREPARE, INSIDE, STATE], limits=GRADE)
            if ready.code != 0:
                said = ready.output.strip()[-300:]
                raise StorageError("The copy of the workspace could not be made ready.", said)
            # Only now is there anything that a link could have been made to lead to.
            if self._gt is not None:
                _clear(work / "gt")
                leftovers.copy(self._gt, work / "gt")
            chat.write_text("".join(json.dumps(m) + "\n" for m in openclaw(transcript)), "utf-8")
            yield box, inside


@contextmanager
def open_folder(
    file: TaskFile,
    folder: Path,
    *,
    start: Path | None,
    gt: Path | None = None,
    programs: Mapping[str, bytes] = {},
    make: str = "",
    environ: Mapping[str, str] = {},
    mounts: Sequence[Mount] = (),
    socket: Path | None = None,
    runner: str = "auto",
    image: str = "",
    variables: Mapping[str, str] = {},
) -> Iterator[FolderWorkspace]:
    """The workspace of `file`, made in the empty `folder`.

    start     files that the workspace begins with (`exec`); None for an empty one
    gt        files that only the grader sees
    programs  executables by name, put into /usr/local/bin of the room
    make      Python source that runs first, in the room, with the standard library alone; what it writes
              under /opt/gt is the truth
    environ   variables for `make` and Warmup
    mounts, socket, runner, image  as `sandbox.open_box` has them
    variables  what the agent's commands and the grader see too

    Raises BadInputError when `make` or Warmup fails, StorageError, UsageError (no sandbox here).
    """
    work, local, state, truth = (folder / name for name in ("work", "local", "state", "gt"))
    try:
        for place in (local, state):
            place.mkdir(parents=True)
        for source, place in ((start, work), (gt, truth)):
            if source is None:
                place.mkdir()
            else:
                shutil.copytree(source, place, symlinks=True)
        for name, data in programs.items():
            (local / name).write_bytes(data)
            (local / name).chmod(0o755)
        if not image and Path(PROGRAMS) == PYTHON / "bin":
            # The programs' folder hides the one in which this Python lies.
            for path in (PYTHON / "bin").glob("python3*"):
                shutil.copy2(path, local / path.name)
    except OSError as error:
        raise StorageError(f"Cannot make the workspace of {file.id}.", str(error)) from error
    base = [
        Mount(outside=work, inside=INSIDE, writable=True),
        Mount(outside=state, inside=STATE, writable=True),
        *mounts,
    ]
    setting_up = [*base, *([] if image else [Mount(outside=local, inside=PROGRAMS, writable=True)])]
    if make or file.warmup:
        with open_box(
            [*setting_up, Mount(outside=truth, inside="/opt/gt", writable=True)],
            workspace=INSIDE,
            runner=runner,
            image=image,
            scratch=folder,
        ) as box:
            if make:
                maker = [python(image), "-IS", "-c", make]
                _must(box.run(maker, environ=environ, limits=WARMUP), file)
            if file.warmup:
                _must(box.run(["bash", "-ec", file.warmup], environ=environ, limits=WARMUP), file)
    # An image keeps its own programs in /usr/local/bin.
    base += [] if image else [Mount(outside=local, inside=PROGRAMS)]
    with open_box(base, workspace=INSIDE, runner=runner, socket=socket, image=image, scratch=folder) as box:
        yield FolderWorkspace(folder, truth, box, runner, image, variables)


def python(image: str) -> str:
    """The Python of a room: this one, or the image's own."""
    return "python3" if image else f"{PYTHON}/bin/python3"


def _must(ran: Ran, file: TaskFile) -> None:
    if ran.code != 0:
        how = "took too long" if ran.code is None else f"ended with exit code {ran.code}"
        raise BadInputError(
            f"The workspace of {file.id} cannot be made: it {how}.", ran.output.strip()[-500:]
        )


def _clear(place: Path) -> None:
    """Whatever the agent left in the truth's place gives way."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
    else:
        leftovers.remove(place)


def _shown(text: str) -> str:
    if len(text) <= SHOWN:
        return text
    half = SHOWN // 2
    return f"{text[:half]}\n[... {len(text) - SHOWN} characters left out ...]\n{text[-half:]}"


def _not_graded(error: Exception) -> Grade:
    """What the agent left does not fit, which is its failure; or the machine failed, which is nobody's."""
    why = in_one_line(error)
    if isinstance(error, BadInputError):
        return Grade(success=False, score=0.0, reason=why)
    return Grade(success=False, score=0.0, error=f"{NOT_GRADED}: {why}")
