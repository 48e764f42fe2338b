"""pi's history: `sessions/--<cwd>--/<time>_<session id>.jsonl`, one entry a line.

Read from files that pi 0.73.1 wrote; the format is in `pi_events`. The header's id is the `session_id`
header of the wire, so both become one session. A fork begins with a copy of its parent's entries, which keep
their times. pi writes neither its version nor the list of skills.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, pi_events
from skillclaw.agents.history.steps import as_str, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError

__all__ = ["NAME", "is_own", "read"]

NAME = "pi"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"


def read(path: Path, env: Env) -> HistoryRead:
    """One session.

    Raises StorageError when the file cannot be read, BadInputError when it is no session of pi.
    """
    tally = lines.Tally()
    entries = _entries(path, tally)
    header = pi_events.header_of(entries)
    native = as_str(header.get("id")) or path.name.split(".")[0].rpartition("_")[2]
    cwd = as_str(header.get("cwd"))
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    reader = pi_events.Reader(tally)
    start = as_str(header.get("timestamp")) if header.get("parentSession") else ""
    reader.read(pi_events.branch(entries, tally), start)
    made = trajectory(
        reader.out,
        agent=NAME,
        version="",
        native_id=native,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts={},
        subagents=[],
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def is_own(path: Path, env: Env) -> bool:
    """Whether the beginning of a session says that it is SkillClaw's own; `read` decides of the others."""
    return env.is_own(lines.first_text(path, "cwd"))


def _entries(path: Path, tally: lines.Tally) -> list[dict[str, Any]]:
    entries = [value for _, value in lines.objects(path, tally)]
    torn = sum(count for reason, count in tally.counts.items() if reason.startswith("corrupt"))
    if not any(map(pi_events.looks_like, entries)) and (entries or torn):
        raise BadInputError(
            f"{path} is not a session of pi.",
            f"None of its {len(entries) + torn} lines is an entry that pi writes.",
            "See which files are: <pi's folder>/sessions/*/*.jsonl",
        )
    return entries
