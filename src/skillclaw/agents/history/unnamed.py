"""Sessions of agents that send no id: the same stand-in for one as the wire makes, so that both become one.

It is made from the first words and the minute (UTC) in which they were said; see `trajectory.keys`. A session
whose first request left in the next minute becomes two.
"""

from __future__ import annotations

from datetime import datetime

from skillclaw.agents.history.steps import Transcript
from skillclaw.trajectory.keys import anonymous_native_id
from skillclaw.trajectory.model import Part
from skillclaw.trajectory.moments import moment_of, utc_text

__all__ = ["local_stamp", "native_id"]


def local_stamp(text: str) -> str:
    """A time as agents of Python write it, without a zone and meant as this machine's, with its zone.

    Empty for what is no time.
    """
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.astimezone()).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def native_id(transcript: Transcript, fallback: str) -> str:
    """The stand-in for the session's id; `fallback` where nobody said anything, or it is not known when."""
    for draft in transcript.drafts:
        if draft.source != "user" or draft.injected:
            continue
        words = _text(draft.parts).strip()
        if words:
            minute = _minute(draft.stamp)
            return anonymous_native_id(words, minute) if minute else fallback
    return fallback


def _text(parts: list[Part]) -> str:
    return "\n".join(part.text or "" for part in parts if part.type == "text")


def _minute(stamp: str | None) -> str:
    moment = moment_of(stamp)
    return utc_text(moment)[: len("2026-03-01T14:05")] if moment is not None else ""
