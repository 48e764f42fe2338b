"""Sessions as ATIF, made from a short script, as an exporter of another tool would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """A shell command with its exit code and output."""

    command: str
    exit_code: int = 0
    output: str = ""


def session(
    user: str,
    number: int,
    task: str,
    ran: Sequence[Ran],
    *,
    outcome: str | None = "success",
    final: str = "Done.",
    project: str = "",
) -> dict[str, Any]:
    """One session of `user`: a request, shell commands with results, a last word."""
    steps: list[dict[str, Any]] = [
        {
            "step_id": 1,
            "source": "user",
            "message": task,
            "timestamp": f"2026-11-{10 + number % 10:02d}T09:00:00Z",
        }
    ]
    for index, one in enumerate(ran):
        call = f"call_{user}_{number}_{index}"
        steps.append(
            {
                "step_id": len(steps) + 1,
                "source": "agent",
                "message": "",
                "model_name": "scripted",
                "tool_calls": [
                    {"tool_call_id": call, "function_name": "Bash", "arguments": {"command": one.command}}
                ],
                "observation": {
                    "results": [
                        {
                            "source_call_id": call,
                            "content": one.output,
                            "extra": {
                                "skillclaw": {"exit_code": one.exit_code, "is_error": one.exit_code != 0}
                            },
                        }
                    ]
                },
            }
        )
    steps.append({"step_id": len(steps) + 1, "source": "agent", "message": final, "model_name": "scripted"})
    own: dict[str, Any] = {"user": user, "project": project}
    if outcome is not None:
        own["outcome"] = outcome
    return {
        "schema_version": "ATIF-v1.8",
        "session_id": f"{user}-{number}",
        "agent": {"name": "claude-code", "version": "2.1.197", "model_name": "scripted"},
        "steps": steps,
        "extra": {"skillclaw": own},
    }


def write(path: Path, sessions: Sequence[dict[str, Any]]) -> Path:
    """The sessions as JSON lines."""
    path.write_text("".join(json.dumps(one) + "\n" for one in sessions), "utf-8")
    return path
