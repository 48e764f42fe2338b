"""Calls that a session made before the point at which a model is asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillclaw.trajectory.flow import Act, flow
from skillclaw.trajectory.model import Trajectory
from skillclaw.trajectory.shapes import json_text

__all__ = ["done_before"]


def done_before(before: Trajectory, tool: str, arguments: Mapping[str, Any]) -> Act | None:
    """The last call that is this one, and worked; None where there is none. Case and blanks tell no two calls
    apart: whoever looks up `Leila` looks up `leila`."""
    wanted = _plain(arguments)
    found = [
        event
        for event in flow(before)
        if isinstance(event, Act)
        and event.tool == tool
        and event.ok is not False
        and event.result
        and _plain(event.arguments) == wanted
    ]
    return found[-1] if found else None


def _plain(arguments: Mapping[str, Any]) -> dict[str, str]:
    return {name: " ".join(json_text(value).casefold().split()) for name, value in arguments.items()}
