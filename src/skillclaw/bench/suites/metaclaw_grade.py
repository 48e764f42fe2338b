"""The verdicts of MetaClaw-Bench: a shell command in a room, or the letters of a choice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skillclaw.bench.suites.metaclaw_data import Day, Round
from skillclaw.bench.suites.model import Grade, Message
from skillclaw.sandbox import Box, Limits
from skillclaw.sandbox.bubblewrap import ROOM

__all__ = ["CHECKERS", "DATED", "GRADING", "chosen", "grade_choice", "grade_files", "looks_at"]

GRADING = "/opt/grading"
CHECKERS = {
    "check_iso8601": "output_format",
    "check_filename": "file_naming",
    "check_metadata": "field_completeness",
    "check_backup": "workflow",
    "check_done_log": "completion_log",
}
"""Which preference each of the benchmark's scripts looks at, as its description of the data says."""

DATED = re.compile(r"glob\.glob\('[^']*\d{8}_")
"""A pattern of file names in a check looks at the names' convention, like check_filename."""

_BOX = re.compile(r"\\bbox\s*\{([^{}]*)\}")

PREPARE = f"""\
if [ -L eval ] || [ ! -d eval ]; then rm -rf eval; mkdir eval; fi
rm -rf scripts eval/scripts
cp -R {GRADING}/scripts scripts
cp -R {GRADING}/scripts eval/scripts
"""

SEARCH = "import re, sys; sys.exit(re.search(sys.argv[1], sys.stdin.read()) is None)"


def chosen(transcript: Sequence[Message]) -> frozenset[str] | None:
    """The letters in the last `\\bbox{...}` that the agent wrote; None where it wrote none."""
    for message in reversed(transcript):
        if message.get("role") == "assistant" and isinstance(message.get("content"), str):
            found = _BOX.findall(message["content"])
            if found:
                return frozenset(
                    part.strip().upper() for part in re.split(r"[,，、;\s]+", found[-1]) if part.strip()
                )
    return None


def grade_choice(day: Day, one: Round, transcript: Sequence[Message]) -> Grade:
    """All right letters and no other; nothing says which preference a wrong one breaks: the day's newest."""
    said = chosen(transcript)
    right = said == frozenset(one.answer)
    if right:
        return Grade(success=True, score=1.0)
    reason = "no answer in \\bbox{...}" if said is None else f"chose {', '.join(sorted(said)) or 'nothing'}"
    return Grade(success=False, score=0.0, broken=day.tags[-1:], reason=reason)


def grade_files(box: Box, day: Day, one: Round, scripts: bool) -> Grade:
    """The command's verdict in `box`, whose workspace is a copy that may change.

    With `scripts`, those of the checkout lie at `GRADING`. `broken` are the preferences that the failing
    parts of the command look at.
    """
    # Scripts of the checkout take the place of whatever the agent left there, and no module in the workspace
    # stands in for a real one.
    environ = {
        "PATH": f"{GRADING}/bin:{ROOM['PATH']}",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": f"{GRADING}/scripts",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    limits = Limits(seconds=one.timeout, output=8_000)
    prepare = PREPARE if scripts and "scripts/" in one.command else ""
    made = box.run(["sh", "-ec", f"python3 -c ''\n{prepare}"], environ=environ, limits=limits)
    if made.code != 0:
        return Grade(success=False, score=0.0, error=f"the check could not run: {_last(made.output)}")
    ran = box.run(["sh", "-c", one.command], environ=environ, limits=limits)
    if ran.code is None:
        return Grade(success=False, score=0.0, reason=f"the check was stopped after {one.timeout:.0f} s")
    if ran.code == one.expect_exit and _said(box, one, ran.output):
        return Grade(success=True, score=1.0)
    parts = [part for part in one.command.split(" && ") if part.strip()]
    failed = (
        [part for part in parts if box.run(["sh", "-c", part], environ=environ, limits=limits).code != 0]
        if one.expect_exit == 0
        else parts
    )
    named = {tag for part in failed for tag in looks_at(part)} & set(day.tags)
    broken = tuple(tag for tag in day.tags if tag in named) or day.tags[-1:]
    reason = _last(ran.output) or f"the check gave exit code {ran.code}"
    return Grade(success=False, score=0.0, broken=broken, reason=reason)


def looks_at(command: str) -> set[str]:
    """The preferences that a command, or a part of one, looks at, as far as it shows."""
    found = {tag for script, tag in CHECKERS.items() if script in command}
    return found or ({"file_naming"} if DATED.search(command) else set())


def _said(box: Box, one: Round, output: str) -> bool:
    """Whether the output holds what it should. A checkout's pattern may take for ever: it runs in the box."""
    if not one.regex:
        return one.expect_output in output
    line = ["python3", "-I", "-c", SEARCH, one.expect_output]
    return box.run(line, stdin=output.encode(), limits=Limits(seconds=5.0)).code == 0


def _last(output: str) -> str:
    return (output.strip().splitlines() or [""])[-1][:300]
