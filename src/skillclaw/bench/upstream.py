"""A cheap LLM upstream for benchmarks: a raw protocol that answers by the path; proxies are the limit.

/sse/v1/chat/completions    ten events of Chat Completions, sent as ten chunks at once
/sse/v1/messages            ten events of Anthropic Messages, likewise
/json/v1/chat/completions   one JSON document
/paced/v1/chat/completions  twenty events of Chat Completions, one every 20 ms

The shapes are those that clients of the two protocols accept (docs of both APIs), so that a proxy that reads
what it forwards gets the same work as one that does not.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any, cast

__all__ = ["EVENTS", "GAP", "PACED", "main"]

EVENTS = 10
PACED = 20
GAP = 0.02
"""Seconds between paced events."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
USAGE = {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _data(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()


def chat_events(count: int) -> list[bytes]:
    """A streamed chat completion of `count` events; the end mark goes with the last."""

    def event(number: int) -> bytes:
        delta: dict[str, Any] = {"content": f"token number {number} of the answer "}
        if number == 0:
            delta = {"role": "assistant"} | delta
        last = number == count - 1
        choice = {"index": 0, "delta": {} if last else delta, "finish_reason": "stop" if last else None}
        body = {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1_760_000_000,
            "model": "bench",
            "choices": [choice],
        }
        return _data(body) + (b"data: [DONE]\n\n" if last else b"")

    return [event(number) for number in range(count)]


def message_events(count: int) -> list[bytes]:
    """A streamed Anthropic message of `count` events, six at least."""
    message: dict[str, Any] = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 500, "output_tokens": 1},
    }
    deltas = [
        {"type": "text_delta", "text": f"token number {number} of the answer "} for number in range(count - 5)
    ]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 40},
        },
        {"type": "message_stop"},
    ]
    return [_data(event, str(event["type"])) for event in events]


SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\nTransfer-Encoding: chunked\r\n\r\n"
)
CHAT = SSE_HEAD + b"".join(map(_chunk, chat_events(EVENTS))) + b"0\r\n\r\n"
MESSAGE = SSE_HEAD + b"".join(map(_chunk, message_events(EVENTS))) + b"0\r\n\r\n"
PACES = [_chunk(event) for event in chat_events(PACED)]
PACES[-1] += b"0\r\n\r\n"
DOCUMENT = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 300},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
).encode()
JSON = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENT)
    + DOCUMENT
)


class Upstream(asyncio.Protocol):
    """Answers each request on the connection; bodies are counted and forgotten."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._line = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Wait for the end of a head and of its body, then answer."""
        if self._left:
            if len(data) < self._left:
                self._left -= len(data)
                return
            data = data[self._left :]
            self._left = 0
            self._answer(self._line)
        if self._data:
            data = self._data + data
            self._data = b""
        while data:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._data = data
                return
            length = LENGTH.search(data, 0, end + 2)
            line = data[: data.find(b"\r\n")]
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(data) < whole:
                self._line, self._left = line, whole - len(data)
                return
            data = data[whole:]
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        if self._transport is None:
            return
        if b" /sse" in line:
            self._transport.write(MESSAGE if b"/messages" in line else CHAT)
        elif b" /json" in line:
            self._transport.write(JSON)
        else:
            self._transport.write(SSE_HEAD)
            self._pace(0, self._loop.time())

    def _pace(self, number: int, began: float) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(PACES[number])
        if number < PACED - 1:
            # By the clock, so that delays do not add up.
            self._loop.call_at(began + (number + 1) * GAP, self._pace, number + 1, began)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop pacing."""
        self._transport = None


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=1024)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201  its starter reads it
    await server.serve_forever()


def main() -> None:
    """Serve until killed; prints `ready PORT`."""
    if sys.platform != "win32":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve())
    else:
        asyncio.run(_serve())


if __name__ == "__main__":
    main()
