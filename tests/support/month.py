"""A month of a group with two evolve servers, in minutes: real cycles on a folder, and everything that fails.

Time is the simulation's own: one steady clock that all machines share and a wall clock of each that jumps.
Which group is due is asked of the real scheduler, who may work of the real claims; a cycle is the real one,
over a real hub. Each request to the storage may fail before or after it was carried out, take longer than a
claim lives (the other server goes on meanwhile, amid that request), or be the last that its server makes.
All is drawn from one seed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from lessons import LESSONS, lesson_session, writer
from providers import Fail, Provider
from servers import names

from skillclaw import settings
from skillclaw.bench.groups import make_group, open_group, send
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.hub import Hub
from skillclaw.hub.claims import Claim, Claims, LostClaimError
from skillclaw.hub.store import Store
from skillclaw.journal.store import SessionStore
from skillclaw.server.groups import collecting
from skillclaw.server.groups import cycle as group_cycle
from skillclaw.server.groups.claiming import CYCLE
from skillclaw.server.groups.membership import find
from skillclaw.server.machine import Machine
from skillclaw.server.serving.looking import Looker
from skillclaw.server.serving.schedule import GroupClock, Rules, due

HOUR, DAY = 3600.0, 86_400.0
START = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
TTL = 1800.0
STEP = 2400.0
"""Seconds between looks of a server."""
RULES = Rules(interval=3 * HOUR, sessions=2)
MEMBERS = 4
JOB = CYCLE
_real_datetime = datetime


@dataclass(frozen=True)
class Odds:
    """How often a request to the storage goes wrong, and in which way; a day's chance of an outage."""

    refused: float = 0.008
    unanswered: float = 0.008
    slow: float = 0.02
    death: float = 0.006
    outage: float = 0.25
    idle: float = 0.2
    """Part of that while a server only looks."""


CALM = Odds(0, 0, 0, 0, 0)
"""Nothing fails."""


class DiedError(BaseException):
    """The server's process is gone: nothing of it is caught, and nothing of it writes any more."""


@dataclass
class Seen:
    """What a month came to."""

    sent: int = 0
    cycles: Counter[str] = field(default_factory=Counter)
    triggers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0
    degraded: int = 0
    late: list[str] = field(default_factory=list)
    """What a server wrote or asked though another had its claim by then: at most what it was amid."""


