"""What a running server knows of one group, and what it makes of what looks and cycles tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from skillclaw.server.serving.children import Child
from skillclaw.server.serving.looking import Look, Looker
from skillclaw.server.serving.notes import Done
from skillclaw.server.serving.records import CycleLine, GroupStatus, State
from skillclaw.server.serving.schedule import GroupClock, Retry, Rules, next_in
from skillclaw.server.serving.worker import Result

__all__ = ["Group"]

HELD = 20.0
"""Seconds until a cycle is tried again that another process of this home was found at."""


@dataclass
class Group:
    """One group. Times are of a clock that never jumps; who changes it holds the server's lock.

    seen         a look went well, ever; acts: this machine is its evolver
    named        the settings name it, so it is shown whatever comes
    look_at      when the next look is due; looking: one is under way since `look_began`
    covered      entries of the log at the end of the last cycle; -1: not known
    missed       something is to be done though no session is new: a dry run took them in, the model failed
    cycle        the last one that anybody finished, as the hub says
    held_off     until when no cycle is tried: another process has the claim
    evolvers     keys of all evolvers, at the last look
    queue        cycles that people asked for; line, child: the one that runs
    """

    hub: str
    looker: Looker
    since: float
    named: bool = False
    id: str = ""
    seen: bool = False
    acts: bool = False
    looked: bool = False
    look_at: float = 0.0
    looking: bool = False
    look_began: float = 0.0
    look_failures: int = 0
    look_error: str = ""
    waiting: int = 0
    seq: int = 0
    holder: str = ""
    first: bool = True
    cycle: str = ""
    held_off: float = 0.0
    evolvers: frozenset[str] = frozenset()
    covered: int = -1
    missed: bool = False
    unfinished: bool = False
    failures: int = 0
    failed: float = 0.0
    retry: Retry = "soon"
    error: str = ""
    degraded: str = ""
    queue: list[CycleLine] = field(default_factory=list)
    line: CycleLine | None = None
    child: Child | None = None
    began: float = 0.0

    @property
    def shown(self) -> bool:
        """Whether it is one of this server's groups, as far as is known."""
        return self.named or self.acts or not self.seen

    def remember(self, lines: Sequence[CycleLine]) -> None:
        """Take up what its cycles (the newest first) did before this process began."""
        for line in lines:
            if line.outcome == "done" and not line.dry_run:
                self.covered = line.seq
                self.degraded = line.degraded
                self.missed = self.missed or bool(line.degraded)
                return
            if line.dry_run:
                self.missed = self.missed or line.new > 0
            else:
                self.unfinished = True

    def saw(self, look: Look, now: float) -> None:
        """A look went well."""
        self.id, self.acts, self.seen, self.looked = look.group, look.acts, True, look.acts
        self.look_failures, self.look_error = 0, ""
        self.waiting, self.seq, self.holder = look.waiting, look.seq, look.holder
        self.unfinished = self.unfinished or look.cut_off
        if self.evolvers and look.evolvers - self.evolvers:
            self.unfinished = True  # a cycle here lets the new one read what was sealed before it came
        self.evolvers = look.evolvers
        if look.done is not None and look.cycle != self.cycle:
            self._others(look, look.done, now)
        self.cycle = look.cycle or self.cycle
        if look.acts and not (self.waiting or self.unfinished or self.missed or 0 <= self.covered < self.seq):
            self.first = False  # nothing came while the server was away
        if not look.acts:
            self.look_error = (
                "This machine is not the evolver of that group: no evolver's key that counts lies here. "
                "Ask for one: skillclaw hub key --role evolver"
            )

    def _others(self, look: Look, done: Done, now: float) -> None:
        """A cycle was done, by another server or before this one began: what it did needs no other."""
        self.covered = max(self.covered, done.seq)
        if self.cycle or not self.first:
            self.since, self.first, self.unfinished = now, False, look.cut_off
            self.missed = done.missed
        self.missed = self.missed or done.missed

    def missed_look(self, why: str) -> None:
        """A look failed."""
        self.looked = False
        self.look_failures += 1
        self.look_error = why

    def ended(self, line: CycleLine, result: Result, now: float) -> None:
        """A cycle is over."""
        self.line = self.child = None
        if result.outcome == "done":
            self.failures, self.error = 0, ""
            if line.dry_run:
                self.missed = self.missed or result.new > 0
                return
            self.since, self.first, self.unfinished = now, False, False
            self.covered = result.seq
            self.degraded, self.missed = result.degraded, bool(result.degraded)
        elif result.outcome == "elsewhere" or (result.outcome == "lost" and result.kind == "LostClaimError"):
            # The other server finishes it; where it dies too, its stale claim will tell.
            self.held_off = now + HELD
        elif result.outcome == "stopped":
            self.unfinished = self.unfinished or not line.dry_run
        else:
            self.failures += 1
            self.failed = now
            self.retry = "slowly" if result.slowly else "soon"
            self.error = result.error
            self.unfinished = self.unfinished or not line.dry_run

    def clock(self, now: float, *, paused: bool) -> GroupClock:
        """What the schedule needs to know."""
        return GroupClock(
            since=self.since,
            looked=self.looked,
            waiting=self.waiting,
            changed=self.missed or 0 <= self.covered < self.seq,
            unfinished=self.unfinished,
            first=self.first,
            demanded=bool(self.queue),
            failures=self.failures,
            failed=self.failed,
            retry=self.retry,
            busy=self.line is not None or bool(self.holder) or now < self.held_off,
            paused=paused,
        )

    def status(self, now: float, rules: Rules, last: CycleLine | None, *, paused: bool) -> GroupStatus:
        """How it stands, for people."""
        clock = self.clock(now, paused=paused)
        return GroupStatus(
            group=self.id,
            hub=self.hub,
            state=self._state(clock),
            sessions_waiting=self.waiting,
            last=self.line or last,
            next_in=next_in(clock, now, rules, name=self.hub),
            failures=self.failures + self.look_failures,
            error=self.look_error or self.error,
            degraded=self.degraded,
            holder=self.holder if self.line is None else "",
        )

    def _state(self, clock: GroupClock) -> State:
        if self.line is not None:
            return "running"
        if self.holder:
            return "elsewhere"
        if clock.paused:
            return "paused"
        if self.look_error or self.failures:
            return "failing"
        fresh = self.waiting or self.unfinished or self.missed or self.queue
        return "waiting" if fresh else "idle"
