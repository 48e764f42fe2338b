"""A session as text for people."""

from __future__ import annotations

from skillclaw.trajectory.model import (
    Result,
    Step,
    Trajectory,
    call_meta,
    meta,
    result_meta,
    step_meta,
    text_of,
)

__all__ = ["transcript"]

CUT = 2000
"""Characters of one text that a transcript shows; `sessions show --json` has all."""


def transcript(trajectory: Trajectory) -> str:
    """The session step by step: who said what, each call, each result with its exit code."""
    known, agent = meta(trajectory), trajectory.agent
    head = [
        f"{known.key}  {agent.name} {agent.version}  {agent.model_name or ''}".rstrip(),
        f"project {known.project or '-'}  user {known.user or '-'}  outcome {known.outcome} "
        f"(confidence {known.confidence:.2f})  revision {known.revision}, from {known.source}",
    ]
    lines = ["\n".join(head)]
    lines += [_step(step) for step in trajectory.steps]
    for sub in trajectory.subagent_trajectories or []:
        lines.append(f"=== sub-agent {sub.trajectory_id or ''}")
        lines += [_step(step) for step in sub.steps]
    return "\n\n".join(lines)


def _step(step: Step) -> str:
    own = step_meta(step)
    marks = [
        mark for mark in (own.kind if own.kind != "turn" else "", "injected" if own.injected else "") if mark
    ]
    title = f"[{step.step_id}] {step.source}" + (f" ({', '.join(marks)})" if marks else "")
    lines = [f"{title}  {step.timestamp or ''}".rstrip()]
    text = text_of(step.message)
    if text:
        lines.append(_cut(text))
    results: dict[str | None, list[Result]] = {}
    for result in step.observation.results if step.observation else []:
        results.setdefault(result.source_call_id, []).append(result)
    for call in step.tool_calls or []:
        given = call_meta(call).raw_arguments or _arguments(call.arguments)
        lines.append(f"  -> {call.function_name} {_cut(given)}")
        lines += [_result(result) for result in results.pop(call.tool_call_id, [])]
    for orphans in results.values():
        lines += [_result(result) for result in orphans]
    return "\n".join(lines)


def _arguments(arguments: dict[str, object]) -> str:
    if len(arguments) == 1:
        (only,) = arguments.values()
        if isinstance(only, str):
            return only
    return " ".join(f"{name}={value!r}" for name, value in arguments.items())


def _result(result: Result) -> str:
    own = result_meta(result)
    mark = f" (exit {own.exit_code})" if own.exit_code is not None else " (error)" if own.is_error else ""
    body = _cut(text_of(result.content)) or "(nothing)"
    return "\n".join(f"  <-{mark if first else ''} {line}" for first, line in _numbered(body))


def _numbered(body: str) -> list[tuple[bool, str]]:
    return [(index == 0, line) for index, line in enumerate(body.splitlines() or [""])]


def _cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:CUT]} ... ({len(text) - CUT} more characters)"
