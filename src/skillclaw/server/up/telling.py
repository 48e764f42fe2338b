"""What a running `up` tells its proxy of itself, for `/metrics` and `/readyz` (`proxy.facts`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.proxy.facts import CycleFacts, GroupFacts, HubFacts, UpFacts, own_process, write_facts
from skillclaw.server.hubs.polling import read_polls

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.serving.records import GroupStatus
    from skillclaw.server.up.runfile import Running

__all__ = ["EVERY", "Telling"]

EVERY = 5.0
"""Seconds between two tellings: what is told is at most that old."""

Found = TypeVar("Found")


class Telling:
    """Of one `up`: counts its cycles, and tells."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._cycle = CycleFacts()
        self._began = 0.0

    def cycle_began(self) -> None:
        """A cycle runs from now on."""
        self._began = time.monotonic()
        self._cycle = msgspec.structs.replace(self._cycle, running=True)

    def cycle_ended(self, *, well: bool) -> float:
        """It has ended; gives the seconds that it took."""
        before, seconds = self._cycle, time.monotonic() - self._began
        self._cycle = msgspec.structs.replace(
            before,
            running=False,
            done=before.done + well,
            failed=before.failed + (not well),
            ended=time.time(),
            seconds=seconds,
            well=well,
        )
        return seconds

    def tell(self, running: Running, parts: Collection[str], groups: Collection[GroupStatus]) -> None:
        """Tell how it stands. On a disk that does not take it, the age of what was told last says so."""
        home = self.machine.home
        facts = UpFacts(
            pid=running.pid,
            at=time.time(),
            version=running.version,
            agreed=running.agreed,
            failing=sorted(running.errors),
            last=_times(running.last),
            parts=sorted({*parts, *running.errors}),
            cycle=self._cycle,
            sessions=_or_none(self._sessions),
            skills=_or_none(self._skills),
            hubs={
                name: HubFacts(answered=_time(poll.last), failures=poll.failures)
                for name, poll in read_polls(home).items()
            },
            groups={
                one.hub: GroupFacts(failures=one.failures, waiting=one.sessions_waiting) for one in groups
            },
            process=own_process(),
        )
        with suppress(OSError):
            write_facts(home, facts)

    def _sessions(self) -> int:
        # Asking makes no database.
        return self.machine.sessions.count() if (self.machine.home / "sessions.db").exists() else 0

    def _skills(self) -> int:
        from skillclaw.library import book

        return len({(one.hub, one.skill) for one in book.load(self.machine.home).installed if one.version})


def _or_none(part: Callable[[], Found]) -> Found | None:
    try:
        return part()
    except SkillClawError:
        return None


def _times(texts: Mapping[str, str]) -> dict[str, float]:
    return {name: at for name, text in texts.items() if (at := _time(text)) is not None}


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
