"""An OpenAI Responses reply, streamed or whole -> events."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.translate.errors import failure
from skillclaw.wire.translate.form import (
    CannotTranslate,
    Close,
    Delta,
    Event,
    Open,
    Reason,
    Sealed,
    Start,
    Stop,
    Tokens,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.names import made_id

__all__ = ["Reader"]

BETWEEN = "\n\n"
"""Between the parts of a summary, which other protocols have as one text."""


class _Item:
    """An item while it comes: the key and what was said of each of its parts."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.keys: dict[str, int] = {}
        self.said: dict[str, list[str]] = {}
        self.closed = False
        self.part = -1
        self.field = ""


class Reader:
    """Reads one reply. What an item's last event has beyond its deltas is given too."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._started = False
        self._key = 0
        self._items: dict[int, _Item] = {}
        self._called = False
        self._refused = False

    def whole(self, body: dict[str, Any]) -> list[Event]:
        """The events of a reply in one piece; raises CannotTranslate when it is none."""
        status = body.get("status")
        if body.get("error") or status in ("failed", "cancelled"):
            raise CannotTranslate(f"The upstream failed: {failure(body.get('error') or status).message}")
        if not isinstance(body.get("output"), list) or status in ("queued", "in_progress"):
            raise CannotTranslate("The upstream answered with something that is no finished response.")
        return [*self._start(body), *self._finish(body)]

    def take(self, kind: str, data: str) -> list[Event]:
        """The events that one server-sent event stands for."""
        value = as_dict(load_json(data))
        kind = as_str(value.get("type")) or kind
        response = as_dict(value.get("response"))
        index = whole_number(value.get("output_index")) or 0
        events = self._start(response) if response else []
        if kind == "response.output_item.added":
            events += self._add(index, as_dict(value.get("item")))
        elif kind == "response.output_item.done":
            events += self._done(index, as_dict(value.get("item")))
        elif kind.endswith(".delta"):
            events += self._delta(index, kind, value)
        elif kind in ("response.completed", "response.incomplete"):
            events += self._finish(response)
        elif kind == "response.failed":
            events.append(failure(response.get("error") or "The upstream said only that it failed."))
        elif kind == "error":
            events.append(failure(value.get("error") or value))
        return events

    def end(self) -> list[Event]:
        """A stream of this protocol says itself when it is whole: its end adds nothing."""
        return []

    def _start(self, response: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        created = whole_number(response.get("created_at")) or 0
        return [Start(as_str(response.get("id")), as_str(response.get("model")), created, Tokens())]

    def _add(self, index: int, given: dict[str, Any]) -> list[Event]:
        kind = as_str(given.get("type"))
        if index in self._items:
            return []
        item = self._items[index] = _Item(kind)
        if kind in ("function_call", "custom_tool_call"):
            self._called = True
            call_id = as_str(given.get("call_id")) or f"call_{made_id(self._salt, index)}"
            raw = kind == "custom_tool_call"
            space = as_str(given.get("namespace"))
            return [Open(self._new(item, ""), "call", call_id, as_str(given.get("name")), space, raw)]
        if kind == "web_search_call":
            return [Open(self._new(item, ""), "search", as_str(given.get("id")), "web_search")]
        return [Open(self._new(item, ""), "thought")] if kind == "reasoning" else []

    def _new(self, item: _Item, part: str) -> int:
        key = item.keys[part] = self._key
        item.said[part] = []
        self._key += 1
        return key

    def _delta(self, index: int, kind: str, value: dict[str, Any]) -> list[Event]:
        item = self._items.get(index)
        text = as_str(value.get("delta"))
        if not text or (item is not None and item.closed):
            return []
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            item = item or self._items.setdefault(index, _Item("message"))
            word = "refusal" if "refusal" in kind else "text"
            return self._say(item, f"{word} {whole_number(value.get('content_index')) or 0}", text)
        if item is None:
            return []
        if kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
            return self._say(item, "", text) if "" in item.keys else []
        if kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            return self._think(item, kind, value, text)
        return []

    def _think(self, item: _Item, kind: str, value: dict[str, Any], text: str) -> list[Event]:
        field = "summary" if "summary" in kind else "content"
        if item.kind != "reasoning" or (item.field and item.field != field):
            # An upstream that gives both a summary and the whole: what came first is shown.
            return []
        item.field = field
        part = whole_number(value.get(f"{field}_index")) or 0
        first = item.part < 0 or item.part == part
        item.part = part
        return self._say(item, "", text if first else BETWEEN + text)

    def _say(self, item: _Item, part: str, text: str) -> list[Event]:
        events: list[Event] = []
        if part not in item.keys:
            refusal = part.startswith("refusal")
            self._refused = self._refused or refusal
            events.append(Open(self._new(item, part), "refusal" if refusal else "text"))
        item.said[part].append(text)
        return [*events, Delta(item.keys[part], text)]

    def _rest(self, item: _Item, part: str, text: str) -> list[Event]:
        """What the whole text has beyond what was said of it."""
        said = "".join(item.said.get(part, []))
        if not text.startswith(said) or len(text) == len(said):
            return []
        return self._say(item, part, text[len(said) :])

    def _done(self, index: int, given: dict[str, Any]) -> list[Event]:
        events = self._add(index, given)
        item = self._items[index]
        if item.closed:
            return events
        kind = as_str(given.get("type"))
        if kind == "message":
            for number, part in enumerate(map(as_dict, as_list(given.get("content")))):
                word = "refusal" if part.get("type") == "refusal" else "text"
                events += self._rest(item, f"{word} {number}", as_str(part.get(word)))
        elif kind == "function_call":
            events += self._rest(item, "", as_str(given.get("arguments")))
            if "" in item.keys and not item.said[""]:
                events += self._say(item, "", "{}")
        elif kind == "custom_tool_call":
            events += self._rest(item, "", as_str(given.get("input")))
        elif kind == "web_search_call" and "" in item.keys:
            query = as_str(as_dict(given.get("action")).get("query"))
            events += self._say(item, "", to_json({"query": query}))
        elif kind == "reasoning" and "" in item.keys:
            events += self._thought(item, given)
        return events + self._close(item)

    def _thought(self, item: _Item, given: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        if not item.said[""]:
            for key in ("summary", "content"):
                parts = [as_str(part.get("text")) for part in map(as_dict, as_list(given.get(key)))]
                text = BETWEEN.join(part for part in parts if part)
                if text:
                    events += self._say(item, "", text)
                    break
        kept = {key: value for key, value in given.items() if key not in ("type", "status")}
        return [*events, Sealed(item.keys[""], {"from": "responses", "item": kept})]

    def _close(self, item: _Item) -> list[Event]:
        item.closed = True
        return [Close(key) for key in item.keys.values()]

    def _finish(self, response: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for index, given in enumerate(map(as_dict, as_list(response.get("output")))):
            known = self._items.get(index)
            if known is None or not known.closed:
                events += self._done(index, given)
        for item in self._items.values():
            if not item.closed:
                events += self._close(item)
        why = as_dict(response.get("incomplete_details")).get("reason")
        cut = response.get("status") == "incomplete"
        if cut and why == "content_filter":
            return [*events, Stop("refusal", None, _tokens(as_dict(response.get("usage"))))]
        reason: Reason = (
            "length" if cut else "tool" if self._called else "refusal" if self._refused else "end"
        )
        return [*events, Stop(reason, None, _tokens(as_dict(response.get("usage"))))]


def _tokens(usage: dict[str, Any]) -> Tokens:
    details = as_dict(usage.get("input_tokens_details"))
    prompt = whole_number(usage.get("input_tokens")) or 0
    cached = min(whole_number(details.get("cached_tokens")) or 0, prompt)
    thought = as_dict(usage.get("output_tokens_details")).get("reasoning_tokens")
    return Tokens(
        prompt=prompt,
        completion=whole_number(usage.get("output_tokens")) or 0,
        cached=cached,
        written=min(whole_number(details.get("cache_write_tokens")) or 0, prompt - cached),
        thought=whole_number(thought) or 0,
    )
