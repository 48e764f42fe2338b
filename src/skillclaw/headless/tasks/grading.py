"""What runs `grade()` of a task in its room, and what is read of its verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.headless.tasks.model import Grade, Message
from skillclaw.sandbox import Ran, leftovers

__all__ = ["DRIVER", "PREPARE", "openclaw", "verdict"]

LARGEST = 1_000_000
"""Bytes of a verdict that are read."""

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
            except (ValueError, RecursionError):
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


def verdict(result: Path, ran: Ran, passing: float, seconds: float) -> Grade:
    """What the driver wrote to `result`, or why there is nothing. `seconds` is the time that it had."""

    def failed(why: str) -> Grade:
        return Grade(success=False, score=0.0, error=why)

    if ran.code is None:
        return failed(f"the grader was stopped after {seconds:.0f} s")
    try:
        data = msgspec.json.decode(leftovers.read(result, LARGEST), type=dict[str, Any])
    except (OSError, *UNREADABLE):
        return failed(f"the grader ended with exit code {ran.code}: {ran.output.strip()[-300:]}")
    if "error" in data:
        return failed(f"the grader failed: {str(data['error']).strip()[-300:]}")
    given = data.get("scores")
    if not isinstance(given, dict):
        return failed("the grader's result holds no scores")
    scores = {
        str(name): min(1.0, max(0.0, float(value)))
        for name, value in given.items()
        if isinstance(value, int | float) and value == value
    }
    if not scores:
        said = str(given.get("error") or "").strip()[:300]
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
