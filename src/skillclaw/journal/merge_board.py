"""The steps of one view of a session, while those of another are put in: which belongs to which.

Pieces are matched by tool call id, else by who said what, and by time where both have one.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from skillclaw.journal.merge_parts import (
    best,
    earlier,
    merged_call,
    merged_content,
    merged_metrics,
    merged_result,
    merged_text,
    near,
    redacted,
    same_text,
    union,
)
from skillclaw.trajectory.model import (
    Observation,
    Result,
    Step,
    StepMeta,
    ToolCall,
    step_meta,
    text_of,
    with_step_meta,
)
from skillclaw.wire.thoughts import parted

__all__ = ["Board"]


class Board:
    """The old steps while the pieces of `new` are put in; each text of the old side is given away once."""

    def __init__(self, steps: list[Step], new: list[Step]) -> None:
        self.steps = list(steps)
        self._calls: dict[str, int] = {}
        self._texts: dict[tuple[str, str], list[int]] = {}
        self._thoughts: dict[str, int] = {}
        self._masked: list[int] = []
        self._given: set[int] = set()
        for index, step in enumerate(steps):
            for call in step.tool_calls or []:
                self._calls.setdefault(call.tool_call_id, index)
            self._texts.setdefault(_words(step), []).append(index)
            if step.reasoning_content:
                self._thoughts.setdefault(step.reasoning_content.strip(), index)
            if redacted(text_of(step.message)):
                self._masked.append(index)
        # Old steps that a new one tells with its words and a call of it: no other step of the same words may
        # take their place before.
        self._due = {
            place
            for step in new
            if text_of(step.message)
            for place in self._by_call(step).values()
            if self._says(place, step)
        }

    def _by_call(self, step: Step) -> dict[str, int]:
        """The old steps of the calls that the step makes, by the calls' ids."""
        made = (call.tool_call_id for call in step.tool_calls or [])
        return {name: self._calls[name] for name in made if name in self._calls}

    def _says(self, index: int, step: Step) -> bool:
        """Whether the old step says the same."""
        known = self.steps[index]
        return _words(known) == _words(step) or same_text(text_of(known.message), text_of(step.message))

    def take(self, step: Step) -> tuple[int | None, Step | None]:
        """Put in what the step adds; (the old step it belongs to, what is left of it to stand alone)."""
        by_call = self._by_call(step)
        by_call |= {
            result.source_call_id: self._calls[result.source_call_id]
            for result in _results(step)
            if result.source_call_id in self._calls and not step.tool_calls and not text_of(step.message)
        }
        calls = list(by_call.values())
        rest = None
        if calls and not step.message:
            home: int | None = calls[0]
        else:
            home = self._find_text(step, calls)
            if home is not None:
                self._given.add(home)
            elif calls:
                home = calls[0]
                if home in self._given:
                    # Its answer has said something else already: these words stand for themselves.
                    rest = Step(step_id=1, source=step.source, message=step.message, timestamp=step.timestamp)
                    step = msgspec.structs.replace(step, message="")
                self._given.add(home)
        if home is None:
            return None, step
        self._put(step, home, by_call)
        return home, rest

    def _find_text(self, step: Step, calls: list[int]) -> int | None:
        key = _words(step)
        text = text_of(step.message)
        for index in calls:
            if not text or self._says(index, step):
                return index
        spoken = next((index for index in calls if text_of(self.steps[index].message)), None)
        if spoken is not None and spoken not in self._given:
            # One answer in two wordings (a client that mends texts): the richer one stays.
            return spoken
        # In their order, whether redacted or not: a text must not find another place when merged again.
        among: Iterable[int] = sorted({*self._texts.get(key, []), *(self._masked if text else [])})
        if redacted(text):
            among = range(len(self.steps))
        for index in among:
            known = self.steps[index]
            free = known.source == step.source and self._free(index, step, calls)
            if free and self._says(index, step):
                return index
        return None

    def _free(self, index: int, step: Step, calls: list[int]) -> bool:
        known = self.steps[index]
        if index in self._given or not near(known.timestamp, step.timestamp):
            return False
        if index in self._due and index not in calls:
            return False
        # Two answers with calls of their own are told apart by these; a text alone may be part of either.
        return not (known.tool_calls and step.tool_calls) or bool(calls)

    def _put(self, step: Step, home: int, by_call: dict[str, int]) -> None:
        for call in step.tool_calls or []:
            place = by_call.get(call.tool_call_id)
            if place is None:
                place = next(iter(by_call.values()), home)
                self._calls[call.tool_call_id] = by_call[call.tool_call_id] = place
            self.steps[place] = _with_call(self.steps[place], call)
        for result in _results(step):
            place = by_call.get(result.source_call_id or "", home)
            self.steps[place] = _with_result(self.steps[place], result)
        places = dict.fromkeys([home, *by_call.values()])
        measured = [place for place in places if self.steps[place].metrics is not None]
        where = measured[0] if measured else home
        metrics = merged_metrics(self.steps[where].metrics, step.metrics)
        self.steps[where] = msgspec.structs.replace(self.steps[where], metrics=metrics)
        thought = (step.reasoning_content or "").strip()
        known = step.reasoning_content if self._thoughts.get(thought, home) == home else None
        self.steps[home] = _merge_step(self.steps[home], step, known)


