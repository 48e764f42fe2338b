"""What a run needs of the real SkillClaw: users' proxies by day, the evolver by night.

The protocol stands here because `bench` may not know `server`; `server.rehearsal` fulfils it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Rig"]


class Rig(Protocol):
    """Some users with a SkillClaw each, all connected. Everything it knows lies in one folder."""

    def home(self, user: str) -> Path:
        """The home folder of this user's agents, where skills are installed."""
        ...

    def day(self, upstream: str, prefix: str) -> AbstractContextManager[Mapping[str, str]]:
        """Every user's proxy, running: user to base URL. At the end what they recorded is stored.

        upstream  the base URL that the proxies forward to
        prefix    the proxy's name of the agent's platform; `generic` for one that it doesn't know
        """
        ...

    def measuring(self, upstream: str, prefix: str) -> AbstractContextManager[str]:
        """A proxy of nobody's: its base URL. What it records is thrown away, so that nothing is learned from
        measuring, and measured work takes the same way as other work."""
        ...

    def night(self) -> Mapping[str, Any]:
        """One cycle over all users' sessions, then sync: what it did, as `results.Night` but for `day`."""
        ...
