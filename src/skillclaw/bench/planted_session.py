"""One synthetic session in ATIF, and the words that synthetic requests are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Signal,
    Step,
    ToolCall,
    Trajectory,
    with_meta,
    with_result_meta,
)
from skillclaw.trajectory.shapes import is_shell
from skillclaw.trajectory.text import word_set

__all__ = ["NAMES", "START", "THINGS", "Script", "session"]

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
THINGS = sorted(
    word_set(
        "lamp kettle tripod scarf monitor bicycle tent blender novel carpet guitar mirror drone sofa helmet"
    )
)
NAMES = sorted(word_set("Ilse Marek Noor Paulo Rhea Tomas Wanda Yusuf Zofia Bruno Clara Emil"))

Script = list[tuple[str, dict[str, Any], str, bool]]
"""Calls in order: tool, arguments, result, whether it worked."""


def session(
    native: str,
    user: str,
    ask: str,
    script: Script,
    *,
    success: bool | None,
    agent: str = "claude-code",
    model: str = "model-a",
    project: str = "shop",
    day: int = 0,
    said_after: tuple[str, ...] = (),
    then: Sequence[tuple[str, dict[str, Any], str, bool]] = (),
) -> Trajectory:
    """One session in ATIF: the request, the calls, an answer, what the user said afterwards, and the calls
    that followed.
    """
    start = START + timedelta(days=day)
    steps = [Step(step_id=1, source="user", message=ask, timestamp=start.isoformat())]
    _act(steps, script, model)
    steps.append(Step(step_id=len(steps) + 1, source="agent", message="That is done.", model_name=model))
    for text in said_after:
        steps.append(Step(step_id=len(steps) + 1, source="user", message=text))
    if then:
        _act(steps, then, model)
        steps.append(Step(step_id=len(steps) + 1, source="agent", message="Changed.", model_name=model))
    outcome: Literal["success", "failure", "unknown"] = (
        "unknown" if success is None else "success" if success else "failure"
    )
    known = SessionMeta(
        key=session_key(agent, native),
        user=user,
        project=project,
        source="history",
        outcome=outcome,
        confidence=0.9,
        # a grader's word: what an agent says of itself teaches no way to success
        signals=[] if success is None else [Signal(kind="reported", value=1.0 if success else -1.0)],
    )
    return with_meta(
        Trajectory(
            schema_version=ATIF_VERSION,
            session_id=native,
            agent=Agent(name=agent, version="1", model_name=model),
            steps=steps,
        ),
        known,
    )


def _act(steps: list[Step], script: Sequence[tuple[str, dict[str, Any], str, bool]], model: str) -> None:
    for tool, arguments, content, worked in script:
        call = f"c{len(steps)}"
        shown = (
            ResultMeta(exit_code=0 if worked else 1) if is_shell(tool) else ResultMeta(is_error=not worked)
        )
        result = with_result_meta(Result(source_call_id=call, content=content), shown)
        steps.append(
            Step(
                step_id=len(steps) + 1,
                source="agent",
                message="",
                model_name=model,
                tool_calls=[ToolCall(tool_call_id=call, function_name=tool, arguments=arguments)],
                observation=Observation(results=[result]),
            )
        )
