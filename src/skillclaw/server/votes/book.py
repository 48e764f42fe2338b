"""What this machine tried for groups, and what it took: `<home>/votes/book.json`, for its user alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from skillclaw.errors import StorageError
from skillclaw.formats import stop_at_newer
from skillclaw.private import private_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = ["FOLDER", "Tried", "load_book", "note", "on_day"]

FOLDER = "votes"
FORMAT = 1
KEPT = 500
"""Entries that stay: the newest."""

State = Literal["running", "sent", "stopped", "failed", "nothing"]


class Tried(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One change that a group asked this machine to try.

    state   `running`; `sent`: its counts went into the inbox; `stopped`: the machine was needed, or died, or
            another had the job; `failed`; `nothing`: no session here is of that kind
    why     in words; began, ended: UTC
    seen    the session store's cursor, by which it is known whether there are other sessions now
    cases   how its cases went; calls, tokens, usd, seconds: what it took here; usd null where no price is set
    """

    hub: str
    proposal: str
    object: str
    skill: str
    state: State
    began: str
    ended: str = ""
    why: str = ""
    seen: int = 0
    sessions: int = 0
    cases: dict[str, int] = {}
    calls: int = 0
    tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0


def load_book(home: Path) -> list[Tried]:
    """All that was tried, oldest first; StorageError where the file is damaged: what was spent is in it."""
    path = home / FOLDER / "book.json"
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT)  # a later one is an object that says so
        return msgspec.json.decode(raw, type=list[Tried])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{path} cannot be read.", str(error), "Delete it; what was tried today is counted from 0 then."
        ) from error


def note(home: Path, one: Tried) -> None:
    """Keep an entry; one of the same hub, proposal and beginning gives way. For one process at a time."""
    mark = (one.hub, one.proposal, one.began)
    book = [old for old in load_book(home) if (old.hub, old.proposal, old.began) != mark]
    path = home / FOLDER / "book.json"
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(msgspec.json.encode([*book, one][-KEPT:]))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error


def on_day(book: list[Tried], day: str) -> list[Tried]:
    """What was begun on a day (UTC, `2026-11-27`) and cost anything, or may have."""
    return [one for one in book if one.began.startswith(day) and one.state != "nothing"]
