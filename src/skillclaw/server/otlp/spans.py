"""A session -> the spans of one trace. Pure.

Names of spans and attributes are those of OpenTelemetry's semantic conventions 1.41.0 for generative AI
(status: Development): one `invoke_agent` for the session and for each sub-agent, one `chat` for each answer
of the model, one `execute_tool` for each call. What is ours is under `skillclaw.`.

A session's record has one time for each step: of an answer that is its end. So an answer's span begins where
the step before ended, and has the running of its tools in it where the model was waited for by tools
(`skillclaw.includes_tools`); a call's span has no length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

from skillclaw.journal.merge_parts import seconds
from skillclaw.server.otlp.content import NO_CONTENT, Content
from skillclaw.server.otlp.providers import OTHER, provider
from skillclaw.trajectory.model import (
    Metrics,
    Record,
    Result,
    Step,
    ToolCall,
    Trajectory,
    meta,
    result_meta,
    step_meta,
)

__all__ = ["CONVENTIONS", "Span", "Value", "spans_of"]

CONVENTIONS = "1.41.0"
"""The version of the semantic conventions; a trace names it by its schema URL."""
Value = str | int | float | bool
Kind = Literal["internal", "client"]


class Span(Record, frozen=True, kw_only=True):
    """One span. Ids are bytes, 16 of the trace and 8 of the span; `parent` is empty for the root; `start` and
    `end` in nanoseconds since 1970; `failed`: its status is an error."""

    trace: bytes
    id: bytes
    parent: bytes = b""
    name: str
    kind: Kind = "internal"
    start: int
    end: int
    attributes: dict[str, Value]
    failed: bool = False


def spans_of(session: Trajectory, content: Content = NO_CONTENT) -> list[Span]:
    """The session's spans, its root first; none where no step has a time. The same session gives the same,
    and one that grew the same ids with more spans."""
    key = meta(session).key
    trace = _digest("trace", key)[:16]
    return _Walk(key, trace, content).agent(session, "", b"", None)


class _Walk:
    """The walk through a session and its sub-agents."""

    def __init__(self, key: str, trace: bytes, content: Content) -> None:
        self.key = key
        self.trace = trace
        self.content = content

    def agent(self, session: Trajectory, path: str, parent: bytes, around: int | None) -> list[Span]:
        """The spans of a session or of the sub-agent at `path`. `around`: when it was called."""
        moments = _moments(session, around)
        if not moments:
            return []
        root = self._id(path, "agent")
        subs = {sub.trajectory_id: (n, sub) for n, sub in enumerate(session.subagent_trajectories or [])}
        inner: list[Span] = []
        before = moments[0]
        waited = False
        self.content.begin()
        for step, moment in zip(session.steps, moments, strict=True):
            copied = step.is_copied_context is True
            if step.source == "agent" and step.llm_call_count != 0 and not copied:
                inner.append(self._chat(session, step, path, root, (before, moment), waited))
            else:
                self.content.said(step)
            for place, (call, results) in enumerate(_calls(step) if not copied else ()):
                own = self._id(path, "tool", step.step_id, place)
                span = self._tool(step, call, results, own, root, moment)
                inner.append(span)
                for name in _delegated(results):
                    if name in subs:
                        number, sub = subs.pop(name)
                        inner += self._below().agent(sub, f"{path}/{number}", span.id, moment)
            waited = bool(step.tool_calls)
            before = moment
        for number, sub in subs.values():
            inner += self._below().agent(sub, f"{path}/{number}", root, moments[0])
        first = min([moments[0], *(span.start for span in inner)])
        last = max([moments[-1], *(span.end for span in inner)])
        return [self._agent_span(session, root, parent, first, last), *inner]

    def _below(self) -> _Walk:
        return _Walk(self.key, self.trace, self.content.fresh())

    def _id(self, *parts: object) -> bytes:
        return _digest("span", self.key, *parts)[:8]

    def _agent_span(self, session: Trajectory, own: bytes, parent: bytes, start: int, end: int) -> Span:
        known = meta(session)
        total = session.final_metrics
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": provider(_model(session)),
            "gen_ai.agent.name": session.agent.name,
            "gen_ai.conversation.id": self.key,
        }
        _put(attributes, "gen_ai.agent.version", session.agent.version)
        _put(attributes, "gen_ai.request.model", _model(session))
        prompt, completion, cached, cost = _spent(session)
        if total is not None:
            prompt = total.total_prompt_tokens if total.total_prompt_tokens is not None else prompt
            completion = (
                total.total_completion_tokens if total.total_completion_tokens is not None else completion
            )
            cached = total.total_cached_tokens if total.total_cached_tokens is not None else cached
            cost = total.total_cost_usd if total.total_cost_usd is not None else cost
        _put_tokens(attributes, prompt, completion, cached, cost)
        if not parent:
            attributes["skillclaw.outcome"] = known.outcome
            attributes["skillclaw.outcome.confidence"] = known.confidence
            attributes["skillclaw.revision"] = known.revision
            attributes["skillclaw.source"] = known.source
            _put(attributes, "skillclaw.reward", known.reward)
        return Span(
            trace=self.trace,
            id=own,
            parent=parent,
            name=f"invoke_agent {session.agent.name}",
            start=start,
            end=end,
            attributes=attributes,
        )

    def _chat(
        self, session: Trajectory, step: Step, path: str, parent: bytes, time: tuple[int, int], waited: bool
    ) -> Span:
        model = step.model_name or _model(session)
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider(model),
            "gen_ai.conversation.id": self.key,
            "skillclaw.step": step.step_id,
        }
        _put(attributes, "gen_ai.request.model", model)
        _put(attributes, "gen_ai.response.model", step.model_name)
        spent = step.metrics or Metrics()
        _put_tokens(
            attributes, spent.prompt_tokens, spent.completion_tokens, spent.cached_tokens, spent.cost_usd
        )
        if step_meta(step).kind != "turn":
            attributes["skillclaw.step.kind"] = step_meta(step).kind
        if waited:
            attributes["skillclaw.includes_tools"] = True
        attributes |= self.content.answered(step)
        return Span(
            trace=self.trace,
            id=self._id(path, "chat", step.step_id),
            parent=parent,
            name=f"chat {model}" if model else "chat",
            kind="client",
            start=time[0],
            end=time[1],
            attributes=attributes,
        )

    def _tool(
        self, step: Step, call: ToolCall, results: list[Result], own: bytes, parent: bytes, moment: int
    ) -> Span:
        known = [result_meta(result) for result in results]
        code = next((one.exit_code for one in known if one.exit_code is not None), None)
        told = next((one.is_error for one in known if one.is_error is not None), None)
        failed = told if told is not None else bool(code)
        attributes: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.function_name,
            "gen_ai.tool.call.id": call.tool_call_id,
            "gen_ai.tool.type": "function",
            "gen_ai.conversation.id": self.key,
            "skillclaw.step": step.step_id,
        }
        _put(attributes, "process.exit.code", code)
        if failed:
            attributes["error.type"] = f"exit_{code}" if code else OTHER
        attributes |= self.content.called(call, results)
        return Span(
            trace=self.trace,
            id=own,
            parent=parent,
            name=f"execute_tool {call.function_name}",
            start=moment,
            end=moment,
            attributes=attributes,
            failed=failed,
        )


def _digest(*parts: object) -> bytes:
    text = "\0".join(["skillclaw otlp", *map(str, parts)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _moments(session: Trajectory, around: int | None) -> list[int]:
    """A time in nanoseconds for each step: its own, never before that of the step before; one without has
    that of the one before it, or the first that is known. Empty where there is none at all."""
    told = [seconds(step.timestamp) for step in session.steps]
    # Microseconds: a float of seconds holds no more.
    found = [round(one * 1e6) * 1000 if one is not None and 0 < one < 9e9 else None for one in told]
    last = next((one for one in found if one is not None), around)
    if last is None:
        return []
    moments = []
    for one in found:
        last = last if one is None else max(last, one)
        moments.append(last)
    return moments


def _calls(step: Step) -> Iterator[tuple[ToolCall, list[Result]]]:
    results = step.observation.results if step.observation else []
    for call in step.tool_calls or ():
        yield call, [one for one in results if one.source_call_id == call.tool_call_id]


def _delegated(results: list[Result]) -> Iterator[str | None]:
    return (ref.trajectory_id for one in results for ref in one.subagent_trajectory_ref or ())


def _model(session: Trajectory) -> str:
    """The model that the session was with: the agent's word, else the one that answered most."""
    if session.agent.model_name:
        return session.agent.model_name
    names = [step.model_name for step in session.steps if step.model_name]
    return max(sorted(set(names)), key=names.count) if names else ""


