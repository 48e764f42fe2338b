"""What a program in its room asks of the world: requests for a model, at the gateway and at the relay.

The first byte chooses; the rest is the request's body and, for the relay, after `====` on a line of its own
what the server behind answered. A request that passes asks nothing of a provider but words; one that is none
is refused, and whatever the relay answers is JSON or events.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec

from skillclaw.headless.agents.model import Endpoint
from skillclaw.headless.agents.relay import NO_ANSWER, NO_REQUEST, ToolRelay, _answered
from skillclaw.headless.fitting import LINKS, PASSING, NotPassedError, fitted

ALLOWED = (NotPassedError,)
PART = b"\n====\n"
DICT = (
    PART,
    b'"messages"',
    b'"tools"',
    b'"type": "function"',
    b'"function"',
    b'"web_search"',
    b'"image_url": {"url": "https://',
    b'"source": {"type": "url"',
    b'"environment": {"type": "container"}',
    b'"tool_choice": "required"',
    b'"tool_calls"',
    b'"max_tokens": ',
    b"9" * 400,
    b'"stream": true',
    b'"choices"',
    b'{"tool": "bash", "arguments": {',
    b'"text_editor_1"',
    b'"namespace"',
)


def once(data: bytes) -> None:
    """One request."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    if first % 2:
        _relayed(first, *body.partition(PART)[::2])
        return
    made, most = fitted(body, "chosen")
    told = msgspec.json.decode(made)
    assert told["model"] == "chosen" and set(told) <= PASSING and 0 < most <= 8000
    for name in ("messages", "input", "system"):
        _no_links(told.get(name))
    again, _ = fitted(made, "chosen")
    assert msgspec.json.decode(again) == told


def _no_links(value: Any) -> None:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict) and one.get("type") != "tool_use":
            for name in LINKS:
                link = one.get(name)
                link = link.get("url") if isinstance(link, dict) else link
                assert not isinstance(link, str) or link.startswith("data:"), link
            left += [below for name, below in one.items() if name != "tools"]


def _relayed(first: int, request: bytes, answer: bytes) -> None:
    """As the relay's handler does it, without a network."""
    mode = ("grammar", "schema", "text")[first % 3]
    relay = ToolRelay(Endpoint(base_url="http://127.0.0.1:1/v1", model="m"), mode=mode)  # type: ignore[arg-type]
    try:
        body, sent, tools = relay._read(request)
        assert isinstance(json.loads(sent), dict)
    except NO_REQUEST:
        return
    finally:
        relay._loop.close()
    with contextlib.suppress(*NO_ANSWER):
        assert isinstance(_answered(body, tools, answer), bytes)
