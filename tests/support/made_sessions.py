"""Trajectories from a short script: what the user said, which tools were called, what came back."""

from __future__ import annotations

from typing import Any

from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Step,
    SubagentRef,
    ToolCall,
    Trajectory,
    with_meta,
    with_result_meta,
)

Turn = Any
"""A user's words; `("say", text)`; a call `(tool, arguments, text, mark)`; or a list of calls made at once.

`mark` is an exit code (int), whether the host calls it an error (bool), or None where it says nothing.
"""


def made(
    *turns: Turn, meta: SessionMeta | None = None, subs: list[Trajectory] | None = None, name: str = ""
) -> Trajectory:
    """A session of these turns; a call whose text is `sub:<id>` stands for that sub-agent."""
    steps: list[Step] = []
    for turn in turns:
        number = len(steps) + 1
        if isinstance(turn, str):
            steps.append(Step(step_id=number, source="user", message=turn))
        elif isinstance(turn, tuple) and turn[0] == "say":
            steps.append(Step(step_id=number, source="agent", message=turn[1]))
        else:
            steps.append(_calls(number, turn if isinstance(turn, list) else [turn]))
    trajectory = Trajectory(
        schema_version=ATIF_VERSION,
        agent=Agent(name="claude-code", version="2"),
        steps=steps,
        trajectory_id=name or None,
        subagent_trajectories=subs,
    )
    return with_meta(
        trajectory, meta or SessionMeta(key="k", user="ana", source="history", outcome="success")
    )


def _calls(number: int, turns: list[tuple[str, dict[str, Any], str, Any]]) -> Step:
    calls: list[ToolCall] = []
    results: list[Result] = []
    for place, (tool, arguments, text, mark) in enumerate(turns):
        call = f"c{number}-{place}"
        calls.append(ToolCall(tool_call_id=call, function_name=tool, arguments=arguments))
        ref = [SubagentRef(trajectory_id=text[4:])] if text.startswith("sub:") else None
        known = ResultMeta()
        if isinstance(mark, bool):
            known = ResultMeta(is_error=mark)
        elif isinstance(mark, int):
            known = ResultMeta(exit_code=mark, is_error=mark != 0)
        results.append(
            with_result_meta(Result(source_call_id=call, content=text, subagent_trajectory_ref=ref), known)
        )
    return Step(
        step_id=number,
        source="agent",
        message="",
        tool_calls=calls,
        observation=Observation(results=results),
    )


def sh(command: str, text: str = "", code: int | None = 0) -> tuple[str, dict[str, Any], str, Any]:
    """A shell command of Claude Code."""
    return ("Bash", {"command": command}, text, code)
