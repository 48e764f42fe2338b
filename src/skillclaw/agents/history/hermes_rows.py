"""The rows of Hermes' table `messages`: their content, and which of them tell again what others told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.steps import as_str, image_part
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part
from skillclaw.wire.injected import is_compaction, split_injected

__all__ = ["copied", "is_summary", "parts_of", "stamp", "summary_of", "without_copies"]

Row = dict[str, Any]
JSON = "\0json:"
"""What Hermes puts before content that is not plain text."""
AT_ONCE = 1e-3
"""Seconds between rows that one compression wrote: it counts them up by a millionth, over those that keep
their own time. What is said next comes later, since a model is asked before."""


def parts_of(content: object) -> list[Part]:
    """The content of a message: text, or a list of texts and pictures as JSON."""
    text = as_str(content)
    if not text.startswith(JSON):
        return [Part(type="text", text=text)] if text else []
    try:
        value = lines.json_value(text.removeprefix(JSON).encode("utf-8", "replace"))
    except BadInputError:
        return [Part(type="text", text=text.removeprefix(JSON))]
    parts: list[Part] = []
    for block in value if isinstance(value, list) else [value]:
        if not isinstance(block, dict):
            continue
        url = block.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        if as_str(block.get("text")):
            parts.append(Part(type="text", text=block["text"]))
        elif as_str(url):
            parts.append(image_part("image/png", url))
    return parts


def stamp(row: Row) -> str | None:
    """When the row was written, as ISO 8601."""
    moment = _seconds(row)
    if not 0 < moment < 1e11:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_summary(row: Row) -> bool:
    """Whether the row stands for a shortened history, by itself or behind the words that it hangs on."""
    return bool(summary_of(row))


def summary_of(row: Row) -> str:
    """The summary in a row, else nothing; the words that it may hang on were told before."""
    if row["role"] not in ("user", "assistant"):
        return ""
    for part in parts_of(row["content"]):
        for text, _ in split_injected(part.text or ""):
            if is_compaction(text):
                return text
    return ""


def without_copies(rows: Sequence[Row]) -> list[Row]:
    """The rows without those that a compression wrote a second time, before and behind its summary."""
    copies: set[int] = set()
    for at, row in enumerate(rows):
        if not is_summary(row):
            continue
        first = _first_written_with(rows, at)
        untold = Counter(_identity(one) for one in rows[:first] if one["id"] not in copies)
        for one in [*rows[first:at], *_written_with(rows, at)]:
            if untold[_identity(one)] > 0:
                untold[_identity(one)] -= 1
                copies.add(one["id"])
    return [row for row in rows if row["id"] not in copies]


def copied(rows: Sequence[Row], before: Sequence[Row]) -> set[int]:
    """The ids of the rows at the beginning that the session before, of which this one is a branch, told."""
    untold = Counter(map(_identity, before))
    found: set[int] = set()
    for row in rows:
        if is_summary(row):
            continue
        if untold[_identity(row)] <= 0:
            break
        untold[_identity(row)] -= 1
        found.add(row["id"])
    return found


def _first_written_with(rows: Sequence[Row], at: int) -> int:
    """Where the rows begin that were written in one go with the one at `at`.

    They have ids without a gap; their times are those of before, or as good as the same.
    """
    latest = [0.0]
    for row in rows[:at]:
        latest.append(max(latest[-1], _seconds(row)))
    first = at
    while first > 0:
        row, behind = rows[first - 1], rows[first]
        old = _seconds(row) <= latest[first - 1] + AT_ONCE
        close = 0 <= _seconds(behind) - _seconds(row) <= AT_ONCE
        if row["id"] != behind["id"] - 1 or not (old or close):
            break
        first -= 1
    return first


def _written_with(rows: Sequence[Row], at: int) -> list[Row]:
    """The rows behind the one at `at` that were written in one go with it."""
    last = _seconds(rows[at])
    found: list[Row] = []
    for before, row in zip(rows[at:], rows[at + 1 :], strict=False):
        if row["id"] != before["id"] + 1 or _seconds(row) > last + AT_ONCE:
            break
        last = max(last, _seconds(row))
        found.append(row)
    return found


def _identity(row: Row) -> tuple[str, str]:
    """What stays the same when a message is written again; old results may be shortened then."""
    if row["role"] == "tool" and row.get("tool_call_id"):
        return "tool", as_str(row["tool_call_id"])
    return as_str(row["role"]), f"{as_str(row['content'])}\0{as_str(row.get('tool_calls'))}"


def _seconds(row: Row) -> float:
    value = row["timestamp"]
    return float(value) if isinstance(value, int | float) else 0.0
