"""A session as a page tells it: its steps with what belongs to each, and texts with what was masked in them.

Pure: sessions in, values out. Everything in it is text, to be escaped where it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from skillclaw.trajectory.model import (
    Result,
    SessionMeta,
    Step,
    ToolCall,
    Trajectory,
    call_meta,
    result_meta,
    step_meta,
    text_of,
)
from skillclaw.web.text import visible

__all__ = ["PART", "CallView", "Piece", "ResultView", "StepView", "Text", "pieces", "steps_of", "text_view"]

PART = 40
"""Steps on one page."""
LONG = 900
"""Characters, and lines, up to which a text stands open; longer ones are folded."""
LINES = 14
MOST = 12_000
"""Characters of one text that a page shows; of all texts of a page."""
PAGE = 250_000
LEAST = 400
"""What every text may have, however full the page is."""

MASKED = re.compile(
    r"<(?P<kind>(?:secret|custom):[a-z0-9-]{1,40}|email|phone|ip|card|iban|id-number|person|word|host)"
    r"(?::(?P<digest>[0-9a-f]{6}))?>|<(?P<user>user)>"
)
"""What redaction leaves in place of what it masks (docs/redaction.md)."""


class Piece(NamedTuple):
    """A stretch of text; with `kind`, what was masked there. Equal secrets have one `digest`."""

    text: str
    kind: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Text:
    """A text. `head` is its beginning on one line; `more`: characters that are not shown."""

    pieces: list[Piece]
    long: bool
    head: str
    size: int
    more: int


@dataclass(frozen=True)
class ResultView:
    """What a call gave back; `subs`: numbers (from 0) of the sub-agents that it stands for."""

    text: Text | None
    error: bool
    exit_code: int | None
    subs: list[int]


@dataclass(frozen=True)
class CallView:
    """A call of a tool with its results."""

    name: str
    arguments: Text | None
    results: list[ResultView]


@dataclass(frozen=True)
class StepView:
    """A step. `marks`: why it is none of the conversation; `skills`: (name, `read` or `invoked`) in it."""

    id: int
    source: str
    time: str
    model: str
    marks: list[str]
    text: Text | None
    thinking: Text | None
    calls: list[CallView]
    results: list[ResultView]
    media: int
    skills: list[tuple[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether some result of it is an error."""
        return any(r.error for r in [*self.results, *(r for call in self.calls for r in call.results)])


def pieces(text: str) -> list[Piece]:
    """The text cut where something was masked."""
    found: list[Piece] = []
    done = 0
    for match in MASKED.finditer(text):
        if match["digest"] is None and not match["user"] and ":" not in match["kind"]:
            continue  # `<email>` in a text of the user: redaction gives each of these a digest
        if match.start() > done:
            found.append(Piece(text[done : match.start()]))
        found.append(Piece(match[0], match["kind"] or "user", match["digest"] or ""))
        done = match.end()
    if done < len(text):
        found.append(Piece(text[done:]))
    return found


class _Room:
    """How much text the page has room for still."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, text: str) -> Text | None:
        """The text, cut to what may be shown of it; None where there is none."""
        if not text.strip():
            return None
        given = text_view(text, max(LEAST, min(MOST, self.left)))
        self.left -= given.size - given.more
        return given


def text_view(text: str, most: int = MOST) -> Text:
    """A text for a page, of which `most` characters are shown."""
    shown = text[:most]
    if len(shown) < len(text) and (cut := re.search(r"<[a-z0-9:-]{0,60}\Z", shown)):
        shown = shown[: cut.start()]  # never the half of what stands for something masked
    return Text(
        pieces=pieces(shown),
        long=len(shown) > LONG or shown.count("\n") > LINES,
        head=visible(text.strip(), 110),
        size=len(text),
        more=len(text) - len(shown),
    )


def steps_of(
    trajectory: Trajectory, known: SessionMeta, first: int, subs: Mapping[str, int]
) -> list[StepView]:
    """The steps of a page, from `first` (from 0) on. `subs`: numbers of sub-agents by their ids."""
    room = _Room(PAGE)
    used: dict[int, list[tuple[str, str]]] = {}
    for use in known.skills:
        for step, how in ((use.read_step, "read"), (use.invoked_step, "invoked")):
            if step is not None:
                used.setdefault(step, []).append((use.name, how))
    return [
        _step(step, room, subs, used.get(step.step_id, [])) for step in trajectory.steps[first : first + PART]
    ]


def _step(step: Step, room: _Room, subs: Mapping[str, int], skills: list[tuple[str, str]]) -> StepView:
    results: dict[str | None, list[Result]] = {}
    for result in step.observation.results if step.observation else []:
        results.setdefault(result.source_call_id, []).append(result)
    text = room.take(text_of(step.message))
    thinking = room.take(step.reasoning_content or "")
    calls = [
        CallView(
            name=call.function_name,
            arguments=room.take(_arguments(call)),
            results=[_result(one, room, subs) for one in results.pop(call.tool_call_id, [])],
        )
        for call in step.tool_calls or []
    ]
    return StepView(
        id=step.step_id,
        source=step.source,
        time=step.timestamp or "",
        model=step.model_name or "",
        marks=list(_marks(step)),
        text=text,
        thinking=thinking,
        calls=calls,
        results=[_result(one, room, subs) for rest in results.values() for one in rest],
        media=0 if isinstance(step.message, str) else sum(1 for p in step.message if p.type != "text"),
        skills=skills,
    )


def _marks(step: Step) -> Iterator[str]:
    own = step_meta(step)
    if own.kind == "side":
        yield "side request"
    if own.kind == "compaction":
        yield "compaction"
    if own.injected:
        yield "put in by the host"
    if step.is_copied_context:
        yield "copied context"


def _arguments(call: ToolCall) -> str:
    raw = call_meta(call).raw_arguments
    if raw is not None:
        return raw
    if len(call.arguments) == 1:
        (only,) = call.arguments.values()
        if isinstance(only, str):
            return only
    if not call.arguments:
        return ""
    return msgspec.json.format(msgspec.json.encode(call.arguments), indent=2).decode()


def _result(result: Result, room: _Room, subs: Mapping[str, int]) -> ResultView:
    own = result_meta(result)
    names: Sequence[str | None] = [
        name
        for ref in result.subagent_trajectory_ref or []
        for name in (ref.trajectory_id, ref.session_id)
        if name in subs
    ]
    return ResultView(
        text=room.take(text_of(result.content)),
        error=bool(own.is_error) or own.exit_code not in (None, 0),
        exit_code=own.exit_code,
        subs=list(dict.fromkeys(subs[name] for name in names if name is not None)),
    )
