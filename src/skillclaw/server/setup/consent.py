"""What the user agreed to. Without it, `up` counts histories and runs the proxy, no more.

`<home>/consent.json`, 0600: `agreed`; `only`, the agents whose histories may be imported, null for all of
them; `but`, those that are excepted since the user disconnected them; `since`, the moment before which a
history that does not grow is left alone, null for none: the yes that `up` asks for is one to the last days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.connections import alone
from skillclaw.agents.edits import write_atomic
from skillclaw.errors import UNREADABLE
from skillclaw.formats import stop_at_newer

__all__ = ["PAST_DAYS", "agree", "agreed", "days_back", "followed", "resume", "unfollow"]

PAST_DAYS = 30
"""Days of the past that the yes to all agents takes in; what is older comes in by `skillclaw import`."""


FORMAT = 1


def _path(home: Path) -> Path:
    return home / "consent.json"


def agreed(home: Path) -> bool:
    """True when the user agreed that sessions are imported and skills installed."""
    return _read(home).get("agreed") is True


def followed(home: Path) -> list[str] | None:
    """The agents whose histories may be imported as they grow; None: all of them."""
    told = _read(home)
    only, but = _names(told, "only"), set(_names(told, "but") or ())
    if only is None and but:
        from skillclaw.agents import adapters

        only = sorted(adapters())
    return None if only is None else [name for name in only if name not in but]


def days_back(home: Path) -> float | None:
    """Days before now in which a history must have grown to be imported; None: all of them are."""
    since = _read(home).get("since")
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(since)) / timedelta(days=1) if since else None
    except (TypeError, ValueError):
        return 0.0  # damaged: what was agreed to cannot be told


def agree(home: Path, only: Iterable[str] | None = None) -> None:
    """Remember the user's yes: to all agents' histories of the last `PAST_DAYS` days and from now on, or to
    those of some beside what was agreed to."""
    with alone(home):
        told = _read(home)
        if only is None:
            first = datetime.now(UTC) - timedelta(days=PAST_DAYS)
            # who agreed to more before takes nothing back
            since = told.get("since") if told.get("agreed") else first.isoformat(timespec="seconds")
            _store(home, None, [], since)
            return
        names = set(only)
        before = _names(told, "only") if told.get("agreed") else []
        but = set(_names(told, "but") or ()) - names
        _store(home, None if before is None else {*before, *names}, but, told.get("since"))


def unfollow(home: Path, names: Iterable[str] | None = None) -> None:
    """The user disconnects these agents (None: all): their histories are imported no longer."""
    with alone(home):
        told = _read(home)
        if not told.get("agreed"):
            return
        if names is None:
            _store(home, [], [], told.get("since"))
            return
        gone = set(names)
        only, but = _names(told, "only"), set(_names(told, "but") or ())
        left = None if only is None else set(only) - gone
        _store(home, left, (but | gone) if only is None else but, told.get("since"))


def resume(home: Path, names: Iterable[str]) -> None:
    """The user connects these agents again: what was agreed to for all holds for them too."""
    with alone(home):
        told = _read(home)
        but = set(_names(told, "but") or ())
        if told.get("agreed") and but & set(names):
            _store(home, _names(told, "only"), but - set(names), told.get("since"))


def _store(home: Path, only: Iterable[str] | None, but: Iterable[str], since: str | None) -> None:
    told = {
        **_read(home),  # what a later version says beside this
        "v": FORMAT,
        "agreed": True,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "only": None if only is None else sorted(only),
        "but": sorted(but),
        "since": since,
    }
    write_atomic(_path(home), msgspec.json.encode(told))


def _names(told: dict[str, Any], key: str) -> list[str] | None:
    """A list of agents; None where there is none. What is no list of names stands for no agent at all."""
    found = told.get(key)
    if found is None:
        return None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _read(home: Path) -> dict[str, Any]:
    try:
        raw = _path(home).read_bytes()
        stop_at_newer(raw, str(_path(home)), FORMAT)
        found = msgspec.json.decode(raw)
    except (OSError, *UNREADABLE):
        return {}
    return found if isinstance(found, dict) else {}
