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

from skillclaw.bench.suites.model import Grade, Message, Tool, ToolResult
from skillclaw.bench.suites.taskfile import TaskFile
from skillclaw.errors import BadInputError, StorageError
from skillclaw.sandbox import Box, Limits, Mount, Ran, leftovers, open_box
from skillclaw.sandbox.bubblewrap import PYTHON

__all__ = ["FolderWorkspace", "open_folder"]

INSIDE = "/tmp_workspace"  # noqa: S108 - a path in the room
GRADING = "/opt/grading"
TRANSCRIPTS = ("/root/.openclaw/agents/main/sessions/chat.jsonl",)
"""Where WildClawBench's graders look for what was said, one JSON message a line."""

SHELL = Limits(seconds=60.0)
WARMUP = Limits(seconds=300.0, output=4_000)
GRADE = Limits(seconds=120.0, output=8_000)
LONGEST = 100_000
"""Bytes of a command; the kernel takes 131,071 of one argument."""
PROGRAMS = "/usr/local/bin"
STATE = "/var/lib/house"
LARGEST = 1_000_000
"""Bytes of a verdict that are read."""
SHOWN = 4_000
"""Characters of a command's output that the agent gets; a small model has no room for more."""

PREPARE = """\
import os, sys
folders = sys.argv[1:]
while folders:
    folder = folders.pop()
    try:
        os.chmod(folder, os.stat(folder).st_mode | 0o500)
        entries = list(os.scandir(folder))
    except OSError:
        continue
    for entry in entries:
        try:
            if entry.is_symlink():
                if not os.path.exists(entry.path):
                    os.unlink(entry.path)
            elif entry.is_dir():
                folders.append(entry.path)
            elif entry.is_file():
                os.chmod(entry.path, entry.stat().st_mode | 0o400)
            else:
                os.unlink(entry.path)
        except OSError:
            pass
"""
"""What is done to the copy before the truth is put there: a link that leads nowhere yet could lead to the
truth, a pipe would hold the grader for ever, and what may not be read would make it fail."""

DRIVER = """\
import json, sys, traceback
with open("/opt/grading/input.json", encoding="utf-8") as file:
    given = json.load(file)
try:
    names = {"__name__": "checks"}
    exec(compile(given["checks"], "checks.py", "exec"), names)
    said = names["grade"](transcript=given["transcript"], workspace_path="/tmp_workspace")
    answer = {"scores": {str(k): v for k, v in dict(said).items()}}
except BaseException:
    answer = {"error": traceback.format_exc(limit=-3)}
with open("/opt/grading/result.json", "w", encoding="utf-8") as file:
    json.dump(answer, file, default=str)
"""

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
        self._place = place
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
        place = self._place / "grading"
        leftovers.remove(place)
        try:
            return self._grade(place, checks, transcript, passing, packages)
        except BadInputError as error:
            return Grade(success=False, score=0.0, reason=" ".join(str(error).split()))
        except (OSError, StorageError) as error:
            why = " ".join(str(error).split())
            return Grade(success=False, score=0.0, error=f"the workspace could not be graded: {why}")
        finally:
            leftovers.remove(place)

    def _grade(
        self, place: Path, checks: str, transcript: Sequence[Message], passing: float, packages: bool
    ) -> Grade:
        work, state, inside = place / "work", place / "state", place / "opt"
        inside.mkdir(parents=True)
        leftovers.copy(self._place / "work", work)
        leftovers.copy(self._place / "state", state)
        _clear(work / "gt")
        chat = place / "chat.jsonl"
        chat.touch()
        mounts = [
            Mount(outside=work, inside=INSIDE, writable=True),
            Mount(outside=state, inside=STATE, writable=True),
            Mount(outside=inside, inside=GRADING, writable=True),
            *(Mount(outside=chat, inside=path) for path in TRANSCRIPTS),
        ]
        with open_box(mounts, workspace=INSIDE, runner=self._runner, image=self._image) as box:
            ready = box.run([python(self._image), "-IS", "-c", PREPARE, INSIDE, STATE], limits=GRADE)
            if ready.code != 0:
                said = ready.output.strip()[-300:]
                raise StorageError("The copy of the workspace could not be made ready.", said)
            # Only now is there anything that a link could have been made to lead to.
            if self._gt is not None:
                _clear(work / "gt")
                leftovers.copy(self._gt, work / "gt")
            given = {"checks": checks, "transcript": openclaw(transcript)}
            (inside / "input.json").write_text(json.dumps(given), "utf-8")
            (inside / "driver.py").write_text(DRIVER, "utf-8")
            chat.write_text("".join(json.dumps(m) + "\n" for m in given["transcript"]), "utf-8")
            # -I: a module that the agent left in the workspace must not stand in for a real one.
            line = [python(self._image), "-I" if packages else "-IS", f"{GRADING}/driver.py"]
            ran = box.run(line, environ=self._variables, limits=GRADE)
        return _verdict(inside / "result.json", ran, passing)


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
        ) as box:
            if make:
                maker = [python(image), "-IS", "-c", make]
                _must(box.run(maker, environ=environ, limits=WARMUP), file)
            if file.warmup:
                _must(box.run(["bash", "-ec", file.warmup], environ=environ, limits=WARMUP), file)
    # An image keeps its own programs in /usr/local/bin.
    base += [] if image else [Mount(outside=local, inside=PROGRAMS)]
    with open_box(base, workspace=INSIDE, runner=runner, socket=socket, image=image) as box:
        yield FolderWorkspace(folder, truth, box, runner, image, variables)