class Month:
    """The world. `run` lets days pass; then `finish` lets everything end in peace."""

    def __init__(self, place: Path, seed: int, odds: Odds) -> None:
        self.place, self.odds = place, odds
        self.random, self.calendar = Random(seed), Random(f"days of {seed}")
        self.now = 1000.0
        self.seen = Seen()
        self.holder: Server | None = None
        self.acting: list[Server] = []
        self.outage = False
        self.asked: Counter[str] = Counter()
        self.servers: list[Server] = []

    @contextmanager
    def open(self) -> Iterator[Month]:
        """With the group, its provider and two servers there."""
        with Provider("chat", writer(self._provide)) as provider, patch_clocks(self), patch_store(self):
            homes = [self.place / name / ".skillclaw" for name in ("north", "south")]
            self.url = str(self.place / "hub")
            make_group(self.url, self.place / "owner", homes, members=MEMBERS)
            names(self.url, homes[0])
            environ = {
                f"SKILLCLAW_EVOLVE__MODEL__{key.upper()}": str(value)
                for key, value in provider.settings().items()
            }
            environ |= {"SKILLCLAW_EVOLVE__ENGINE": "llm", "SKILLCLAW_EVOLVE__WORKERS": "1"}
            for home in homes:
                settings.set_value(home, "hubs.team.url", self.url)
                self.servers.append(Server(self, home, environ))
            yield self

    def run(self, days: int) -> None:
        """Let days pass, with sessions on each and a jump of some clock on many."""
        group = open_group(self.url, self.place / "owner", members=MEMBERS)
        for day in range(days):
            self.outage = self.calendar.random() < self.odds.outage
            if self.calendar.random() < 0.3:
                server = self.calendar.choice(self.servers)
                server.skew += self.calendar.choice((-DAY, 7 * DAY, -HOUR))
            known = min(len(LESSONS), 1 + day // 4)
            new = [
                lesson_session(self.calendar.randrange(known), 1000 * day + number)
                for number in range(self.calendar.randint(2, 5))
            ]
            date = (START + timedelta(days=day)).strftime("%Y-%m-%d")
            self.seen.sent += send(group, new, day=date)
            self.pass_by(DAY)

    def finish(self) -> list[Any]:
        """Nothing fails any more, whoever was away is back: the last cycle of each server."""
        self.odds, self.outage = CALM, False
        self.pass_by(2 * DAY)
        reports = []
        for server in self.servers:
            with self.played_by(server):
                hub = find(server.machine, "team").hub
                claim = server.claims.take(JOB, TTL)
                assert claim is not None, "everybody let go"
                reports.append(group_cycle.group_cycle(server.machine, hub, claim=claim).report)
                claim.release()
        return reports

    def pass_by(self, seconds: float) -> None:
        """So much time passes for all that do not work just now; within a request it is another's time."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + STEP * (0.8 + 0.4 * self.random.random()))
            for server in self.servers:
                if server not in self.acting:
                    server.tick()

    @contextmanager
    def played_by(self, server: Server) -> Iterator[None]:
        """Requests are this server's until the end of the block."""
        self.acting.append(server)
        try:
            yield
        finally:
            self.acting.pop()

    def wall(self) -> datetime:
        """What the clock on the wall of the machine says that works now."""
        skew = self.acting[-1].skew if self.acting else 0.0
        return START + timedelta(seconds=self.now - 1000.0 + skew)

    def through(self, doing: str, key: str, work: Callable[[], Any]) -> Any:
        """A request of the machine that works now, with what happens to it."""
        if not self.acting:
            return work()
        server = self.acting[-1]
        if server.dead:
            raise DiedError
        draw = self.random.random() / (1.0 if server.cycling else self.odds.idle)
        if server.lost and doing in ("create", "put", "delete") and "/claims/" not in key:
            self.seen.late.append(f"{server.home.parent.name} {doing} {key}")
        for name in ("death", "refused", "unanswered", "slow"):
            draw -= getattr(self.odds, name)
            if draw < 0:
                break
        else:
            return work()
        self.seen.faults[name] += 1
        if name == "death":
            if self.random.random() < 0.5:
                work()
            server.dead = True
            raise DiedError
        if name == "refused":
            raise StorageError("The storage did not answer.", f"({doing} {key})")
        if name == "slow":
            self.pass_by(self.random.uniform(0.5, 6.0) * TTL)
        found = work()
        if name == "unanswered":
            raise StorageError("The storage broke the connection.", f"({doing} {key})")
        return found

    def _provide(self, request: dict[str, Any]) -> Any:
        if self.outage:
            return Fail(503, headers={"Retry-After": "7200"})
        self.asked[json.dumps(request, sort_keys=True)] += 1
        if self.acting and self.acting[-1].lost:
            self.seen.late.append(f"{self.acting[-1].home.parent.name} question")
        return None


class Server:
    """One evolve server: what it knows goes with its process, its home stays."""

    def __init__(self, world: Month, home: Path, environ: dict[str, str]) -> None:
        self.world, self.home, self.environ = world, home, environ
        self.skew = 0.0
        self.back = 0.0
        self.start()

    def start(self) -> None:
        """A fresh process."""
        self.machine = Machine(self.home, self.environ)
        self.looker = Looker(self.machine, "team")
        self.claims_: Claims | None = None
        self.clock = GroupClock(since=self.world.now, unfinished=True)
        self.seq = -1
        self.dead = self.cycling = self.lost = False
        self.claim: Claim | None = None

    @property
    def claims(self) -> Claims:
        if self.claims_ is None:
            hub: Hub = find(self.machine, "team").hub
            self.claims_ = Claims(hub, self.home / "claims", clock=lambda: self.world.now)
        return self.claims_

    def tick(self) -> None:
        """Look, and work if it is time."""
        world = self.world
        if self.dead:
            if world.now < self.back:
                return
            self.start()
        try:
            with world.played_by(self):
                self._look()
                trigger = due(self.clock, world.now, RULES, name=self.home.parent.name)
                if trigger is not None:
                    self._cycle(trigger)
        except DiedError:
            self._end()
        except SkillClawError as error:
            self._failed(error)

    def _look(self) -> None:
        look = self.looker.look()
        changed = look.seq != self.seq
        self._note(looked=True, waiting=look.waiting, changed=changed)

    def _cycle(self, trigger: str) -> None:
        world = self.world
        self.claim = self.claims.take(JOB, TTL)
        if self.claim is None:
            return
        if world.holder is not None and world.holder is not self and world.holder.cycling:
            world.seen.taken_over += 1
            world.holder.lost = True
        world.holder, self.cycling, self.lost = self, True, False
        world.seen.triggers[trigger] += 1
        try:
            done = group_cycle.group_cycle(self.machine, find(self.machine, "team").hub, claim=self.claim)
        except LostClaimError:
            world.seen.cycles["lost"] += 1
            self._release()
            self._note(unfinished=True, since=world.now)
            return
        except SkillClawError:
            world.seen.cycles["failed"] += 1
            self._release()
            raise
        world.seen.cycles["done, though lost" if self.lost else "done"] += 1
        self._release()
        world.seen.degraded += any("took over" in note for note in done.report.notes)
        self.looker.taken()
        self.seq = find(self.machine, "team").state.seq
        self._note(unfinished=False, since=world.now, failures=0, waiting=0, changed=False)

    def _release(self) -> None:
        self.cycling = self.lost = False
        if self.claim is not None:
            if self.world.holder is self:
                self.world.holder = None
            self.claim.release()
            self.claim = None

    def _failed(self, error: SkillClawError) -> None:
        self._note(
            failures=self.clock.failures + 1,
            failed=self.world.now,
            retry="soon" if isinstance(error, StorageError) else "slowly",
            unfinished=True,
        )

    def _end(self) -> None:
        """What the system does with a process that is gone: its locks go, and nothing else."""
        self.world.seen.cycles["died"] += self.cycling
        self.dead, self.cycling, self.lost = True, False, False
        if self.claim is not None:
            self.claim.let_go()
        self.back = self.world.now + self.world.random.uniform(0.2, 30) * HOUR

    def _note(self, **facts: Any) -> None:
        import msgspec

        self.clock = msgspec.structs.replace(self.clock, **facts)

    def stored(self) -> int:
        """Sessions that it counts."""
        group = find(self.machine, "team").hub.info.group
        store = SessionStore(collecting.group_folder(self.machine, group))
        try:
            return len(list(store.rows()))
        finally:
            store.close()


@contextmanager
def patch_store(world: Month) -> Iterator[None]:
    """Every hub's storage goes through the world's hands."""

    class Rough(Store):
        def get(self, key: str, limit: int) -> bytes | None:
            return world.through("get", key, lambda: Store.get(self, key, limit))

        def put(self, key: str, data: bytes) -> None:
            world.through("put", key, lambda: Store.put(self, key, data))

        def create(self, key: str, data: bytes) -> bool:
            return world.through("create", key, lambda: Store.create(self, key, data))

        def list(self, prefix: str, after: str | None = None, *, most: int | None = None) -> list[str]:
            return world.through("list", prefix, lambda: Store.list(self, prefix, after, most=most))

        def delete(self, key: str) -> None:
            world.through("delete", key, lambda: Store.delete(self, key))

    with patch("skillclaw.hub.hub.Store", Rough):
        yield


@contextmanager
def patch_clocks(world: Month) -> Iterator[None]:
    """The wall clock of the modules that look at it is the simulation's."""

    class Clock(_real_datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return world.wall()

    with (
        patch.object(group_cycle, "datetime", Clock),
        patch.object(collecting, "datetime", Clock),
        patch("skillclaw.hub.hub.datetime", Clock),
        patch("skillclaw.hub.claims.datetime", Clock),
    ):
        yield
