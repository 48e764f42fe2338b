"""Events -> an OpenAI Responses reply, streamed and whole."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.translate.errors import openai_error
from skillclaw.wire.translate.form import (
    Close,
    Delta,
    Event,
    Fail,
    Open,
    Ping,
    Sealed,
    Start,
    Stop,
    Tokens,
    encode,
)
from skillclaw.wire.translate.freeform import Freeform
from skillclaw.wire.translate.names import Names, made_id
from skillclaw.wire.translate.responses_tools import ACTIONS
from skillclaw.wire.translate.seal import pack

__all__ = ["Writer"]

PREFIXES = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
    "web_search_call": "ws_",
}


class _Item:
    """An item while it is said."""

    def __init__(self, opened: Open) -> None:
        self.opened = opened
        self.index = -1
        self.item: dict[str, Any] = {}
        self.parts: list[str] = []
        self.freeform: Freeform | None = None
        self.shape = ""
        self.envelope: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)


class Writer:
    """Says one reply to the agent. Each piece is an item of its own."""

    def __init__(self, names: Names, request: dict[str, Any], now: int) -> None:
        self._names = names
        self._request = request
        self._now = now
        self._number = 0
        self._response: dict[str, Any] = {}
        self._items: dict[int, _Item] = {}
        self._output: list[dict[str, Any]] = []
        self._done = True

    def say(self, event: Event) -> bytes:
        """The server-sent events for one event."""
        if isinstance(event, Start):
            return self._start(event)
        if isinstance(event, Open):
            return self._open(event)
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, Sealed):
            item = self._items.get(event.key)
            if item is not None:
                item.envelope = pack(event.seal, item.text)
            return b""
        if isinstance(event, Close):
            return self._close(event.key)
        if isinstance(event, Stop):
            return self._stop(event)
        if isinstance(event, Fail):
            return self._fail(event)
        return b": ping\n\n" if isinstance(event, Ping) else b""

    def whole(self) -> dict[str, Any]:
        """The reply in one piece, once all was said."""
        return {**self._response, "output": self._output}

    def _sse(self, kind: str, **fields: Any) -> bytes:
        value = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), encode(value))

    def _start(self, event: Start) -> bytes:
        if self._response:
            return b""
        tail = event.id.removeprefix("msg_").removeprefix("chatcmpl-").removeprefix("resp_")
        asked = self._request
        parallel = asked.get("parallel_tool_calls")
        self._response = {
            "id": f"resp_{tail or made_id(event.model, event.created)}",
            "object": "response",
            "created_at": event.created or self._now,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": asked.get("max_output_tokens"),
            "model": as_str(asked.get("model")) or event.model or "unknown",
            "output": [],
            "parallel_tool_calls": parallel if isinstance(parallel, bool) else True,
            "previous_response_id": None,
            "reasoning": asked.get("reasoning"),
            "store": False,
            "temperature": asked.get("temperature"),
            "text": asked.get("text") or {"format": {"type": "text"}},
            "tool_choice": asked.get("tool_choice") or "auto",
            # The agent knows its tools; Codex's would make each of three events 40 KB longer.
            "tools": [],
            "top_p": asked.get("top_p"),
            "truncation": "disabled",
            "usage": None,
            "user": None,
            "metadata": as_dict(asked.get("metadata")),
        }
        return self._sse("response.created", response=self._response) + self._sse(
            "response.in_progress", response=self._response
        )

    def _id(self, kind: str, index: int) -> str:
        return f"{PREFIXES.get(kind, 'item_')}{made_id(self._response.get('id', ''), index)}"

    def _begin(self, item: _Item, kind: str, **fields: Any) -> bytes:
        item.index = len(self._output)
        item.item = {"type": kind, "id": self._id(kind, item.index), "status": "in_progress", **fields}
        self._output.append(item.item)
        return self._sse("response.output_item.added", output_index=item.index, item=dict(item.item))

    def _open(self, event: Open) -> bytes:
        item = self._items[event.key] = _Item(event)
        if event.kind == "search":
            action = {"type": "search", "query": ""}
            return self._begin(item, "web_search_call", action=action)
        if event.kind != "call":
            return b""
        tool = self._names.own(event.name)
        if tool.kind == "action":
            item.shape = tool.shape
            return b""
        head: dict[str, Any] = {"call_id": event.call_id, "name": tool.name}
        if tool.namespace:
            head["namespace"] = tool.namespace
        if event.raw or tool.kind == "custom":
            item.freeform = None if event.raw else Freeform()
            return self._begin(item, "custom_tool_call", **head, input="")
        return self._begin(item, "function_call", **head, arguments="")

    def _delta(self, event: Delta) -> bytes:
        item = self._items.get(event.key)
        if item is None or not event.text:
            return b""
        head, text = b"", event.text
        kind = item.opened.kind
        if kind == "thought" and item.index < 0:
            head = self._begin(item, "reasoning", summary=[])
            part = {"type": "summary_text", "text": ""}
            head += self._sse("response.reasoning_summary_part.added", **_at(item, "summary"), part=part)
        elif kind in ("text", "refusal") and item.index < 0:
            head = self._begin(item, "message", role="assistant", content=[])
            head += self._sse("response.content_part.added", **_at(item, "content"), part=_part(kind, ""))
        if item.freeform is not None:
            text = item.freeform.feed(text)
        if not text:
            return head
        item.parts.append(text)
        if kind == "search" or item.index < 0:
            return head
        return head + self._more(item, text)

    def _more(self, item: _Item, text: str) -> bytes:
        kind = item.opened.kind
        if kind == "thought":
            return self._sse("response.reasoning_summary_text.delta", **_at(item, "summary"), delta=text)
        if kind == "refusal":
            return self._sse("response.refusal.delta", **_at(item, "content"), delta=text)
        if kind == "text":
            at = _at(item, "content")
            return self._sse("response.output_text.delta", **at, delta=text, logprobs=[])
        custom = item.item["type"] == "custom_tool_call"
        word = "custom_tool_call_input" if custom else "function_call_arguments"
        return self._sse(f"response.{word}.delta", **_at(item), delta=text)

    def _close(self, key: int) -> bytes:
        item = self._items.pop(key, None)
        if item is None:
            return b""
        kind = item.opened.kind
        if kind == "thought":
            out = self._close_thought(item)
        elif kind in ("text", "refusal"):
            out = self._close_words(item)
        elif kind == "search":
            query = as_str(as_dict(load_json(item.text)).get("query"))
            item.item["action"] = {"type": "search", "query": query}
            out = b""
        elif item.shape:
            out = self._action(item)
        else:
            out = self._close_call(item)
        if item.index < 0:
            return out
        item.item["status"] = "completed"
        if item.item["type"] in ("reasoning", "custom_tool_call"):
            del item.item["status"]
        return out + self._sse("response.output_item.done", output_index=item.index, item=item.item)

    def _close_thought(self, item: _Item) -> bytes:
        out = b""
        if item.index < 0:
            if item.envelope is None:
                return b""
            out = self._begin(item, "reasoning", summary=[])
        elif item.parts:
            part = {"type": "summary_text", "text": item.text}
            at = _at(item, "summary")
            out = self._sse("response.reasoning_summary_text.done", **at, text=item.text)
            out += self._sse("response.reasoning_summary_part.done", **at, part=part)
            item.item["summary"] = [part]
        if item.envelope is not None:
            item.item["encrypted_content"] = item.envelope
        return out

    def _close_words(self, item: _Item) -> bytes:
        if item.index < 0:
            return b""
        at, part = _at(item, "content"), _part(item.opened.kind, item.text)
        if item.opened.kind == "refusal":
            out = self._sse("response.refusal.done", **at, refusal=item.text)
        else:
            out = self._sse("response.output_text.done", **at, text=item.text, logprobs=[])
        item.item["content"] = [part]
        return out + self._sse("response.content_part.done", **at, part=part)

    def _close_call(self, item: _Item) -> bytes:
        if item.item["type"] == "custom_tool_call":
            rest, whole = ("", item.text) if item.freeform is None else item.freeform.close()
            out = self._more(item, rest) if rest else b""
            item.item["input"] = whole
            return out + self._sse("response.custom_tool_call_input.done", **_at(item), input=whole)
        item.item["arguments"] = item.text
        at = _at(item)
        name = item.item["name"]
        return self._sse("response.function_call_arguments.done", **at, name=name, arguments=item.text)

    def _action(self, item: _Item) -> bytes:
        """A call of a tool that the agent knows by type: its arguments are told as one action."""
        given = as_dict(load_json(item.text))
        if item.shape == "local_shell":
            given = {"type": "exec", "env": {}, **given}
        fields = {"call_id": item.opened.call_id, ACTIONS[item.shape][0]: given}
        return self._begin(item, f"{item.shape}_call", **fields)

    def _stop(self, event: Stop) -> bytes:
        out = self._start(Start("", "", 0, event.tokens))
        for key in list(self._items):
            out += self._close(key)
        cut = {"length": "max_output_tokens", "context": "max_output_tokens", "refusal": "content_filter"}
        why = cut.get(event.reason)
        if event.reason == "refusal" and any(_refuses(item) for item in self._output):
            # A refusal in words is a whole answer in this protocol.
            why = None
        status = "incomplete" if why else "completed"
        self._response["status"] = status
        self._response["incomplete_details"] = {"reason": why} if why else None
        self._response["usage"] = _usage(event.tokens)
        return out + self._sse(f"response.{status}", response=self.whole())

    def _fail(self, event: Fail) -> bytes:
        out = self._start(Start("", "", 0, Tokens()))
        told = openai_error(event)["error"]
        code = told["code"] or "invalid_prompt"
        # Codex gives up on an overloaded server but asks again after a server error, as others do.
        code = "server_error" if event.trouble == "overloaded" else code
        response = {
            **self.whole(),
            "status": "failed",
            "error": {"code": code, "message": told["message"]},
        }
        return out + self._sse("response.failed", response=response)


def _refuses(item: dict[str, Any]) -> bool:
    return any(part.get("type") == "refusal" for part in item.get("content", []))


def _at(item: _Item, part: str = "") -> dict[str, Any]:
    at = {"item_id": item.item["id"], "output_index": item.index}
    return {**at, f"{part}_index": 0} if part else at


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.thought},
        "total_tokens": tokens.prompt + tokens.completion,
    }
