"""A Chat Completions server on loopback whose answers are a function of the request, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Raw:
    """An answer that is not one: these bytes, with this status, after `wait` s and `drip` s between bytes."""

    body: bytes
    status: int = 200
    wait: float = 0.0
    drip: float = 0.0


def text(content: str) -> dict[str, Any]:
    """The model answers in words."""
    return {"role": "assistant", "content": content}


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    """The model calls a tool."""
    return calls((name, json.dumps(arguments)))


def calls(*made: tuple[str, str]) -> dict[str, Any]:
    """The model calls tools; arguments as the string that it wrote."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": given}}
            for number, (name, given) in enumerate(made)
        ],
    }


def results(request: dict[str, Any]) -> int:
    """How many tool results came since the user last said something."""
    number = 0
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            return number
        number += message["role"] == "tool"
    return number


def script(*steps: Any) -> Callable[[dict[str, Any]], Any]:
    """The first step for what the user says, the next after each result; the last for ever."""
    return lambda request: steps[min(results(request), len(steps) - 1)]


@dataclass
class ChatModel:
    """Serves until the end of the block. `seen` are the requests, `headers` theirs."""

    answer: Callable[[dict[str, Any]], Any]
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def __enter__(self) -> ChatModel:
        model = self

        class Handler(_Handler):
            owner = model

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    owner: ChatModel

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        known = self.path.endswith("/models")
        self._send(Raw(b'{"object":"list","data":[{"id":"m","object":"model"}]}', 200 if known else 404))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.path.split("?")[0].endswith("/chat/completions"):
            self._send(Raw(b'{"error":{"message":"no such path"}}', 404))
            return
        request = json.loads(body)
        self.owner.seen.append(request)
        self.owner.headers.append({name.lower(): value for name, value in self.headers.items()})
        given = self.owner.answer(request)
        if isinstance(given, Raw):
            self._send(given)
            return
        # Ids are new in a conversation: Hermes drops calls whose id came before.
        at = len(request["messages"])
        made = [
            {**part, "id": f"call_{at}_{number}"} if isinstance(part, dict) else part
            for number, part in enumerate(given.get("tool_calls", []))
        ]
        given = {**given, "tool_calls": made} if made else given
        finish = "tool_calls" if given.get("tool_calls") else "stop"
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        head = {"id": "chatcmpl-1", "created": 1, "model": "m"}
        if not request.get("stream"):
            choice = {"index": 0, "message": given, "finish_reason": finish}
            whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            self._send(Raw(json.dumps(whole).encode()))
            return
        parts = [{"index": number, **part} for number, part in enumerate(made)]
        delta = {**given, "tool_calls": parts} if made else given
        events = [
            {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
            {"choices": [], "usage": usage},
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in events:
            whole = {**head, "object": "chat.completion.chunk", **event}
            self.wfile.write(b"data: " + json.dumps(whole).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, raw: Raw) -> None:
        time.sleep(raw.wait)
        try:
            self.send_response(raw.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw.body)))
            self.end_headers()
            if not raw.drip:
                self.wfile.write(raw.body)
            else:
                for byte in raw.body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(raw.drip)
        except OSError:
            pass
