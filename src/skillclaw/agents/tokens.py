"""The token of each agent in configured mode: what it shows the proxy as its key. `tokens.json`, 0600.

In clear, since `connect` writes it into the agent's settings again when the port changes; the proxy's own
configuration holds hashes only. A token opens nothing but this machine's proxy.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from skillclaw.agents.edits import write_atomic
from skillclaw.errors import UNREADABLE, BadInputError, StorageError
from skillclaw.formats import stop_at_newer
from skillclaw.private import lasting_folder

__all__ = ["PREFIX", "digest", "forget_token", "known_tokens", "token"]

PREFIX = "skillclaw-"
"""So that people who find one in a settings file know whose it is."""

FORMAT = 1
"""A later one is an object with `v`; no agent is called that."""
WAIT = 10.0
"""Seconds to wait for another process that changes the tokens."""


def known_tokens(home: Path) -> dict[str, str]:
    """The tokens by agent."""
    path = _path(home)
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT)
        return msgspec.json.decode(raw, type=dict[str, str])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except UNREADABLE as error:
        todo = f"Delete {path}, then connect the agents again."
        raise BadInputError(f"{path} does not hold what it should.", str(error), todo) from error


def token(home: Path, agent: str) -> str:
    """The agent's token, made at the first call. Raises StorageError."""
    known = known_tokens(home)
    if agent in known:
        return known[agent]
    with _alone(home):
        known = known_tokens(home)
        if agent not in known:
            known[agent] = PREFIX + secrets.token_urlsafe(32)
            _store(home, known)
        return known[agent]


def forget_token(home: Path, agent: str) -> None:
    """The token opens nothing any more."""
    with _alone(home):
        known = known_tokens(home)
        if known.pop(agent, None) is not None:
            _store(home, known)


def digest(token: str) -> str:
    """SHA-256 (hex): enough for a token of 256 random bits, which nobody can guess from it."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time changes the tokens: `up` and a command would else each give an agent its own."""
    from filelock import FileLock, Timeout

    try:
        lasting_folder(home)
        with FileLock(home / "tokens.lock", timeout=WAIT, mode=0o600):
            yield
    except Timeout as error:
        why = f"Another process holds {home / 'tokens.lock'}."
        raise StorageError("Cannot change the agents' tokens.", why, "Try again.") from error


def _store(home: Path, known: dict[str, str]) -> None:
    write_atomic(_path(home), msgspec.json.encode(known, order="sorted"))


def _path(home: Path) -> Path:
    return home / "tokens.json"
