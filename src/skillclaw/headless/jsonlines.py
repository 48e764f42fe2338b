"""What CLIs print: lines of JSON among others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["call", "count", "objects", "text_of"]


def objects(out: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand on a line of their own; other lines are left out."""
    for line in out.splitlines():
        if not line.lstrip().startswith("{"):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def text_of(content: Any) -> str:
    """The text of a content that is a string or a list of parts; anything else as JSON."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(
            str(part["text"]) if isinstance(part, dict) and "text" in part else json.dumps(part)
            for part in content
        )
    return json.dumps(content, ensure_ascii=False)


def count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    return value if isinstance(value, int) and value > 0 else 0


def call(ident: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """A tool call as Chat Completions have it."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    return {"id": str(ident), "type": "function", "function": {"name": str(name), "arguments": given}}
