"""What a file holds, told by its content and not by its name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from skillclaw.agents.history import claude, claude_events, codex, codex_files, lines
from skillclaw.errors import BadInputError

__all__ = ["sniff"]

HEAD = 1 << 18
LINES = 50
"""Bytes and lines that are looked at; a session's kind shows in its first lines."""

_ATIF = re.compile(rb'"schema_version"\s*:\s*"ATIF')


def sniff(path: Path) -> str:
    """`atif`, `claude-code`, `codex`, or nothing for JSON of another kind and for an empty file.

    Raises StorageError when the file cannot be read, BadInputError with the place when it is broken JSON.
    """
    if claude_events.is_subagent_file(path):
        return claude.NAME
    tally = lines.Tally()
    broken: tuple[int, bytes] | None = None
    seen = False
    for number, line, ended in lines.raw_lines(path, tally):
        if number > LINES:
            break
        try:
            value = lines.json_value(line)
        except BadInputError:
            if ended or not seen:
                broken = broken or (number, line)
            continue
        seen = True
        kind = _kind(value)
        if kind:
            return kind
    if broken is None:
        if tally.counts:
            raise BadInputError(f"{path} is damaged.", next(iter(tally.counts)), "Get it again.")
        return ""
    return _document(path, broken)


def _document(path: Path, broken: tuple[int, bytes]) -> str:
    """For a file whose lines are no JSON by themselves: one document over many lines, or a broken one."""
    if _ATIF.search(lines.beginning(path, HEAD)):
        return "atif"
    body = lines.beginning(path, 1 << 26)
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        if len(body) == 1 << 26:
            return ""
        why = str(error)
        if body.count(b"\n") > 1 and body.lstrip()[:1] not in (b"[", b"{"):
            why = f"line {broken[0]}: {_why(broken[1])}"
        raise BadInputError(f"{path} is not JSON.", why, "Mend the file, or export it again.") from error
    return _kind(value)


def _why(line: bytes) -> str:
    try:
        json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return str(error)
    return "it is not UTF-8"


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return next(
            (kind for kind in (_kind(item) for item in value[:LINES] if isinstance(item, dict)) if kind), ""
        )
    if not isinstance(value, dict):
        return ""
    version = value.get("schema_version")
    if isinstance(version, str) and version.upper().startswith("ATIF"):
        return "atif"
    if isinstance(value.get("steps"), list) and isinstance(value.get("agent"), dict):
        return "atif"
    if claude_events.looks_like(value):
        return claude.NAME
    return codex.NAME if codex_files.looks_like(value) else ""
