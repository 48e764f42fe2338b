"""The richer of two forms of one piece. Every choice is an order over values, so that merging again changes
nothing; texts that were redacted win over those that were not, so that no secret comes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from skillclaw.trajectory.model import (
    FinalMetrics,
    Metrics,
    Part,
    Result,
    ResultMeta,
    SkillUse,
    ToolCall,
    call_meta,
    result_meta,
    text_of,
    with_call_meta,
    with_result_meta,
)

__all__ = [
    "best",
    "earlier",
    "merged_call",
    "merged_content",
    "merged_metrics",
    "merged_result",
    "merged_skills",
    "merged_text",
    "merged_totals",
    "near",
    "redacted",
    "same_text",
    "seconds",
    "union",
]

NEAR = 600.0
"""Seconds within which equal texts of two views are one message; a later one was said again."""

# `<email:9c0d1e>`, `<secret:openai-key:3fa1c2>`: what redaction leaves.
PLACEHOLDER = re.compile(r"<[a-z][a-z0-9_-]*(?::[a-z0-9_.-]+)*:[0-9a-f]{4,64}>")

_encoder = msgspec.json.Encoder(order="deterministic")
_T = TypeVar("_T")


def redacted(text: str) -> bool:
    """Whether a placeholder stands in the text."""
    return "<" in text and PLACEHOLDER.search(text) is not None


def same_text(one: str, other: str) -> bool:
    """Whether two texts are one, when either may have been redacted."""
    one, other = one.strip(), other.strip()
    if one == other:
        return True
    return _covers(one, other) or _covers(other, one)


def _covers(masked: str, plain: str) -> bool:
    """Whether `plain` is what `masked` may have been before its placeholders came in."""
    if not redacted(masked):
        return False
    pieces = PLACEHOLDER.split(masked)
    if not plain.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = plain.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return plain.endswith(pieces[-1]) and len(plain) - len(pieces[-1]) >= at


def best(one: _T | None, other: _T | None, order: Callable[[_T], Any]) -> _T | None:
    """The known one of two, or the greater by `order`."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=order)


def merged_text(one: str | None, other: str | None) -> str | None:
    """The redacted one, else the longer one."""
    return best(one or None, other or None, lambda text: (redacted(text), len(text), text)) or one or other


def merged_content(one: str | list[Part] | None, other: str | list[Part] | None) -> str | list[Part] | None:
    """The content with more images, then the redacted, then the longer one."""

    def order(content: str | list[Part]) -> tuple[int, bool, int, bytes]:
        text = text_of(content)
        images = 0 if isinstance(content, str) else sum(part.type != "text" for part in content)
        return images, redacted(text), len(text), _encoder.encode(content)

    if one is None or other is None:
        return other if one is None else one
    return max((one, other), key=order)


def merged_call(one: ToolCall, other: ToolCall) -> ToolCall:
    """Two forms of one call: parsed arguments over raw ones, then as for texts."""

    def order(call: ToolCall) -> tuple[bool, bool, int, str]:
        text = _encoder.encode(call.arguments).decode("utf-8")
        return call_meta(call).raw_arguments is None, redacted(text), len(text), text

    chosen = max(one, other, key=order)
    merged = msgspec.structs.replace(one, arguments=chosen.arguments, extra=union(one.extra, other.extra))
    return with_call_meta(merged, call_meta(chosen))


def merged_result(one: Result, other: Result) -> Result:
    """Two forms of one result: each fact that either knows."""
    first, second = result_meta(one), result_meta(other)
    facts = ResultMeta(
        exit_code=best(first.exit_code, second.exit_code, lambda code: (code != 0, code)),
        is_error=best(first.is_error, second.is_error, bool),
        taint=best(first.taint, second.taint, str),
    )
    refs = {
        (ref.trajectory_id, ref.trajectory_path): ref
        for ref in [*(other.subagent_trajectory_ref or []), *(one.subagent_trajectory_ref or [])]
    }
    ordered = [refs[key] for key in sorted(refs, key=str)]
    kept = one.subagent_trajectory_ref or []
    merged = msgspec.structs.replace(
        one,
        content=merged_content(one.content, other.content),
        # Refs that were there keep their order; new ones follow.
        subagent_trajectory_ref=(kept + [ref for ref in ordered if ref not in kept]) or None,
        extra=union(one.extra, other.extra),
    )
    return with_result_meta(merged, facts)


