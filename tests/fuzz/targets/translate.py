"""Requests, replies, streams and errors from one protocol into another, in all six directions.

The first line names the direction by a digit, the second is the agent's request; after a line `==>` the
upstream's answer, which is read as a body, as a stream in pieces, and as an error.
"""

from __future__ import annotations

import itertools
import json
from typing import get_args

from skillclaw.wire.body import load_json
from skillclaw.wire.sse import parse
from skillclaw.wire.translate import (
    CannotTranslate,
    ReplyTranslator,
    Speech,
    lost,
    translate_error,
    translate_request,
)

ALLOWED = (CannotTranslate,)
DIRECTIONS = [
    (a, b) for a, b in itertools.product(get_args(Speech), repeat=2) if a != b and "gemini" not in (a, b)
]
DICT = (
    b"\n==>\n",
    b"data: ",
    b"\n\n",
    b"[DONE]",
    b'"tool_calls"',
    b'"tool_use"',
    b'"tool_result"',
    b'"type"',
    b'"function_call"',
    b'"function_call_output"',
    b'"content"',
    b'"content_block_delta"',
    b'"input_json_delta"',
    b'"response.output_item.added"',
    b'"response.completed"',
    b'"message_start"',
    b'"encrypted_content"',
    b'"signature"',
    b'"tools"',
    b'"tool_choice"',
    b'"response_format"',
    b'"reasoning"',
    b'"custom"',
    b'"index"',
    b'"web_search"',
    b'"usage"',
    b'"stop_reason"',
    b'"finish_reason"',
    b'"cache_control"',
    b'"namespace"',
)


def once(data: bytes) -> None:
    """What comes out is JSON or events of JSON, whatever came in."""
    first, _, rest = data.partition(b"\n")
    source, target = DIRECTIONS[(first[0] if first else 0) % len(DIRECTIONS)]
    request, _, answer = rest.partition(b"\n==>\n")
    body = load_json(request)
    body = body if isinstance(body, dict) else {}
    refused: CannotTranslate | None = None
    try:
        json.dumps(translate_request(body, source, target))
        lost(body, source, target)
    except CannotTranslate as error:
        refused = error
    for event in parse(_streamed(answer, body, source, target)):
        assert event.data == "[DONE]" or isinstance(load_json(event.data), dict)
    assert isinstance(load_json(translate_error(500, answer, source, target)), dict)
    try:
        whole = ReplyTranslator(source, target, body, now=0).whole(answer)
        assert isinstance(load_json(whole), dict)
        parse(ReplyTranslator(source, target, body, now=0).streamed(answer))
    except CannotTranslate as error:
        refused = error
    if refused is not None:
        raise refused


def _streamed(answer: bytes, body: dict[str, object], source: Speech, target: Speech) -> bytes:
    translator = ReplyTranslator(source, target, body, now=0)
    out = [translator.feed(answer[at : at + 997]) for at in range(0, len(answer), 997)]
    return b"".join([*out, translator.close(complete=len(answer) % 2 == 0)])
