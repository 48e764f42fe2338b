"""Sessions in which a user tells the agent to make another call, as an exporter of a tool writes them."""

from __future__ import annotations

from typing import Any

from atif_sessions import Ran, session

__all__ = ["TASKS", "corrected"]

TASKS = (
    "Install the dependencies",
    "Please install the deps",
    "Install what the shop needs",
    "Set up the shop",
)


def corrected(
    number: int, before: str, said: str, after: str, *, day: str, user: str = "ana", project: str = ""
) -> dict[str, Any]:
    """One session of that day: the agent runs `before`, the user says something, it runs `after`."""
    task = TASKS[number % len(TASKS)]
    made = session(user, number, task, [Ran(before, 0, "ok")], final="I ran it.", project=project)
    again = session(user, number, said, [Ran(after, 0, "ok")], project=project)
    made["session_id"] = f"{user}-{number}-{day}-{after}"
    for one in again["steps"]:
        for at, call in enumerate(one.get("tool_calls", [])):
            call["tool_call_id"] += "_again"
            one["observation"]["results"][at]["source_call_id"] += "_again"
        made["steps"].append({**one, "step_id": len(made["steps"]) + 1})
    for one in made["steps"]:
        if "timestamp" in one:
            one["timestamp"] = f"{day}T09:00:00Z"
    return made
