"""A step of a session in the making, as the readers of histories put it together."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from skillclaw.trajectory.model import (
    Metrics,
    Observation,
    Part,
    Result,
    Step,
    StepMeta,
    ToolCall,
    with_step_meta,
)
from skillclaw.wire.thoughts import parted

__all__ = ["Draft", "message_of"]

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$")


class Draft:
    """A step in the making."""

    def __init__(self, source: Literal["system", "user", "agent"], stamp: object) -> None:
        self.source = source
        self.stamp = _stamp(stamp)
        self.parts: list[Part] = []
        self.reasoning: list[str] = []
        self.calls: list[ToolCall] = []
        self.results: list[Result] = []
        self.kind: Literal["turn", "side", "compaction"] = "turn"
        self.injected = False
        self.copied = False
        self.model: str | None = None
        self.effort: str | None = None
        self.metrics: Metrics | None = None

    def text(self, text: str) -> None:
        """Add text; empty text adds nothing."""
        if text:
            self.parts.append(Part(type="text", text=text))

    @property
    def empty(self) -> bool:
        """True when there is nothing in it worth a step."""
        return not (self.parts or self.reasoning or self.calls or self.results)

    def part_thoughts(self) -> None:
        """The thought that an answer's text begins with is told apart, as it is on the wire."""
        text = self.parts[0].text if self.parts else None
        thought, answer = parted(text or "")
        if text and answer != text:
            self.parts[:1] = [Part(type="text", text=answer)] if answer else []
            self.reasoning += [thought] if thought else []

    def step(self, number: int) -> Step:
        """The step of this number."""
        agent = self.source == "agent"
        made = Step(
            step_id=number,
            source=self.source,
            message=message_of(self.parts),
            timestamp=self.stamp,
            model_name=self.model if agent else None,
            reasoning_effort=self.effort if agent else None,
            reasoning_content="\n\n".join(self.reasoning) or None if agent else None,
            tool_calls=self.calls or None if agent else None,
            observation=Observation(results=self.results) if self.results else None,
            metrics=self.metrics if agent else None,
            is_copied_context=True if self.copied else None,
        )
        return with_step_meta(made, StepMeta(kind=self.kind, injected=self.injected))


def message_of(parts: list[Part]) -> str | list[Part]:
    """The shortest form of a message: text where there is nothing else."""
    if any(part.type != "text" for part in parts):
        return parts
    return "\n".join(part.text or "" for part in parts)


def _stamp(value: object) -> str | None:
    text = value if isinstance(value, str) else ""
    if not _STAMP.match(text):
        return None
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return text