def merged_metrics(one: Metrics | None, other: Metrics | None) -> Metrics | None:
    """Each number that either knows; the greater where both do."""
    if one is None or other is None:
        return one or other
    values: dict[str, Any] = {}
    for name in Metrics.__struct_fields__:
        first, second = getattr(one, name), getattr(other, name)
        if name == "extra":
            values[name] = union(first, second)
        elif isinstance(first, list) or isinstance(second, list):
            values[name] = best(first, second, lambda known: (len(known), _encoder.encode(known)))
        else:
            values[name] = best(first, second, float)
    return Metrics(**values)


def merged_totals(
    one: FinalMetrics | None, other: FinalMetrics | None, steps: list[Metrics], count: int
) -> FinalMetrics | None:
    """Totals: what either states or the steps add up to, whichever is more; the number of steps as it is."""
    if one is None and other is None:
        return None
    first, second = one or FinalMetrics(), other or FinalMetrics()

    def total(name: str, step_name: str) -> Any:
        known = [value for value in (getattr(m, step_name) for m in steps) if value is not None]
        stated = best(getattr(first, name), getattr(second, name), float)
        return best(stated, round(sum(known), 9) if known else None, float)

    return FinalMetrics(
        total_prompt_tokens=total("total_prompt_tokens", "prompt_tokens"),
        total_completion_tokens=total("total_completion_tokens", "completion_tokens"),
        total_cached_tokens=total("total_cached_tokens", "cached_tokens"),
        total_cost_usd=total("total_cost_usd", "cost_usd"),
        total_steps=count,
        extra=union(first.extra, second.extra),
    )


def merged_skills(one: list[SkillUse], other: list[SkillUse]) -> list[SkillUse]:
    """Skills by name, with what either saw of them; the earlier step counts."""
    merged = {use.name: use for use in one}
    for use in other:
        known = merged.get(use.name)
        if known is None:
            merged[use.name] = use
            continue
        credited = known if known.version is not None or use.version is None else use
        merged[use.name] = SkillUse(
            name=use.name,
            hub=credited.hub if credited.hub is not None else best(known.hub, use.hub, str),
            version=credited.version,
            offered=known.offered or use.offered,
            read_step=_first(known.read_step, use.read_step),
            invoked_step=_first(known.invoked_step, use.invoked_step),
            installed=best(known.installed, use.installed, str),
            edited=known.edited or use.edited,
        )
    return list(merged.values())


def _first(one: int | None, other: int | None) -> int | None:
    return best(one, other, lambda step: -step)


def union(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Keys of both, those of `one` as they are; objects in them likewise."""
    if not one or not other:
        return one or other or None
    merged = dict(one)
    for key, value in other.items():
        if key not in merged:
            merged[key] = value
        elif isinstance(merged[key], dict) and isinstance(value, dict):
            merged[key] = union(merged[key], value) or {}
    return merged


def seconds(timestamp: str | None) -> float | None:
    """A timestamp in Unix seconds; None where there is none that can be read. No zone means UTC."""
    if timestamp is None:
        return None
    try:
        time = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def near(one: str | None, other: str | None) -> bool:
    """Whether two messages may be one by their times; unknown times may."""
    first, second = seconds(one), seconds(other)
    return first is None or second is None or abs(first - second) <= NEAR


def earlier(one: str | None, other: str | None) -> str | None:
    """The earlier of two timestamps."""
    return best(one, other, lambda stamp: (-(seconds(stamp) or 0.0), stamp))
