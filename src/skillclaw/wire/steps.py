"""The pieces of a thread -> ATIF steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from skillclaw.trajectory.model import (
    CallMeta,
    Metrics,
    Observation,
    Part,
    Result,
    ResultMeta,
    Step,
    StepMeta,
    ToolCall,
    text_of,
    with_call_meta,
    with_result_meta,
    with_step_meta,
)
from skillclaw.wire.content import join
from skillclaw.wire.records import Item
from skillclaw.wire.thread import Entry, ReplyFacts, Thread

__all__ = ["build_steps"]


@dataclass
class _Draft:
    """A step being filled."""

    source: Literal["system", "user", "agent"]
    kind: Literal["turn", "side", "compaction"]
    batch: int
    group: int
    reply: int | None
    time: float | None
    injected: bool = False
    message: str | list[Part] = ""
    reasoning: list[str] = field(default_factory=list)
    calls: list[Item] = field(default_factory=list)
    results: list[Item] = field(default_factory=list)
    closed: bool = False


def build_steps(thread: Thread, clock: Callable[[float], str]) -> list[Step]:
    """The thread's steps, numbered from 1; `clock` turns Unix seconds into a timestamp.

    One agent step per response, with its thoughts, calls and their results. Pieces of one message make one
    step, but what the host put into a user's message stands alone.
    """
    drafts: list[_Draft] = []
    owners: dict[str, _Draft] = {}
    for entry in thread.entries:
        if entry.item.kind == "result":
            _put_result(entry, drafts, owners)
        elif entry.item.role == "agent":
            _put_agent(entry, drafts, owners)
        else:
            _put_text(entry, drafts)
    kept = [d for d in drafts if d.message or d.reasoning or d.calls or d.results]
    return [_step(number, draft, thread.replies, clock) for number, draft in enumerate(kept, 1)]


def _put_result(entry: Entry, drafts: list[_Draft], owners: dict[str, _Draft]) -> None:
    owner = owners.get(entry.item.call_id)
    if owner is None:
        # Its call was before all that was seen: a system step may carry it by itself.
        owner = _open(entry, "system", drafts)
    owner.results.append(entry.item)
    if entry.reply is None:
        owner.closed = True


def _put_agent(entry: Entry, drafts: list[_Draft], owners: dict[str, _Draft]) -> None:
    last = next((d for d in reversed(drafts) if d.source == "agent"), None)
    same = last is not None and last.reply == entry.reply and last.kind == entry.kind
    if last is None or not same or (entry.reply is None and (last.closed or last is not drafts[-1])):
        last = _open(entry, "agent", drafts)
    item = entry.item
    if item.kind == "reasoning":
        if last.reply is None and (last.message or last.calls):
            last = _open(entry, "agent", drafts)
        last.reasoning.append(text_of(item.content))
    elif item.kind == "call":
        last.calls.append(item)
        owners[item.call_id] = last
    else:
        last.message = join(last.message, item.content)


def _put_text(entry: Entry, drafts: list[_Draft]) -> None:
    item = entry.item
    last = drafts[-1] if drafts else None
    joins = (
        last is not None
        and not last.results
        and (last.source, last.injected) == (item.role, item.injected)
        and (last.batch, last.group, last.kind) == (entry.batch, item.group, entry.kind)
    )
    if last is None or not joins:
        last = _open(entry, item.role, drafts)
        last.injected = item.injected
    last.message = join(last.message, item.content)


def _open(entry: Entry, source: Literal["system", "user", "agent"], drafts: list[_Draft]) -> _Draft:
    draft = _Draft(source, entry.kind, entry.batch, entry.item.group, entry.reply, entry.time)
    drafts.append(draft)
    return draft


def _step(number: int, draft: _Draft, replies: list[ReplyFacts], clock: Callable[[float], str]) -> Step:
    reply = replies[draft.reply] if draft.reply is not None and draft.source == "agent" else None
    metrics = None
    if reply is not None and reply.usage is not None:
        metrics = Metrics(
            prompt_tokens=reply.usage.prompt,
            completion_tokens=reply.usage.completion,
            cached_tokens=reply.usage.cached,
        )
    agent = draft.source == "agent"
    calls = [_call(item) for item in draft.calls] if agent else []
    results = [_result(item, with_id=agent) for item in draft.results]
    step = Step(
        step_id=number,
        source=draft.source,
        message=draft.message,
        timestamp=clock(draft.time) if draft.time is not None else None,
        model_name=(reply.model or None) if reply is not None else None,
        reasoning_effort=reply.effort if reply is not None else None,
        reasoning_content="\n".join(draft.reasoning) or None,
        tool_calls=calls or None,
        observation=Observation(results=results) if results else None,
        metrics=metrics,
        llm_call_count=1 if reply is not None else None,
    )
    return with_step_meta(step, StepMeta(kind=draft.kind, injected=draft.injected))


def _call(item: Item) -> ToolCall:
    call = ToolCall(tool_call_id=item.call_id, function_name=item.name, arguments=item.arguments)
    return with_call_meta(call, CallMeta(raw_arguments=item.raw))


def _result(item: Item, *, with_id: bool) -> Result:
    result = Result(source_call_id=item.call_id if with_id else None, content=item.content)
    return with_result_meta(
        result, ResultMeta(exit_code=item.exit_code, is_error=item.is_error, taint=item.taint)
    )
