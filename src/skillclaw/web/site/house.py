"""What the pages read and change: the machine of one home, for one request at a time.

The dashboard runs for hours, so settings are read again once they changed. Groups' hubs may be far away: what
was read of one stays for a few seconds. What is slow to work out is kept until that changes which it was
made of (`kept`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from skillclaw.errors import BusyError
from skillclaw.server.hubs.opened import Hubs, Source
from skillclaw.server.hubs.polling import read_polls
from skillclaw.server.machine import PERSONAL, Machine
from skillclaw.web.site.jobs import Jobs

if TYPE_CHECKING:
    from skillclaw.settings import Settings

__all__ = ["House", "Role", "role_in"]

T = TypeVar("T")
Role = str
"""owner, reviewer, evolver or member; empty where this machine is none of them."""

PATIENCE = 20.0
"""Seconds that a request waits for those before it."""
NEAR = 1.0
FAR = 15.0
"""Seconds for which what was read of the personal hub, and of a group's, is taken for current."""
STORES = ("sessions", "outbox")
"""What stays open where settings change."""
KEPT = 256
"""Results that are kept."""


class House:
    """The machine behind the pages. Safe to use from several threads.

    `demo`: it holds the demo's packaged sessions and nothing of the user's, and is only looked at. `jobs` are
    the commands that were begun in the dashboard.
    """

    def __init__(self, home: Path, environ: Mapping[str, str], *, demo: bool = False) -> None:
        self.home = home
        self.environ = environ
        self.demo = demo
        self.jobs = Jobs(home, environ)
        self._lock = threading.RLock()
        self._machine: Machine | None = None
        self._stamp: object = None
        self._kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
        self._kept_lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[Machine]:
        """The machine, for this thread alone. BusyError where others take too long."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise BusyError(
                "The dashboard is busy.", f"Something took more than {PATIENCE:.0f} s.", "Try again."
            )
        try:
            yield self._current()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of what is open, once nobody uses it."""
        with self._lock:
            if self._machine is not None and "sessions" in self._machine.__dict__:
                self._machine.sessions.close()
            self._machine = None

    def fresh(self) -> None:
        """Read every hub anew at the next request: something was changed."""
        with self._lock:
            if self._machine is not None:
                cast(_PatientHubs, self._machine.hubs).forget()

    def kept(self, key: Hashable, stamp: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made again only when `stamp` changed."""
        with self._kept_lock:
            known = self._kept.get(key)
            if known is not None and known[0] == stamp:
                self._kept.move_to_end(key)
                return cast(T, known[1])
        made = make()
        with self._kept_lock:
            self._kept[key] = (stamp, made)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _current(self) -> Machine:
        stamp = _stamp(self.home / "config.toml")
        if self._machine is None or stamp != self._stamp:
            before = self._machine.__dict__ if self._machine is not None else {}
            self._machine, self._stamp = Machine(self.home, self.environ), stamp
            self._machine.__dict__["hubs"] = _PatientHubs(self._machine)  # in place of the cached property
            # No setting says where these lie, and other threads read them without the lock.
            self._machine.__dict__ |= {name: before[name] for name in STORES if name in before}
        return self._machine


class _PatientHubs(Hubs):
    """Hubs of which what was read stays current for a while."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._read_at: dict[str, tuple[float, Source]] = {}

    def forget(self) -> None:
        """Read each anew when it is asked for."""
        self._read_at.clear()

    def _read(self, settings: Settings, name: str) -> Source:
        now = time.monotonic()
        known = self._read_at.get(name)
        if known is not None and now - known[0] < (NEAR if name == PERSONAL else FAR):
            state, polled = known[1].state, read_polls(self.machine.home).get(name)
            if state is None or polled is None or polled.seq <= state.seq:
                return known[1]
        if name == PERSONAL and not self.machine.has_hub and not (self.machine.home / "keys").exists():
            return Source(name=name)  # who looks makes none: a cycle does, or a decision
        source = super()._read(settings, name)
        self._read_at[name] = (now, source)
        return source


def role_in(source: Source) -> Role:
    """As what this machine may act in a hub: by the strongest of its keys that count there."""
    if source.hub is None or source.state is None:
        return ""
    return next((role for role in ("owner", "reviewer", "evolver", "member") if source.hub.acts_as(role)), "")


def _stamp(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
