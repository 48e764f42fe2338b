"""Steps from messages that a history keeps in the form of an API.

They are read by the wire's own readers, so that a history says the same as what the proxy recorded: the
host's texts apart from the user's, calls by the wire's ids where the provider gave none, exit codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Literal

import msgspec

from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.steps import Transcript, as_str
from skillclaw.trajectory.model import Part, ResultMeta, Trajectory, meta, text_of, with_meta
from skillclaw.trajectory.skilluse import skills_seen
from skillclaw.wire.content import arguments_of
from skillclaw.wire.gemini import request_items
from skillclaw.wire.injected import told_apart
from skillclaw.wire.records import Item
from skillclaw.wire.results import facts
from skillclaw.wire.unnamed import MADE_UP, Names

__all__ = ["Pieces", "gemini_items", "with_skills"]


def gemini_items(role: Literal["user", "model"], content: Any) -> list[Item]:
    """The pieces of a content as Gemini's API has it: text, or a list of parts, or one part."""
    parts = content if isinstance(content, list) else [content] if content else []
    return told_apart(request_items({"contents": [{"role": role, "parts": parts}]}))


class Pieces:
    """Puts the pieces of one conversation into a transcript."""

    def __init__(self, out: Transcript) -> None:
        self.out = out
        self._names = Names()
        self._calls: dict[str, tuple[str, Item]] = {}

    def user(
        self,
        items: list[Item],
        stamp: object,
        *,
        injected: bool = False,
        kind: Literal["turn", "compaction"] = "turn",
    ) -> None:
        """What stands in the user's place; results in it answer their calls."""
        self.results(items, stamp)
        texts = [item for item in items if item.kind == "text"]
        compact = kind == "compaction" or any(item.compaction for item in texts)
        for host, run in groupby(texts, key=lambda item: injected or item.injected):
            parts = [part for item in run for part in _parts(item)]
            own: Literal["turn", "compaction"] = "compaction" if host and compact else "turn"
            self.out.add("user", stamp, parts, injected=host, kind=own)

    def agent(self, items: list[Item], draft: Draft) -> None:
        """What the model said: text, thoughts, calls."""
        for item in items:
            if item.kind == "text":
                draft.parts += _parts(item)
            elif item.kind == "reasoning":
                draft.reasoning.append(text_of(item.content))
            elif item.kind == "call":
                self.call(draft, item.call_id, item.name, item.arguments if item.raw is None else item.raw)

    def call(self, draft: Draft, call_id: object, name: object, arguments: object) -> str:
        """A call; its id in the transcript. One that is told again is the one that was told before."""
        given = as_str(call_id)
        held, raw = arguments_of(arguments)
        item = Item(
            role="agent",
            kind="call",
            call_id=given,
            name=as_str(name) or "unknown",
            arguments=held,
            raw=raw,
        )
        known = self._calls.get(given)
        own = known[0] if known is not None and MADE_UP.search(given) else self._names.of(item)
        own = self.out.call(draft, own, item.name, held if raw is None else arguments)
        self._calls[given or own] = (own, item)
        return own

    def results(
        self,
        items: Iterable[Item],
        stamp: object,
        *,
        failed: bool | None = None,
        code: int | None = None,
    ) -> None:
        """The results among `items`; `failed` and `code` are what the history says beside their texts."""
        for item in items:
            if item.kind != "result":
                continue
            own, call = self._calls.get(item.call_id, (item.call_id, None))
            told = facts(
                call.name if call else item.name,
                call.arguments if call else {},
                text_of(item.content),
                item.is_error if failed is None else failed,
            )
            known = ResultMeta(
                exit_code=told.exit_code if code is None else code,
                is_error=told.is_error if failed is None else failed,
                taint=told.taint,
            )
            self.out.result(own, item.content, known, stamp)


def with_skills(made: Trajectory | None) -> Trajectory | None:
    """The session with the skills that were before the agent, by its texts and calls."""
    if made is None:
        return None
    return with_meta(made, msgspec.structs.replace(meta(made), skills=skills_seen(made)))


def _parts(item: Item) -> list[Part]:
    if isinstance(item.content, str):
        return [Part(type="text", text=item.content)] if item.content else []
    return item.content
