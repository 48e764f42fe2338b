"""A session in a few words: what the user said, what the agent called or said."""

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
    ToolCall,
    Trajectory,
    with_meta,
    with_result_meta,
)

__all__ = ["session"]


def session(*turns: Any, **more: Any) -> Trajectory:
    """A successful session of ana's. A turn is what the user said; or `("say", text)`; or a call as
    `(tool, arguments, result, worked)`."""
    steps: list[Step] = []
    for turn in turns:
        number = len(steps) + 1
        if isinstance(turn, str):
            steps.append(Step(step_id=number, source="user", message=turn))
        elif turn[0] == "say":
            steps.append(Step(step_id=number, source="agent", message=turn[1]))
        else:
            tool, arguments, content, worked = turn
            call = ToolCall(tool_call_id=f"c{number}", function_name=tool, arguments=arguments)
            result = with_result_meta(
                Result(source_call_id=f"c{number}", content=content), ResultMeta(is_error=not worked)
            )
            steps.append(
                Step(
                    step_id=number,
                    source="agent",
                    message="",
                    tool_calls=[call],
                    observation=Observation(results=[result]),
                )
            )
    made = Trajectory(
        schema_version=ATIF_VERSION, agent=Agent(name="codex", version="1"), steps=steps, **more
    )
    return with_meta(
        made, SessionMeta(key="k", user="ana", source="history", outcome="success", confidence=0.9)
    )
