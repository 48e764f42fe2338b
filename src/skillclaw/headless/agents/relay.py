"""A relay on loopback that gives a model tool calls where its server has none.

Clients speak Chat Completions with `tools` to it, streamed or not; the server behind gets plain messages and
a grammar (`toolprompt`). So what lies between an agent and this relay, SkillClaw's proxy above all, sees
genuine tool calls.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import aiohttp
from aiohttp import web

from skillclaw.errors import StorageError, UsageError
from skillclaw.headless.agents import toolprompt
from skillclaw.headless.agents.model import Endpoint

__all__ = ["ToolRelay"]

PASSED = ("temperature", "top_p", "top_k", "seed", "stop")
MODES = ("grammar", "schema", "text")
NO_MODEL = "the model's server could not be reached"
NO_REQUEST = (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError)
"""What reading raises of a body that is no Chat Completions request."""
NO_ANSWER = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
"""What reading raises of a body that is no Chat Completions answer."""


class ToolRelay:
    """A server of its own thread, from the start of the `with` block to its end.

    upstream    the model behind; its key, if it has one, is sent instead of the client's
    mode        how the model is held to the form of a reply: `grammar` (llama.cpp's field of this name),
                `schema` (`response_format` with a JSON schema: slower, as white space may stand in it),
                `text` (not at all)
    max_tokens  that one reply may have, whatever the client asks for
    seconds     that the server behind may take for one reply
    act_first   what the user says is answered by a call before any answer in words: small models otherwise
                claim at once to have done what they have not begun
    headers     more headers of each request to the server behind
    """

    def __init__(
        self,
        upstream: Endpoint,
        *,
        mode: Literal["grammar", "schema", "text"] = "grammar",
        max_tokens: int = 160,
        seconds: float = 120.0,
        act_first: bool = True,
        headers: Mapping[str, str] = {},
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"The relay has no mode {mode!r}.", "", f"Known: {', '.join(MODES)}")
        self._upstream, self._mode = upstream, mode
        self._max_tokens, self._seconds = max_tokens, seconds
        self._act_first = act_first
        self._headers = dict(headers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.base_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.base_url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        except OSError as error:
            self._stop_loop()
            raise StorageError("The tool relay cannot listen on 127.0.0.1.", str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(30)
        self._stop_loop()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _start(self) -> str:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._seconds))
        app = web.Application(client_max_size=16_000_000)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        # A client that gives up must not leave the model writing for nobody.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _models(self, request: web.Request) -> web.Response:
        named = {"id": self._upstream.model, "object": "model", "owned_by": "relay"}
        return web.json_response({"object": "list", "data": [named]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            body, sent, tools = self._read(await request.read())
        except NO_REQUEST as error:
            return _refused(400, f"this is not a Chat Completions request: {error}")
        headers = {"Content-Type": "application/json", **self._headers}
        if self._upstream.key:
            headers["Authorization"] = f"Bearer {self._upstream.key}"
        url = f"{self._upstream.base_url.rstrip('/')}/chat/completions"
        try:
            async with self._session.post(url, data=sent, headers=headers) as answer:
                data = await answer.read()
                if answer.status != 200:
                    return web.Response(status=answer.status, body=data, content_type="application/json")
            answered = _answered(body, tools, data)
        except TimeoutError:
            return _refused(504, f"the model gave no answer within {self._seconds:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return _refused(502, f"{NO_MODEL}: {error}")
        except NO_ANSWER as error:
            return _refused(502, f"the model's server gave no Chat Completions answer: {error}")
        if not body.get("stream"):
            return web.Response(body=answered, content_type="application/json", charset="utf-8")
        return await _streamed(request, answered)

    def _read(self, data: bytes) -> tuple[Any, bytes, list[dict[str, Any]]]:
        """A request: its JSON, what the server behind is sent, and the tools that the client offers."""
        body = json.loads(data)
        asked, tools = self._ask(body)
        return body, json.dumps(asked).encode(), tools

    def _ask(self, body: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The request for the server behind, and the tools that the client offers."""
        tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
        if body.get("tool_choice") == "none":
            tools = []
        given = body.get("max_completion_tokens") or body.get("max_tokens") or self._max_tokens
        asked: dict[str, Any] = {
            "model": self._upstream.model,
            "messages": toolprompt.plain(body["messages"], tools),
            "max_tokens": min(int(given), self._max_tokens),
            **{name: body[name] for name in PASSED if body.get(name) is not None},
        }
        may = body.get("tool_choice") != "required" and (not self._act_first or _acted(body["messages"]))
        if tools and self._mode == "grammar":
            asked["grammar"] = toolprompt.grammar(tools, answer=may)
        elif tools and self._mode == "schema":
            held = {"name": "reply", "schema": toolprompt.schema(tools, answer=may)}
            asked["response_format"] = {"type": "json_schema", "json_schema": held}
        return asked, tools


def _acted(messages: Sequence[Any]) -> bool:
    """Whether a tool gave a result since the model last answered in words."""
    for message in reversed(messages):
        if message.get("role") in ("tool", "function"):
            return True
        if message.get("role") == "assistant" and not message.get("tool_calls"):
            return False
    return False


def _refused(status: int, reason: str) -> web.Response:
    return web.json_response({"error": {"message": reason, "type": "relay_error"}}, status=status)


def _answered(body: Any, tools: list[dict[str, Any]], data: bytes) -> bytes:
    """What the client gets, whole or as events, for `data` of the server behind."""
    given = json.loads(data)
    choice = given["choices"][0]
    text = choice["message"].get("content") or ""
    said = toolprompt.read(text, tools) if tools else toolprompt.Said(text=text)
    whole = _completion(body, given, said, str(choice.get("finish_reason") or "stop"))
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return _stream(whole, usage) if body.get("stream") else json.dumps(whole).encode()


def _completion(body: Any, given: Any, said: toolprompt.Said, finish: str) -> dict[str, Any]:
    """The answer to the client: what the server behind gave, with the call as a tool call."""
    if said.name:
        # Numbered over the conversation: unique in it, and the same when it is run again.
        made = sum(len(message.get("tool_calls") or []) for message in body["messages"])
        arguments = json.dumps(said.arguments, ensure_ascii=False)
        call = {
            "id": f"call_{made + 1}",
            "type": "function",
            "function": {"name": said.name, "arguments": arguments},
        }
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
        finish = "tool_calls"
    else:
        message = {"role": "assistant", "content": said.text}
    return {
        "id": str(given.get("id") or "chatcmpl-relay"),
        "object": "chat.completion",
        "created": given.get("created") or 0,
        "model": str(body.get("model") or given.get("model") or ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": given.get("usage") or {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _stream(whole: dict[str, Any], usage: bool) -> bytes:
    """All events of the stream: made before its head leaves, after which nothing could be refused."""
    chunks = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in _chunks(whole, usage)]
    return "".join([*chunks, "data: [DONE]\n\n"]).encode()


async def _streamed(request: web.Request, events: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    await response.write(events)
    await response.write_eof()
    return response


def _chunks(whole: dict[str, Any], usage: bool) -> Sequence[dict[str, Any]]:
    """The same answer in parts, as the Chat Completions reference has its stream."""
    choice = whole["choices"][0]
    message = choice["message"]
    head = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    chunks = [chunk({"role": "assistant", "content": ""})]
    if message.get("content"):
        chunks.append(chunk({"content": message["content"]}))
    for number, call in enumerate(message.get("tool_calls", [])):
        chunks.append(chunk({"tool_calls": [{"index": number, **call}]}))
    chunks.append(chunk({}, choice["finish_reason"]))
    if usage:
        chunks.append({**head, "choices": [], "usage": whole["usage"]})
    return chunks
