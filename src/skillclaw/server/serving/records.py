"""What the evolve server tells of its groups and their cycles. No record here holds the text of a session."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.evolve.models.records import Spending
from skillclaw.trajectory.model import Record

__all__ = [
    "BudgetUse",
    "CycleLine",
    "Event",
    "GroupStatus",
    "Outcome",
    "ServeStatus",
    "State",
    "Trigger",
]

Trigger = Literal["interval", "sessions", "demand", "catch-up"]
"""Why a cycle ran: its time came; enough new sessions; somebody asked; the one before was not finished."""
Outcome = Literal["running", "done", "failed", "lost", "stopped"]
"""lost: its process or its server ended, or another server took its claim; stopped: the server was told to
end. Of both nothing is lost: the next cycle goes on from what was kept."""
State = Literal["idle", "waiting", "running", "paused", "failing", "elsewhere"]
"""idle: nothing is new; waiting: something is, and its time will come; elsewhere: another server is at it."""


class CycleLine(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One cycle of one group in a line.

    group, hub    the group's id, and what this machine calls its hub
    started       time of this machine (UTC), for people; nothing is computed from it
    seconds       of wall time by a clock that never jumps
    stage         where it is, or was when it ended: queued, collect, read, mine, propose, judge
    seq           entries of the group's log when it ended
    done, total   how far in the stage; total 0 where it is not known
    sessions      that count as evidence; new: that this cycle took in
    patterns, proposals, released   how many; verdicts: proposals of this cycle by verdict
    spent         what models cost
    aside, refused  sessions set aside, and objects that do not count: reason -> how many
    forecast      of a dry run: dollars that models would cost at most; None where no price is known
    error         why it failed; degraded: why the extractive engine took over
    """

    id: str
    group: str
    hub: str
    trigger: Trigger
    started: str
    seconds: float = 0.0
    outcome: Outcome = "running"
    stage: str = ""
    done: int = 0
    total: int = 0
    seq: int = 0
    engine: str = ""
    dry_run: bool = False
    sessions: int = 0
    new: int = 0
    patterns: int = 0
    proposals: int = 0
    verdicts: dict[str, int] = {}
    released: int = 0
    spent: Spending = Spending()
    aside: dict[str, int] = {}
    refused: dict[str, int] = {}
    forecast: float | None = None
    error: str = ""
    degraded: str = ""


class GroupStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How a group stands.

    sessions_waiting  sealed sessions that no cycle took in yet, at the last look
    last              its last cycle, or the one that runs
    next_in           seconds until the next cycle at the latest; None while it is paused, runs, or unknown
    failures          cycles and looks in a row that failed; error: the last reason
    degraded          why the last cycle did without its model; empty: it did not
    holder            of `elsewhere`: the beginning of the other server's public key
    """

    group: str
    hub: str
    state: State
    sessions_waiting: int = 0
    last: CycleLine | None = None
    next_in: float | None = None
    failures: int = 0
    error: str = ""
    degraded: str = ""
    holder: str = ""


class BudgetUse(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What models cost today (UTC), and the caps of a day and of a cycle; 0 is no cap."""

    day: str
    tokens: int = 0
    calls: int = 0
    usd: float = 0.0
    day_tokens: int = 0
    day_calls: int = 0
    day_usd: float = 0.0
    cycle_tokens: int = 0
    cycle_calls: int = 0
    cycle_usd: float = 0.0


class ServeStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How the server stands.

    alive     seconds since its scheduler last looked at the clock
    paused    whether all groups are; groups: how many are in which state
    running, parallel  cycles at once: now, and at most
    engine, model  what writes skills, by the settings as they are now
    budget    what models cost; None where it could not be read
    error     what keeps the server from reading its settings or its disk; empty: nothing
    """

    version: str
    pid: int
    started: str
    state: Literal["running", "stopping", "stopped"]
    alive: float
    paused: bool
    groups: dict[str, int]
    running: int
    parallel: int
    engine: str
    model: str
    budget: BudgetUse | None = None
    error: str = ""


class Event(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Something that happened. Ids grow, also over restarts, with gaps. Kinds:

    server  started, stopping; cycle  data is its CycleLine; group  its GroupStatus (a state changed);
    pause   data is {"paused": bool}; group empty: all groups
    """

    id: int
    time: str
    kind: Literal["server", "cycle", "group", "pause"]
    group: str
    data: dict[str, Any]
