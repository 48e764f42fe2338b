"""Upstreams of single programs that `skillclaw run` starts: each goes where its own shell says.

Whatever other shells, `connect` and `up` name for the agent meanwhile, `/<agent>.<mark>/` leads there and
nowhere else. `<home>/run/<agent>.<mark>` (0600) holds the base URL; the mark is a hash of both, so that
the file of one leads no other astray. An agent's name has no dot.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from skillclaw.errors import StorageError
from skillclaw.private import whole_file

__all__ = ["Apart", "find", "note"]

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\.[0-9a-f]{32}")
LARGEST = 64 * 1024
"""Bytes that a base URL may have."""


class Apart(msgspec.Struct, frozen=True):
    """The agent whose prefix it is, and the base URL that the prefix leads to."""

    agent: str
    url: str


def note(home: Path, agent: str, url: str) -> str:
    """The prefix by which the agent's requests go to `url`; a proxy of this home knows it from now on.

    Raises StorageError where it cannot be written down.
    """
    prefix = _prefix(agent, url)
    if find(home, prefix) is None:
        path = _path(home, prefix)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole_file(path) as file:
                file.write(url.encode("utf-8"))
        except (OSError, UnicodeError) as error:
            todo = "Free space or mend permissions."
            raise StorageError(f"Cannot write {path}.", str(error), todo) from error
    return prefix


def find(home: Path, prefix: str) -> Apart | None:
    """What a prefix leads to; None for one that nobody made, and where the file does not hold what it did."""
    if not _PREFIX.fullmatch(prefix):
        return None
    try:
        with _path(home, prefix).open("rb") as file:
            url = file.read(LARGEST).decode("utf-8")
    except (OSError, UnicodeError):
        return None
    agent = prefix.partition(".")[0]
    return Apart(agent, url) if _prefix(agent, url) == prefix else None


def _prefix(agent: str, url: str) -> str:
    return f"{agent}.{hashlib.sha256(f'{agent} {url}'.encode()).hexdigest()[:32]}"


def _path(home: Path, prefix: str) -> Path:
    return home / "run" / prefix
