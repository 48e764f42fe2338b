"""A long answer that was streamed in small pieces is read in one pass over them, in every protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillclaw.trajectory.model import text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded

PIECES = 50_000
PIECE = "x" * 1000


def block(kind: str, delta: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": kind, "name": "write"}}
    return start, {"type": "content_block_delta", "index": 0, "delta": delta}


def choice(delta: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def of_item(kind: str) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": 0, "delta": PIECE}


CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI = "/v1beta/models/g:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("path", "events"),
    [
        (CHAT, [choice({"content": PIECE})]),
        (CHAT, [choice({"reasoning_content": PIECE})]),
        (CHAT, [choice({"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": PIECE}}]})]),
        (MESSAGES, block("text", {"type": "text_delta", "text": PIECE})),
        (MESSAGES, block("thinking", {"type": "thinking_delta", "thinking": PIECE})),
        (MESSAGES, block("tool_use", {"type": "input_json_delta", "partial_json": PIECE})),
        (RESPONSES, [of_item("output_text")]),
        (RESPONSES, [of_item("reasoning_summary_text")]),
        (RESPONSES, [of_item("function_call_arguments")]),
        (RESPONSES, [of_item("custom_tool_call_input")]),
        (GEMINI, [{"candidates": [{"content": {"role": "model", "parts": [{"text": PIECE}]}}]}]),
        ("/v1/completions", [{"choices": [{"index": 0, "text": PIECE}]}]),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
@pytest.mark.timeout(20)
def test_pieces_are_joined_once(path: str, events: list[dict[str, Any]]) -> None:
    *first, last = (b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    found = decode(
        Call(
            method="POST",
            path=path,
            request_body=b'{"model":"m","input":"hi","prompt":"hi"}',
            status=200,
            response_headers=[("content-type", "text/event-stream")],
            response_body=b"".join(first) + last * PIECES,
        )
    )
    assert isinstance(found, Decoded)
    (item,) = found.response
    assert len(item.raw or text_of(item.content)) == PIECES * len(PIECE)