def _merge_step(old: Step, new: Step, reasoning: str | None) -> Step:
    """The step's own fields; calls, results and metrics are in already."""
    first, second = step_meta(old), step_meta(new)
    kind = second.kind if first.kind == "turn" else first.kind
    content = merged_content(old.message, new.message)
    merged = msgspec.structs.replace(
        old,
        message=content if content is not None else "",
        timestamp=earlier(old.timestamp, new.timestamp),
        extra=union(old.extra, new.extra),
        is_copied_context=best(old.is_copied_context, new.is_copied_context, bool),
    )
    if old.source == "agent" == new.source:
        thoughts = merged_text(old.reasoning_content, reasoning)
        calls = best(old.llm_call_count, new.llm_call_count, int)
        if calls == 0 and (thoughts or merged.metrics is not None):
            calls = None
        merged = msgspec.structs.replace(
            merged,
            model_name=old.model_name or new.model_name,
            reasoning_effort=old.reasoning_effort
            if old.reasoning_effort is not None
            else new.reasoning_effort,
            reasoning_content=thoughts,
            llm_call_count=calls,
        )
    return with_step_meta(merged, StepMeta(kind=kind, injected=first.injected or second.injected))


def _words(step: Step) -> tuple[str, str]:
    """What tells a step from others: who, and the text (or, without text, the thoughts or results)."""
    text = text_of(step.message).strip()
    if step.source == "agent":
        # One view may hold the thoughts in the text, the other apart.
        text = parted(text)[1] or text
    images = [] if isinstance(step.message, str) else [p.source.path for p in step.message if p.source]
    if not text and not images:
        text = (step.reasoning_content or "").strip()
        text = text or "\n".join(text_of(result.content) for result in _results(step))
    return step.source, "\0".join([text, *images])


def _results(step: Step) -> list[Result]:
    return step.observation.results if step.observation is not None else []


def _with_call(step: Step, call: ToolCall) -> Step:
    calls = list(step.tool_calls or [])
    for index, known in enumerate(calls):
        if known.tool_call_id == call.tool_call_id:
            calls[index] = merged_call(known, call)
            return msgspec.structs.replace(step, tool_calls=calls)
    return msgspec.structs.replace(step, tool_calls=[*calls, call])


def _with_result(step: Step, result: Result) -> Step:
    ids = {call.tool_call_id for call in step.tool_calls or []}
    if ids and result.source_call_id not in ids:
        result = msgspec.structs.replace(result, source_call_id=None)
    results = list(_results(step))
    for index, known in enumerate(results):
        same = known.source_call_id == result.source_call_id
        if same and (known.source_call_id is not None or _same_content(known, result)):
            results[index] = merged_result(known, result)
            break
    else:
        results.append(result)
    return msgspec.structs.replace(step, observation=Observation(results=results))


def _same_content(one: Result, other: Result) -> bool:
    return one.content == other.content or same_text(text_of(one.content), text_of(other.content))
