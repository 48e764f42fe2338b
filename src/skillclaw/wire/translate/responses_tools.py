"""The tools of an OpenAI Responses request: functions, freeform ones, namespaces, those known by type."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.responses import offered
from skillclaw.wire.translate.form import Tool
from skillclaw.wire.translate.schemas import unsealed

__all__ = ["ACTIONS", "tools"]

ACTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "local_shell": (
        "action",
        "Run a command on the user's machine. `command` is the program and its arguments.",
        {
            "type": "object",
            "properties": {
                "command": {"type": "array", "items": {"type": "string"}},
                "working_directory": {"type": "string"},
                "timeout_ms": {"type": "integer"},
                "env": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "required": ["command"],
        },
    ),
    "shell": (
        "action",
        "Run shell commands on the user's machine.",
        {
            "type": "object",
            "properties": {
                "commands": {"type": "array", "items": {"type": "string"}},
                "timeout_ms": {"type": "integer"},
                "max_output_length": {"type": "integer"},
            },
            "required": ["commands"],
        },
    ),
    "apply_patch": (
        "operation",
        "Create, update or delete a file. `diff` is a V4A diff; it is left out when a file is deleted.",
        {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
                "path": {"type": "string"},
                "diff": {"type": "string"},
            },
            "required": ["type", "path"],
        },
    ),
}
"""Tools that OpenAI's models know by type and the agent runs: field of the call, description, schema."""


def tools(body: dict[str, Any], lost: list[str] | None = None) -> list[Tool]:
    """The tools of a request, those of a namespace one by one. `lost` takes those that only OpenAI runs.

    Codex's newest models get theirs not in `tools` but in an input item `additional_tools`. Of two by one
    name the later holds.
    """
    found: dict[tuple[str, str], Tool] = {}
    unknown = [] if lost is None else lost
    for tool in offered(body):
        kind = as_str(tool.get("type"))
        if kind == "namespace":
            space, about = as_str(tool.get("name")), as_str(tool.get("description"))
            own = []
            for inner in map(as_dict, as_list(tool.get("tools"))):
                one = _own(inner, space, about)
                own += one
                if not one:
                    unknown.append(f"tool {as_str(inner.get('type')) or 'without a type'} of {space}")
        elif kind in ACTIONS:
            _, description, schema = ACTIONS[kind]
            own = [Tool(name=kind, description=description, schema=schema, kind="action", shape=kind)]
        elif kind.startswith("web_search"):
            own = [Tool(name="web_search", kind="search")]
        else:
            own = _own(tool, "", "")
            if not own:
                unknown.append(f"tool {kind or 'without a type'}")
        found.update({(one.namespace, one.name): one for one in own})
    return list(found.values())


def _own(tool: dict[str, Any], namespace: str, about: str) -> list[Tool]:
    name = as_str(tool.get("name"))
    kind = tool.get("type", "function")
    if not name or kind not in ("function", "custom"):
        return []
    description = as_str(tool.get("description"))
    if about:
        description = f"{description}\n\nOne of the {namespace} tools: {about}".strip()
    if kind == "custom":
        form = as_dict(tool.get("format"))
        grammar = form if form.get("type") == "grammar" else {}
        return [Tool(name=name, description=description, kind="custom", namespace=namespace, grammar=grammar)]
    return [
        Tool(
            name=name,
            description=description,
            schema=unsealed(as_dict(tool.get("parameters"))),
            namespace=namespace,
            strict=tool.get("strict") is True,
        )
    ]
