"""What a round of MetaClaw-Bench needs beside its question: files of earlier rounds, or shipped ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from skillclaw.bench.suites.metaclaw_data import Day, Round

__all__ = ["earlier", "lacking"]

_COUNT = re.compile(r"(?:--min-(?:count|entries)[ =]+|>=\s*)(\d+)")
_FILE = re.compile(r"(?<![\w./*-])[\w-]+(?:/[\w-]+)*/[\w.-]+\.\w+(?![\w*])")
_COPIED = re.compile(r"check_backup\.py\s+([\w./-]+)")
_LOGGED = re.compile(r"check_done_log\.py\s+([\w./-]+)(?:[^&|;]*?--min-entries[ =]+(\d+))?")


def earlier(day: Day, one: Round, workspace: Path) -> Sequence[Round]:
    """The earlier rounds of the day whose files this round's check needs: all or none of them.

    It needs them when it counts to more than one (files, lines of a log), or reads a file that is not shipped
    and that an earlier round asks for or checks.
    """
    before = _before(day, one)
    if any(int(count) > 1 for count in _COUNT.findall(one.command)):
        return before
    for name in _FILE.findall(one.command):
        shipped = name.startswith(("scripts/", "eval/")) or _shipped(workspace, name) is not None
        if not shipped and any(name in other.question or name in other.command for other in before):
            return before
    return ()


def lacking(day: Day, one: Round, workspace: Path) -> str:
    """What the checkout lacks so that nobody can meet the round's check; empty where nothing is seen to be.

    The copy that a check asks for must be of a file that was there; and a log must have had the lines that a
    check counts and the day's rounds up to this one do not add.
    """
    before = _before(day, one)
    for name in _COPIED.findall(one.command):
        made = any(name in other.question or name in other.command for other in before)
        if not made and _shipped(workspace, name) is None:
            return f"its check wants a copy of {name}, which the workspace lacks"
    for name, count in _LOGGED.findall(one.command):
        shipped = _lines(_shipped(workspace, name))
        added = sum(name in other.command for other in (*before, one))
        if int(count or 1) > shipped + added:
            return (
                f"its check counts {count} lines of {name}; the workspace has {shipped} "
                f"and the day's rounds up to it add {added}"
            )
    return ""


def _before(day: Day, one: Round) -> Sequence[Round]:
    return [other for other in day.rounds[: day.rounds.index(one)] if other.command]


def _shipped(workspace: Path, name: str) -> Path | None:
    """The file of that name in the workspace; names come from a checkout and may lead anywhere."""
    place = (workspace / name).resolve()
    return place if place.is_relative_to(workspace) and place.is_file() else None


def _lines(path: Path | None) -> int:
    if path is None:
        return 0
    try:
        return sum(bool(line.strip()) for line in path.read_text("utf-8", "replace").splitlines())
    except OSError:
        return 0
