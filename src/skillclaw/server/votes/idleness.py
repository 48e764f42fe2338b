"""Whether anybody works on this machine: by what its agents did last, as far as this home sees them."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from skillclaw.server.up import runfile

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.settings_votes import VotesSettings

__all__ = ["in_hours", "why_busy"]


def last_activity(home: Path, running: runfile.Running | None) -> float:
    """When an agent did anything last that this home saw, as `time.time`; 0 where it never saw one.

    An exchange through the proxy goes into the journal; what agents keep by themselves is read by `up`,
    `running`, which tells when it last found something new.
    """
    found = 0.0
    with suppress(OSError):
        for path in (home / "journal").glob("*.seg"):
            found = max(found, path.stat().st_mtime)
    for part in ("follow", "record"):
        told = running.last.get(part) if running is not None else None
        with suppress(ValueError):
            found = max(found, datetime.fromisoformat(told).timestamp() if told else 0.0)
    return found


def in_hours(hours: str, now: datetime) -> bool:
    """Whether `now` (local) is in `hours`, as `22-7`: from the first on, before the second; empty: always."""
    if not hours:
        return True
    first, last = (int(part) % 24 for part in hours.split("-"))
    if first == last:
        return True
    return first <= now.hour < last if first < last else now.hour >= first or now.hour < last


def why_busy(home: Path, settings: VotesSettings, *, since: float = 0.0) -> str:
    """Why this machine does not work for groups now, as a sentence; empty where it may.

    `since`: when it began to, as `time.time`; then only what an agent did after that counts.
    """
    now = time.time()
    if not in_hours(settings.hours, datetime.now()):  # noqa: DTZ005 - hours are the user's own
        return f"It is not between the hours {settings.hours}."
    running = runfile.read_running(home)
    last = last_activity(home, running)
    if since:
        if last > since:
            return "An agent began to work here."
    elif 0 <= now - last < settings.idle:
        return f"An agent worked here {now - last:.0f} seconds ago; {settings.idle:g} have to pass."
    if running is not None and running.port:
        told = runfile.health(running.port, timeout=0.5)
        if told is not None and told.get("under_way"):
            return "An agent waits for an answer right now."
    return ""