def _spent(session: Trajectory) -> tuple[int | None, int | None, int | None, float | None]:
    """Sums over the session's own answers; None where no step says."""
    of = [step.metrics for step in session.steps if step.metrics and step.is_copied_context is not True]
    prompt = [one.prompt_tokens for one in of if one.prompt_tokens is not None]
    completion = [one.completion_tokens for one in of if one.completion_tokens is not None]
    cached = [one.cached_tokens for one in of if one.cached_tokens is not None]
    cost = [one.cost_usd for one in of if one.cost_usd is not None]
    return (
        sum(prompt) if prompt else None,
        sum(completion) if completion else None,
        sum(cached) if cached else None,
        sum(cost) if cost else None,
    )


def _put_tokens(
    attributes: dict[str, Value],
    prompt: int | None,
    completion: int | None,
    cached: int | None,
    cost: float | None,
) -> None:
    _put(attributes, "gen_ai.usage.input_tokens", prompt)
    _put(attributes, "gen_ai.usage.output_tokens", completion)
    _put(attributes, "gen_ai.usage.cache_read.input_tokens", cached)
    _put(attributes, "skillclaw.cost_usd", cost)


def _put(attributes: dict[str, Value], name: str, value: Value | None) -> None:
    if value is not None and value != "":
        attributes[name] = value
