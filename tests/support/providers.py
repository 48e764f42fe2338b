"""Model providers on loopback for every protocol that the evolver's models speak, over real HTTP.

`Provider(protocol, *acts)` plays its acts in order, one for each request, the last for ever; an act is a
value below, or a function from the request's JSON to one. It remembers what it was sent. No answer is
streamed.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROTOCOLS = ("chat", "responses", "anthropic", "gemini", "bedrock")


@dataclass(frozen=True)
class Answer:
    """A structured answer: as text, or as a call of the tool that the request forces. `tokens` in and out."""

    data: Any
    tokens: tuple[int, int] = (100, 10)


@dataclass(frozen=True)
class Say:
    """Plain text. `stop`: "end", "length" (cut off by the most tokens) or "filter" (refused)."""

    text: str
    stop: str = "end"


@dataclass(frozen=True)
class Call:
    """The model calls a tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """An error of the provider."""

    status: int
    message: str = "something is wrong"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """These bytes."""

    body: bytes
    status: int = 200


@dataclass(frozen=True)
class Cut:
    """The connection ends amid the answer."""


@dataclass(frozen=True)
class Slow:
    """Nothing for so many seconds, then `then`."""

    seconds: float
    then: Any


@dataclass(frozen=True)
class Huge:
    """A text of so many bytes."""

    size: int


Act = Answer | Say | Call | Fail | Raw | Cut | Slow | Huge


@dataclass(frozen=True)
class Asked:
    """A request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Provider:
    """Serves until the end of the block."""

    def __init__(self, protocol: str, *acts: Act | Callable[[dict[str, Any]], Act]) -> None:
        self.protocol = protocol
        self.acts = acts
        self.seen: list[Asked] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Provider:
        owner = self

        class Handler(_Handler):
            provider = owner

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL as `evolve.model.url` wants it."""
        base = f"http://127.0.0.1:{self._server.server_address[1]}"
        return f"{base}/v1" if self.protocol in ("chat", "responses") else base

    def settings(self, **more: Any) -> dict[str, Any]:
        """The table `evolve.model` for it."""
        return {"name": MODELS[self.protocol], "protocol": self.protocol, "url": self.url, **more}

    def take(self, asked: Asked) -> Act:
        with self._lock:
            act = self.acts[min(len(self.seen), len(self.acts) - 1)]
            self.seen.append(asked)
        return act if not callable(act) else act(asked.body)


MODELS = {
    "chat": "m",
    "responses": "gpt-5-mini",
    "anthropic": "claude-sonnet-5",
    "gemini": "gemini-2.5-flash",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
}
"""A model of each protocol."""
PATHS = {
    "chat": r"/v1/chat/completions",
    "responses": r"/v1/responses",
    "anthropic": r"/v1/messages",
    "gemini": r"/v1beta/models/[^/:]+:generateContent",
    "bedrock": r"/model/[^/]+/converse",
}


def forced_tool(protocol: str, body: dict[str, Any]) -> str:
    """The tool that a request says must be called; empty for none."""
    tools = body.get("tools") or (body.get("toolConfig") or {}).get("tools") or []
    if protocol == "gemini":
        names = [one["name"] for tool in tools for one in tool.get("functionDeclarations", [])]
        mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
        return names[0] if names and mode == "ANY" else ""
    if protocol == "bedrock":
        choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
        names = [tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool]
        return names[0] if names and ({"any", "tool"} & set(choice)) else ""
    names = [tool.get("function", tool).get("name", "") for tool in tools]
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    return names[0] if names and kind in ("required", "any", "tool", "function") else ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is none of a test's business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0].replace("%3A", ":")
        if not re.fullmatch(PATHS[self.provider.protocol], path):
            self._send(404, b'{"error":{"message":"no such path: %s"}}' % path.encode())
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(data)
        self._play(self.provider.take(Asked(path, headers, body)), body)

    def _play(self, act: Act, body: dict[str, Any]) -> None:
        protocol = self.provider.protocol
        if isinstance(act, Slow):
            time.sleep(act.seconds)
            self._play(act.then, body)
        elif isinstance(act, Cut):
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
            )
            self.wfile.flush()
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
        elif isinstance(act, Fail):
            self._send(act.status, json.dumps(_error(protocol, act)).encode(), act.headers)
        elif isinstance(act, Raw):
            self._send(act.status, act.body)
        else:
            self._send(200, json.dumps(reply(protocol, act, body)).encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True


def _error(protocol: str, act: Fail) -> dict[str, Any]:
    if protocol == "bedrock":
        return {"message": act.message}
    if protocol == "gemini":
        return {"error": {"code": act.status, "message": act.message, "status": "UNKNOWN"}}
    if protocol == "anthropic":
        return {"type": "error", "error": {"type": "api_error", "message": act.message}}
    return {"error": {"message": act.message, "type": "error", "code": None}}


def reply(protocol: str, act: Any, body: dict[str, Any]) -> dict[str, Any]:
    """An act as the protocol writes a whole answer."""
    tokens, stop, text, called = (100, 10), "end", "", None
    if isinstance(act, Answer):
        tokens, tool = act.tokens, forced_tool(protocol, body)
        if tool:
            called = Call(tool, act.data)
        else:
            text = json.dumps(act.data)
    elif isinstance(act, Huge):
        text = "x" * act.size
    elif isinstance(act, Call):
        called = act
    else:
        text, stop = act.text, act.stop
    return _WRITERS[protocol](text, stop, called, tokens)


def _chat(text: str, stop: str, called: Call | None, tokens: tuple[int, int]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if stop == "filter":
        message |= {"content": None, "refusal": text}
    if called is not None:
        function = {"name": called.name, "arguments": json.dumps(called.arguments)}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    reason = {"end": "tool_calls" if called else "stop", "length": "length", "filter": "stop"}[stop]
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def _responses(text: str, stop: str, called: Call | None, tokens: tuple[int, int]) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    if stop == "filter":
        part = {"type": "refusal", "refusal": text}
    item: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    if called is not None:
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": called.name,
            "arguments": json.dumps(called.arguments),
            "status": "completed",
        }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5-mini",
        "status": "incomplete" if stop == "length" else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if stop == "length" else None,
        "output": [item] if text or called else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": tokens[0],
            "output_tokens": tokens[1],
            "total_tokens": sum(tokens),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _anthropic(text: str, stop: str, called: Call | None, tokens: tuple[int, int]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    if called is not None:
        content.append({"type": "tool_use", "id": "toolu_1", "name": called.name, "input": called.arguments})
    reason = {"end": "tool_use" if called else "end_turn", "length": "max_tokens", "filter": "refusal"}[stop]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }


def _gemini(text: str, stop: str, called: Call | None, tokens: tuple[int, int]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": text}] if text else []
    if called is not None:
        parts.append({"functionCall": {"name": called.name, "args": called.arguments}})
    reason = {"end": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}[stop]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": tokens[0],
            "candidatesTokenCount": tokens[1],
            "totalTokenCount": sum(tokens),
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    }


def _bedrock(text: str, stop: str, called: Call | None, tokens: tuple[int, int]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"text": text}] if text else []
    if called is not None:
        content.append(
            {"toolUse": {"toolUseId": "tooluse_1", "name": called.name, "input": called.arguments}}
        )
    end = "tool_use" if called else "end_turn"
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": {"end": end, "length": "max_tokens", "filter": "content_filtered"}[stop],
        "usage": {"inputTokens": tokens[0], "outputTokens": tokens[1], "totalTokens": sum(tokens)},
        "metrics": {"latencyMs": 1},
    }


_WRITERS = {
    "chat": _chat,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
}