def python(image: str) -> str:
    """The Python of a room: this one, or the image's own."""
    return "python3" if image else f"{PYTHON}/bin/python3"


def openclaw(transcript: Sequence[Message]) -> list[dict[str, Any]]:
    """Chat Completions messages in the shape of OpenClaw's session files, which graders read."""
    found: list[dict[str, Any]] = []
    for message in transcript:
        role = message.get("role")
        blocks: list[dict[str, Any]] = []
        if isinstance(message.get("content"), str) and message["content"]:
            blocks.append({"type": "text", "text": message["content"]})
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            try:
                arguments = json.loads(function.get("arguments") or "{}")
            except ValueError:
                arguments = {"input": function.get("arguments")}
            blocks.append(
                {
                    "type": "toolCall",
                    "id": call.get("id"),
                    "name": function.get("name"),
                    "arguments": arguments,
                }
            )
        said: dict[str, Any] = {"role": "toolResult" if role == "tool" else role, "content": blocks}
        if role == "tool":
            said["toolCallId"] = message.get("tool_call_id")
        found.append({"type": "message", "message": said})
    return found


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


def _verdict(result: Path, ran: Ran, passing: float) -> Grade:
    def failed(why: str) -> Grade:
        return Grade(success=False, score=0.0, error=why)

    if ran.code is None:
        return failed(f"the grader was stopped after {GRADE.seconds:.0f} s")
    try:
        data = msgspec.json.decode(leftovers.read(result, LARGEST), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return failed(f"the grader ended with exit code {ran.code}: {ran.output.strip()[-300:]}")
    if "error" in data:
        return failed(f"the grader failed: {str(data['error']).strip()[-300:]}")
    scores = {
        name: min(1.0, max(0.0, float(value)))
        for name, value in data["scores"].items()
        if isinstance(value, int | float) and value == value
    }
    if not scores:
        said = str(data["scores"].get("error") or "").strip()[:300]
        return failed(f"the grader gave no score: {said}" if said else "the grader gave no score")
    # Where it gives no overall score, the original takes the mean of all that it gives.
    overall = scores.pop("overall_score", sum(scores.values()) / len(scores))
    lacking = ", ".join(name for name, value in scores.items() if value < 1.0)
    return Grade(
        success=overall >= passing,
        score=overall,
        criteria=scores,
        reason="" if overall >= passing else f"not met: {lacking or 'overall score'}",
    )
