"""The rules of ATIF 1.8 beyond its types, and documents that keep to them only if types are taken leniently.

They are those of the reference models (PyPI `atif`), which tests hold them against: that package brings
pydantic, 8 MB and a quarter of a second for files that are rarely in doubt. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Part, Result, Step, SubagentRef, Trajectory

__all__ = ["broken_rule", "judged"]

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?\Z")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SOUNDS = frozenset(f"audio/{kind}" for kind in ("wav", "mpeg", "mp4", "aac", "ogg", "flac", "webm", "aiff"))
_SOUND_NAMES = {
    "audio/mp3": "audio/mpeg",
    "audio/mpga": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
}
"""Other names of a kind of sound -> the one that a document keeps."""
_AGENTS = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")
"""Fields that only an agent's step may have."""
_INSIDE: dict[type[msgspec.Struct], dict[str, type[msgspec.Struct]]] = {
    Trajectory: {
        "agent": model.Agent,
        "steps": Step,
        "final_metrics": model.FinalMetrics,
        "subagent_trajectories": Trajectory,
    },
    Step: {
        "message": Part,
        "tool_calls": model.ToolCall,
        "observation": model.Observation,
        "metrics": model.Metrics,
    },
    model.Observation: {"results": Result},
    Result: {"content": Part, "subagent_trajectory_ref": SubagentRef},
    Part: {"source": model.Source},
}
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`\Z")


def judged(value: dict[str, Any]) -> Trajectory:
    """The document as a session: numbers written as text are numbers, other names of a kind of sound are
    its own (but of words only `true` and `false` are booleans). BadInputError whose `what` says which rule it
    breaks, and where, if it breaks one.
    """
    for path, name in _unknown(value, Trajectory):
        raise BadInputError(f"{_joined(*path, name)}: ATIF knows no such field"[:300])
    try:
        found = msgspec.convert(_one_name(value), Trajectory, strict=False)
    except msgspec.ValidationError as error:
        raise BadInputError(_explained(str(error))[:300]) from error
    if rule := broken_rule(found):
        raise BadInputError(rule[:300])
    return found


def broken_rule(found: Trajectory) -> str:
    """The first rule that it breaks, and where; empty when none."""
    for position, step in enumerate(found.steps):
        if step.step_id != position + 1:
            return f"steps.{position}: step_id {step.step_id} is not sequential, {position + 1} is expected"
        if problem := _of_step(step):
            return f"steps.{position}: {problem}"
    ids: set[str] = set()
    for position, sub in enumerate(found.subagent_trajectories or ()):
        at = f"subagent_trajectories.{position}"
        if sub.trajectory_id is None:
            return f"{at}: trajectory_id is missing, which a sub-agent within a document must have"
        if sub.trajectory_id in ids:
            return f"{at}: trajectory_id {sub.trajectory_id!a} is another sub-agent's"
        ids.add(sub.trajectory_id)
        if problem := broken_rule(sub):
            return f"{at}.{problem}"
    return ""


def _of_step(step: Step) -> str:
    if step.source != "agent":
        for name in _AGENTS:
            if getattr(step, name) is not None:
                return f"`{name}` is only valid on agents' steps, and this one's source is {step.source}"
    elif step.llm_call_count == 0 and not (step.metrics is None and step.reasoning_content is None):
        return "a step without a model's call (llm_call_count 0) has no metrics and no reasoning_content"
    if step.llm_call_count is not None and step.llm_call_count < 0:
        return "llm_call_count is negative"
    if step.timestamp is not None and not _is_stamp(step.timestamp):
        return f"timestamp must be ISO 8601, not {step.timestamp[:60]!a}"
    if not isinstance(step.message, str) and (problem := _of_parts(step.message)):
        return f"message.{problem}"
    if step.observation is not None:
        known = None if step.tool_calls is None else {call.tool_call_id for call in step.tool_calls}
        for position, result in enumerate(step.observation.results):
            if problem := _of_result(result, known):
                return f"observation.results.{position}{problem}"
    return ""


def _of_result(result: Result, known: set[str] | None) -> str:
    call = result.source_call_id
    if known is not None and call is not None and call not in known:
        return f": source_call_id {call[:60]!a} does not match any tool_call of the step"
    if isinstance(result.content, list) and (problem := _of_parts(result.content)):
        return f".content.{problem}"
    for ref in result.subagent_trajectory_ref or ():
        if ref.trajectory_id is None and ref.trajectory_path is None:
            return ": a sub-agent's reference needs trajectory_id or trajectory_path"
    return ""


def _of_parts(parts: Iterable[Part]) -> str:
    for position, part in enumerate(parts):
        if problem := _of_part(part):
            return f"{position}: {problem}"
    return ""


def _of_part(part: Part) -> str:
    source = part.source
    if part.type == "text":
        if part.text is None:
            return "a part of type text requires `text`"
        return "" if source is None else "a part of type text has no `source`"
    if source is None:
        return f"a part of type {part.type} requires `source`"
    if part.text is not None:
        return f"a part of type {part.type} has no `text`"
    if source.media_type not in (_IMAGES if part.type == "image" else _SOUNDS):
        return f"media_type {source.media_type[:60]!a} is none of type {part.type}"
    if source.duration_sec is not None and (part.type == "image" or source.duration_sec < 0):
        return "duration_sec is of sounds, and not negative"
    return ""


def _is_stamp(text: str) -> bool:
    try:
        datetime.fromisoformat(text if _STAMP.match(text) else text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def _unknown(
    value: Any, kind: type[msgspec.Struct], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Fields that ATIF does not know, with the way to them; what is of a wrong type is passed over."""
    if isinstance(value, list):
        for position, child in enumerate(value):
            yield from _unknown(child, kind, (*path, str(position)))
    elif isinstance(value, dict):
        known, inside = frozenset(kind.__struct_fields__), _INSIDE.get(kind, {})
        for name, child in value.items():
            if name not in known:
                yield path, name
            elif name in inside:
                yield from _unknown(child, inside[name], (*path, name))


def _one_name(value: Any) -> Any:
    """The document with each kind of sound by its own name; what is equal is not copied."""
    if isinstance(value, list):
        return [_one_name(child) for child in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "audio" and isinstance(value.get("source"), dict):
        kind = value["source"].get("media_type")
        if isinstance(kind, str):
            plain = kind.strip().lower()
            return {**value, "source": {**value["source"], "media_type": _SOUND_NAMES.get(plain, plain)}}
    return {
        name: child if name in ("extra", "arguments") else _one_name(child) for name, child in value.items()
    }


def _explained(error: str) -> str:
    """msgspec's sentence with the place before it, as `steps.0.source`."""
    at = _AT.search(error)
    path = at["path"] if at else ""
    text = error[: at.start()] if at else error
    names = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path)
    if missing := _MISSING.match(text):
        return f"{_joined(names, missing['name'])}: it is missing"
    return f"{names}: {text[:1].lower()}{text[1:]}" if names else text


def _joined(*names: str) -> str:
    return ".".join(name for name in names if name)
