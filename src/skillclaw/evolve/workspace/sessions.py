"""A session as an author reads it: step by step, without who the person is, long texts cut in the middle.

Unlike `trajectory.render`, which shows people the beginning of each text, the end stays too: that is where a
failing command says why.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

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

__all__ = ["session_text"]

SAID, GIVEN, RETURNED = 4000, 3000, 2000
"""Characters that stay of a message, of what a call was given, and of what came back."""
WHOLE = 80_000
"""Characters of one session; what is in its middle beyond that is left out."""


def session_text(trajectory: Trajectory, key: str, names: Mapping[str, str]) -> str:
    """The session as text; `names` says what stands for each person."""
    known, agent = meta(trajectory), trajectory.agent
    head = f"# session {key}: {agent.name}, {names.get(known.user, 'user')}, outcome {known.outcome}"
    lines = [head, *(f"signal: {one.kind} {one.value:+.1f}" for one in known.signals)]
    lines += [line for step in trajectory.steps for line in ("", *_step(step))]
    for number, sub in enumerate(trajectory.subagent_trajectories or [], 1):
        lines += ["", f"## sub-agent {number}"]
        lines += [line for step in sub.steps for line in ("", *_step(step))]
    return _cut("\n".join(lines), WHOLE) + "\n"


def _step(step: Step) -> list[str]:
    own = step_meta(step)
    marks = [own.kind] * (own.kind != "turn") + ["put there by the agent's program"] * own.injected
    lines = [f"[{step.step_id}] {step.source}" + (f" ({', '.join(marks)})" if marks else "")]
    if text := text_of(step.message).strip():
        lines.append(_cut(text, SAID))
    results: dict[str | None, list[Result]] = {}
    for result in step.observation.results if step.observation else []:
        results.setdefault(result.source_call_id, []).append(result)
    for call in step.tool_calls or []:
        given = call_meta(call).raw_arguments or _given(call.arguments)
        lines.append(f"-> {call.function_name}: {_cut(given, GIVEN)}")
        for result in results.pop(call.tool_call_id, []):
            lines += _result(result)
    for orphans in results.values():
        for result in orphans:
            lines += _result(result)
    return lines


def _given(arguments: dict[str, object]) -> str:
    if len(arguments) == 1:
        (only,) = arguments.values()
        if isinstance(only, str):
            return only
    return msgspec.json.encode(arguments, order="deterministic").decode("utf-8", "replace")


def _result(result: Result) -> list[str]:
    own = result_meta(result)
    mark = f" (exit {own.exit_code})" if own.exit_code is not None else " (error)" if own.is_error else ""
    body = _cut(text_of(result.content).strip(), RETURNED) or "(nothing)"
    return [f"<-{mark}", *(f"   {line}" for line in body.splitlines())]


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n... ({len(text) - 2 * half} characters left out) ...\n{text[-half:]}"
