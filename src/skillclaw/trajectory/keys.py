"""The identity of a session."""

from __future__ import annotations

import hashlib

__all__ = ["anonymous_native_id", "session_key"]


def session_key(agent: str, native_id: str) -> str:
    """16 hex digits that name the session of `agent` whose own root session id is `native_id`.

    The wire and the history of one session give the same key, so they merge into one.
    """
    return hashlib.sha256(f"{agent}\0{native_id}".encode()).hexdigest()[:16]


def anonymous_native_id(first_user_message: str, started_minute: str) -> str:
    """A stand-in for the native id of an agent that sends none: the first message and its minute.

    `started_minute` is ISO 8601 cut to the minute, e.g. `2026-11-23T09:14`.
    """
    return hashlib.sha256(f"{started_minute}\0{first_user_message}".encode()).hexdigest()[:32]
