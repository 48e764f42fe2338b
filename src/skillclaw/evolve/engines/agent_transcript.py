"""What an author said and did, as an ATIF trajectory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw import __version__
from skillclaw.evolve.engines.agent_desk import TOOLS
from skillclaw.evolve.engines.agent_rules import RULES
from skillclaw.evolve.engines.agent_schemas import arguments_schema
from skillclaw.evolve.transcripts import AUTHOR
from skillclaw.skills.records import content_id
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    FinalMetrics,
    Metrics,
    Observation,
    Result,
    SessionMeta,
    Step,
    ToolCall,
    Trajectory,
    with_meta,
)
from skillclaw.trajectory.moments import utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic_ai.messages import ModelMessage, ModelResponse

__all__ = ["as_trajectory"]


def as_trajectory(
    messages: Sequence[ModelMessage], *, skill: str, model: str, now: datetime, note: str, good: bool | None
) -> Trajectory:
    """The conversation as a session: the rules, what was asked, each answer, its calls and what they gave.

    `good`: whether a proposal came of it; None where the author left the skill as it is.
    """
    from pydantic_ai.messages import ModelResponse, ToolReturnPart, UserPromptPart

    moment = utc_text(now)
    steps = [Step(step_id=1, source="system", message=RULES, timestamp=moment)]
    used = [0, 0]
    for at, message in enumerate(messages):
        number = len(steps) + 1
        if isinstance(message, ModelResponse):
            after = messages[at + 1].parts if at + 1 < len(messages) else ()
            returned = [str(part.content) for part in after if isinstance(part, ToolReturnPart)]
            steps.append(_answer(message, number, returned))
            used[0] += message.usage.input_tokens
            used[1] += message.usage.output_tokens
            continue
        said = [str(part.content) for part in message.parts if isinstance(part, UserPromptPart)]
        if said:
            steps.append(Step(step_id=number, source="user", message="\n".join(said)))
    outcome = {True: "success", False: "failure", None: "unknown"}[good]
    trajectory = Trajectory(
        schema_version=ATIF_VERSION,
        session_id=content_id("author", skill, now.isoformat(), model),
        agent=Agent(
            name=AUTHOR,
            version=__version__,
            model_name=model,
            tool_definitions=[
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.about,
                        "parameters": arguments_schema(tool.arguments),
                    },
                }
                for tool in TOOLS
            ],
        ),
        steps=steps,
        notes=note,
        final_metrics=FinalMetrics(
            total_prompt_tokens=used[0], total_completion_tokens=used[1], total_steps=len(steps)
        ),
    )
    return with_meta(
        trajectory,
        msgspec.convert({"kind": "evolver", "project": skill, "outcome": outcome}, SessionMeta),
    )


def _answer(message: ModelResponse, number: int, returned: Sequence[str]) -> Step:
    """One answer; `returned` is what its calls gave, in their order."""
    from pydantic_ai.messages import TextPart, ThinkingPart

    text = "\n".join(part.content for part in message.parts if isinstance(part, TextPart))
    thought = "\n".join(part.content for part in message.parts if isinstance(part, ThinkingPart))
    # Some servers give the calls of every answer the same ids.
    made = [(f"{number}-{place}", call) for place, call in enumerate(message.tool_calls)]
    calls = [
        ToolCall(tool_call_id=name, function_name=call.tool_name, arguments=call.args_as_dict())
        for name, call in made
    ]
    results = [
        Result(source_call_id=call.tool_call_id, content=given)
        for call, given in zip(calls, returned, strict=False)
    ]
    return Step(
        step_id=number,
        source="agent",
        message=text,
        timestamp=utc_text(message.timestamp),
        model_name=message.model_name,
        reasoning_content=thought or None,
        tool_calls=calls or None,
        observation=Observation(results=results) if results else None,
        metrics=Metrics(
            prompt_tokens=message.usage.input_tokens, completion_tokens=message.usage.output_tokens
        ),
    )
