"""Responses over WebSocket: one turn of a connection -> the request and the events of its answer.

Source of the format: what Codex 0.169 sends (`openai-beta: responses_websockets=2026-02-06`). The agent's
message is the body of a POST with `"type": "response.create"`; the server's are the data of the events that a
stream would have. Each side's messages lie in the record one a line.
"""

from __future__ import annotations

from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict

__all__ = ["asked", "messages"]


def messages(body: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a side, in order; a line that the end cut off is left out."""
    found = [load_json(line) for line in body.split(b"\n") if line.strip()]
    return [message for message in found if isinstance(message, dict)]


def asked(body: bytes) -> dict[str, Any] | None:
    """The request of a turn as the body of a POST, or None when no message asks for a response."""
    found = [message for message in messages(body) if message.get("type") == "response.create"]
    if not found:
        return None
    last = found[-1]
    inner = as_dict(last.get("response"))
    return {key: value for key, value in ({**last, **inner}).items() if key not in ("type", "response")}
