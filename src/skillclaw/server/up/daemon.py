"""`skillclaw up`: starts the proxy and keeps the loop going until it is told to stop.

The proxy is a process of its own, so that traffic never waits for learning; a cycle is another, so that its
memory is given back. A part that fails is logged, shown by `status`, and tried again; it never stops the
others. Wanted agents are connected as long as it runs.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from skillclaw import __version__
from skillclaw.compiled import cut_off
from skillclaw.errors import BusyError, SkillClawError, StorageError, UpgradeNeededError, in_one_line
from skillclaw.own_log import keep
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.following import Following
from skillclaw.server.setup.connections import connect_wanted, let_go
from skillclaw.server.setup.consent import agreed
from skillclaw.server.setup.wishes import needs_proxy, wishes
from skillclaw.server.up import runfile
from skillclaw.server.up.cycle_process import CycleProcess
from skillclaw.server.up.log import log_up
from skillclaw.server.up.proxy_process import ProxyProcess
from skillclaw.server.up.replaced import Replaced
from skillclaw.server.up.telling import EVERY, Telling
from skillclaw.server.up.timetable import Every
from skillclaw.settings import load

if TYPE_CHECKING:
    from skillclaw.server.door import Door
    from skillclaw.server.hubs.syncing import Syncing
    from skillclaw.server.serving.beside import Beside
    from skillclaw.server.votes.beside import Voting

__all__ = ["Daemon"]

log = logging.getLogger("skillclaw.up")
PAUSE = 5.0
"""Seconds between tries to start a proxy that could not be started."""
TICK = 0.5
"""Seconds between looks at the clock, the proxy and the stop file."""


class Daemon:
    """The loop of one home. `run` returns when stop is asked for, by file, signal or Ctrl-C."""

    def __init__(
        self, machine: Machine, *, port: int | None = None, history_only: bool = False, aloud: bool = False
    ) -> None:
        """`history_only`: no proxy until an agent is to go through it; `aloud`: log on stderr, too."""
        self.machine = machine
        self.history_only = history_only
        self.aloud = aloud
        self.port = machine.settings.proxy.port if port is None else port
        self._stop = threading.Event()
        self._proxy: ProxyProcess | None = None
        self._proxy_due = 0.0
        self._loose = False
        """Whether agents were put back since the proxy could not be started again."""
        self._voting: Voting | None = None
        self._door: Door | None = None
        self._replaced = Replaced()
        self._telling = Telling(machine)
        self._cycle = CycleProcess(machine, self._telling)
        self._news = Following(machine)
        self._parts: set[str] = set()
        self.start_again = False
        """After `run`: another version was installed, and takes over (`replaced.start_again`)."""

    def run(self, on_ready: Callable[[runfile.Running], None]) -> None:
        """Run until stopped. Raises BusyError when this home's daemon runs already, StorageError, ..."""
        machine = self.machine
        running = runfile.read_running(machine.home)
        if running is not None:
            raise BusyError(
                f"SkillClaw runs already (process {running.pid}, port {running.port}).",
                "One home has one `up`.",
                "See: skillclaw status; end it: skillclaw stop; or use another --home and --port.",
            )
        with machine.alone("up"):
            log_up(machine, aloud=self.aloud)
            keep(machine.home / "logs" / "up.out")
            runfile.stop_requested(machine.home)
            if self._needs_proxy():
                self._proxy = ProxyProcess(machine, self.port)
                try:
                    self._proxy.start()
                except SkillClawError:
                    # What listens there now is somebody else's: agents that a crash left pointing at the
                    # port must not bring it their credentials.
                    let_go(machine)
                    raise
            try:
                pid, created = runfile.pid_of_self()
                self._running = runfile.Running(
                    pid=pid,
                    created=created,
                    port=self._proxy.port if self._proxy else 0,
                    started=_now(),
                    version=__version__,
                    agreed=self._agreed(),
                )
                self._tell()
                facts = {"port": self._running.port, "process": pid, "version": __version__}
                log.info("up: port %d, process %d", self._running.port, pid, extra={"facts": facts})
                self._catch_signals()
                if self._running.agreed and self._proxy:
                    self._try("connect", self._connect)
                self._try("dashboard", self._keep_door)
                # Only now: who waits for it may start an agent at once.
                self._running = msgspec.structs.replace(self._running, ready=True)
                self._tell()
                self._tell_watchers()
                with suppress(OSError):  # what reads it may be a file on a full disk
                    on_ready(self._running)
                self._loop()
            finally:
                self._cycle.end()
                if self._voting is not None:
                    self._voting.stop()
                if self._door is not None:
                    self._door.close()
                if "_syncing" in self.__dict__:
                    self._syncing.stop()
                if "_beside" in self.__dict__:
                    self._beside.stop()
                try:
                    let_go(machine)
                except Exception as error:  # agents' settings that cannot be put back must not keep the proxy
                    log.error("settings of agents were not put back: %s", in_one_line(error))
                if self._proxy:
                    self._proxy.stop()
                runfile.forget_running(machine.home)
                log.info("down")

    def _loop(self) -> None:
        settings = self.machine.settings
        due = {
            "tell": Every(EVERY, self._tell_watchers),
            "record": Every(min(5.0, max(0.5, settings.journal.idle / 4)), self._news.record),
            "upstreams": Every(5.0, self._refresh),
            "follow": Every(60.0, self._follow, lambda: self._news.behind),
            "evolve": Every(settings.evolve.interval * 60, self._evolve),
            "sync": Every(min(1.0, settings.sync.interval), self._sync),
            "share": Every(settings.sync.interval, self._share),
            "serve": Every(10.0, self._serve),
            "vote": Every(300.0, self._vote),
            "expire": Every(3600.0, self._expire),
            "dashboard": Every(10.0, self._keep_door),
        }
        while not self._stop.wait(TICK) and not runfile.stop_requested(self.machine.home):
            self._try("proxy", self._keep_proxy)
            self._try("cycle", self._cycle.reap)
            self._try("vote", self._reap_vote)
            self._try("upgrade", self._replaced.look)
            if self._replaced.changed:
                # Whatever is begun now might import the other version's modules beside the own ones.
                if self._replaced.may_start_again(self._running.port):
                    log.info("another version was installed: starting again as that")
                    self.start_again = True
                    return
                continue
            for name, part in due.items():
                if part.is_due() and not self._stop.is_set() and not self._is_replaced():
                    self._try(name, part.run)

    def _try(self, name: str, part: Callable[[], bool]) -> None:
        """Run one part; a failure is told once, not every tick."""
        self._parts.add(name)
        before = self._running.errors.get(name, "")
        done = False
        kind = ""
        try:
            done = part()
            now = ""
        except SkillClawError as error:
            now = in_one_line(error)
        except Exception as error:
            # While another version is put in its place a module is not there, or goes as it is read.
            gone = isinstance(error, ImportError | FileNotFoundError) and name != "upgrade"
            if gone and self._is_replaced():  # while it began: the new version does it
                log.info("%s waits: another version is being installed", name)
                return
            cut = cut_off(error)  # a compiled file, which the next run of the part makes anew
            now = " ".join(cut[:2]) if cut else f"{type(error).__name__}: {error}"
            if cut is None and not isinstance(error, ImportError):
                kind = type(error).__name__  # what it says may hold a piece of what was read
                if now != before:
                    log.exception("%s failed", name, extra={"facts": {"part": name}})
        if now != before:
            facts = {"facts": {"part": name}}
            if now:
                log.error("%s: %s", name, kind or now, extra=facts)
            else:
                log.info("%s: well again", name, extra=facts)
        if now != before or done:
            errors = {k: v for k, v in (self._running.errors | {name: now}).items() if v}
            last = self._running.last | ({name: _now()} if done else {})
            self._running = msgspec.structs.replace(self._running, errors=errors, last=last)
            try:
                runfile.write_running(self.machine.home, self._running)
            except OSError as error:
                log.error("cannot write run/up.json: %s", error)

    def _is_replaced(self) -> bool:
        """Look at once whether the modules are still there, which the next import needs."""
        self._try("upgrade", self._replaced.look)
        return self._replaced.changed

    @property
    def port_kept(self) -> int | None:
        """The port that a next process has to ask for, so that agents at work find it; None: it will."""
        return self._running.port or None if self.port == 0 else None

    def _tell(self) -> None:
        """Tell other commands that this runs: nobody could stop what they cannot see."""
        try:
            runfile.write_running(self.machine.home, self._running)
        except OSError as error:
            raise StorageError(
                "SkillClaw cannot note that it runs (run/up.json).",
                str(error),
                "Free space or mend permissions.",
            ) from error

    def _tell_watchers(self) -> bool:
        """Tell whoever watches through the proxy; nothing that others would have to know of."""
        groups = self._beside.groups() if "_beside" in self.__dict__ else []
        self._telling.tell(self._running, self._parts, groups)
        return False

    def _needs_proxy(self) -> bool:
        if self.history_only:
            return bool(wishes(self.machine.home).proxy)
        try:
            return needs_proxy(self.machine.home)
        except SkillClawError as error:  # traffic may need it, whatever a later version, or damage, put there
            log.error("%s", in_one_line(error))
            return True

    def _agreed(self) -> bool:
        """False also where a later version wrote it down: nothing is imported or installed then."""
        try:
            return agreed(self.machine.home)
        except UpgradeNeededError as error:
            log.error("%s", in_one_line(error))
            return False

    def _keep_proxy(self) -> bool:
        """Keep the proxy alive; start it when the first agent is to go through it."""
        if self._proxy is not None:
            return self._keep_alive(self._proxy)
        if time.monotonic() < self._proxy_due or not self._needs_proxy():
            return False
        self._proxy_due = time.monotonic() + PAUSE
        proxy = ProxyProcess(self.machine, self.port)
        proxy.start()
        self._proxy = proxy
        self._running = msgspec.structs.replace(self._running, port=proxy.port)
        return True

    def _keep_alive(self, proxy: ProxyProcess) -> bool:
        """While it cannot be started again, no agent points at its port, where anybody may listen by now."""
        try:
            came = proxy.keep_alive()
        except Exception:  # no memory or file for it, too
            if not self._loose:
                self._loose = True
                let_go(self.machine)
            raise
        if self._loose:
            self._loose = False
            if self._running.agreed:
                self._try("connect", self._connect)
        return came

    def _refresh(self) -> bool:
        return self._proxy is not None and self._proxy.refresh()

    def _connect(self) -> bool:
        failures = connect_wanted(self.machine, self._running.port)
        if failures:
            raise SkillClawError("; ".join(failures.values()), "", "See: skillclaw doctor")
        return True

    def _follow(self) -> bool:
        if not agreed(self.machine.home):
            self._news.behind = False
            return False
        return self._news.follow()

    @cached_property
    def _syncing(self) -> Syncing:
        from skillclaw.server.hubs.syncing import (
            Syncing,
        )  # hubs and cryptography, which the start need not wait for

        return Syncing(self.machine)

    def _sync(self) -> bool:
        return agreed(self.machine.home) and self._syncing.step()

    @cached_property
    def _beside(self) -> Beside:
        from skillclaw.server.serving.beside import Beside  # as above

        return Beside(self.machine)

    def _serve(self) -> bool:
        """The cycles of the groups that this machine evolves for."""
        if not agreed(self.machine.home) or not load(self.machine.home, self.machine.environ).hubs:
            return False
        return self._beside.step()

    def _share(self) -> bool:
        """Send what the user allowed, to the groups' hubs; a hub that fails is told and tried again."""
        settings = self.machine.settings
        if not settings.hubs and not (self.machine.home / "sharing.json").exists():
            return False
        from skillclaw.server.sharing.step import step

        return step(self.machine)

    def _keep_door(self) -> bool:
        """The dashboard's door, where there can be something behind it."""
        if self._door is None:
            settings = self.machine.settings.dashboard
            if not settings.enabled:
                return False
            from skillclaw.server.door import Door, available

            if not available():
                return False
            self._door = Door(self.machine.home, settings, self.machine.environ)
        return self._door.keep()

    def _expire(self) -> bool:
        from skillclaw.journal.reader import expire
        from skillclaw.server.sessions.raw_erasure import erase_noted

        erase_noted(self.machine)
        if "record" in self._running.errors:
            return False  # what no session was made of yet is not thrown away, however old the clock calls it
        return expire(self.machine.home / "journal", days=self.machine.settings.journal.expire_days) > 0

    def _evolve(self) -> bool:
        if not agreed(self.machine.home):
            return False
        due = _utc(datetime.now(UTC) + timedelta(minutes=self.machine.settings.evolve.interval))
        self._running = msgspec.structs.replace(self._running, next_cycle=due)
        began = self._cycle.begin()
        if not began:  # else it is told with that
            self._tell()
        return began

    def _vote(self) -> bool:
        """Try what groups ask for, where the user allowed it and nobody works here."""
        settings = load(self.machine.home, self.machine.environ)
        if not agreed(self.machine.home) or not settings.hubs or not settings.gate.votes.enabled:
            return False
        if self._voting is None:
            from skillclaw.server.votes.beside import Voting

            self._voting = Voting(self.machine.home)
        return self._voting.step(settings.gate.votes)

    def _reap_vote(self) -> bool:
        return self._voting is not None and self._voting.reap()

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for name in ("SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, lambda *_: self._stop.set())


def _now() -> str:
    return _utc(datetime.now(UTC))


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
