"""What a tool of the office is: a function on its tables, and what an agent is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skillclaw.bench.suites.model import Tool
from skillclaw.trajectory.model import Record

__all__ = ["OfficeTool", "exposed", "schema"]


class OfficeTool(Record, frozen=True, kw_only=True):
    """`name` as recorded (`calendar.search_events`); `arguments` by name, in the order that the tool takes
    them; `required` are those that it refuses to work without; `not_text` is what it says when an argument is
    a list or an object, where the recorded runs show its own words for it.

    `run` takes the office and the arguments as text and gives JSON; it raises `RefusedError`.
    """

    name: str
    description: str
    arguments: Mapping[str, str]
    required: tuple[str, ...] = ()
    not_text: Mapping[str, str] = {}
    run: Callable[..., Any]


def exposed(name: str) -> str:
    """The name that a model calls: many model APIs refuse a dot in it."""
    return name.replace(".", "__")


def schema(tool: OfficeTool) -> Tool:
    """The tool as a workspace shows it."""
    return Tool(
        name=exposed(tool.name),
        description=tool.description,
        parameters={
            "type": "object",
            "properties": {
                name: {"type": "string", "description": text} for name, text in tool.arguments.items()
            },
            "required": list(tool.required),
            "additionalProperties": False,
        },
    )
