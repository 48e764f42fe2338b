"""The server, its groups and their cycles as the API tells them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from skillclaw.server.api.models.base import Action, Given, Interval, Reason, Stage

__all__ = [
    "Asked",
    "Budget",
    "Cycle",
    "CycleReport",
    "Effect",
    "Forecast",
    "Group",
    "Health",
    "Judged",
    "Pattern",
    "Paused",
    "Released",
    "SetAside",
    "Spent",
    "StageSpent",
    "Started",
    "Status",
]


class StageSpent(BaseModel):
    """What a stage of an engine used."""

    stage: str
    calls: int
    tokens_in: int
    tokens_out: int
    usd: float
    recorded: int


class Spent(BaseModel):
    """What models cost; answers that were recorded cost nothing."""

    tokens: int
    calls: int
    usd: float
    recorded: int
    stages: list[StageSpent]


class Cycle(BaseModel):
    """One cycle of one group in a line."""

    id: str
    group: str = Field(description="The group's id.")
    hub: str = Field(description="What the server calls the group's hub.")
    trigger: Literal["interval", "sessions", "demand", "catch-up"]
    started: str = Field(description="UTC, for people.")
    seconds: float = Field(description="Wall time that it took, or has taken.")
    outcome: Literal["running", "done", "failed", "lost", "stopped"]
    stage: str = Field(description="Where it is, or was when it ended.")
    done: int = Field(description="How far in the stage.")
    total: int = Field(description="Of how many; 0: not known.")
    engine: str
    dry_run: bool
    sessions: int = Field(description="Sessions that count as evidence.")
    new: int = Field(description="Sessions that this cycle took in.")
    patterns: int
    proposals: int
    verdicts: dict[str, int] = Field(description="Proposals of this cycle by verdict.")
    released: int
    spent: Spent
    aside: dict[str, int] = Field(description="Sessions set aside: reason to how many.")
    refused: dict[str, int] = Field(description="Objects that do not count: reason to how many.")
    forecast: float | None = Field(description="Of a dry run: dollars at most; null: no price is known.")
    error: str
    degraded: str = Field(description="Why the extractive engine took over; empty: it did not.")


class Group(BaseModel):
    """How a group stands."""

    group: str = Field(description="The group's id.")
    hub: str = Field(description="What the server calls its hub; the name in paths.")
    state: Literal["idle", "waiting", "running", "paused", "failing", "elsewhere"]
    sessions_waiting: int = Field(description="Sealed sessions that no cycle took in, at the last look.")
    last: Cycle | None
    next_in: float | None = Field(description="Seconds until the next cycle at the latest.")
    failures: int = Field(description="Cycles and looks in a row that failed.")
    error: str
    degraded: str
    holder: str = Field(description="Of `elsewhere`: how the other server's public key begins.")


class Budget(BaseModel):
    """What models cost today (UTC), and the caps of a day and of a cycle; 0 is no cap."""

    day: str
    tokens: int
    calls: int
    usd: float
    day_tokens: int
    day_calls: int
    day_usd: float
    cycle_tokens: int
    cycle_calls: int
    cycle_usd: float


class Status(BaseModel):
    """How the server stands."""

    version: str
    pid: int
    started: str
    state: Literal["running", "stopping", "stopped"]
    alive: float = Field(description="Seconds since the scheduler last looked at the clock.")
    paused: bool
    groups: dict[str, int] = Field(description="How many are in which state.")
    running: int
    parallel: int
    engine: str
    model: str
    budget: Budget | None
    error: str


class Asked(Given):
    """The cycle that is asked for."""

    engine: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] | None = Field(
        default=None, description="The evolver; null: that of the settings."
    )
    dry_run: bool = Field(default=False, description="Change nothing; say what would be and would cost.")


class Started(BaseModel):
    """A cycle that will begin as soon as there is room for it."""

    id: str
    hub: str


class Released(BaseModel):
    """A version that a cycle made available."""

    skill: str
    version: str
    stage: Stage


class Judged(BaseModel):
    """A proposal of a cycle with what the gate said."""

    id: str
    skill: str
    action: Action
    verdict: str
    reasons: list[Reason]
    patterns: list[str]
    dropped: int = Field(description="Lines that the gate left out.")
    known: bool = Field(description="Decided by an earlier cycle.")


class SetAside(BaseModel):
    """What could not be read or mined, and why."""

    what: str
    reason: str


class Forecast(BaseModel):
    """What a stage would cost at most."""

    stage: str
    calls: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    recorded: int


class Effect(BaseModel):
    """Success in sessions that read a version against the same tasks without it; null: not measured."""

    skill: str
    version: str | None = None
    with_n: int = 0
    with_success: int = 0
    without_n: int = 0
    without_success: int = 0
    odds_ratio: float | None = None
    ci: Interval | None = None


class CycleReport(BaseModel):
    """A cycle, and, once it is over, what it found and did."""

    cycle: Cycle
    sessions: int = 0
    episodes: int = 0
    units: int = 0
    remade: int = 0
    proposals: list[Judged] = []
    released: list[Released] = []
    stages: dict[str, float] = Field(default={}, description="Seconds by stage.")
    set_aside: list[SetAside] = []
    effects: list[Effect] = []
    notes: list[str] = []
    model: str = ""
    forecast: list[Forecast] = []
    whole: bool = Field(default=False, description="Whether its report is (still) kept.")


class Pattern(BaseModel):
    """A pattern of a group's last cycle."""

    id: str
    kind: Literal["recovery", "correction", "procedure", "pitfall"]
    title: str
    topic: str
    sessions: int
    users: int
    agents: list[str]
    odds_ratio: float | None = Field(description="Null: not measured.")
    ci: Interval | None
    q: float | None = Field(description="False discovery rate.")
    value: float | None = Field(description="Tool calls lost per 100 sessions without its advice.")
    stale: list[str] = Field(description="What has changed in the environment since the last evidence.")


class Paused(BaseModel):
    """Whether cycles are paused: of one group, or with `hub` null of all."""

    hub: str | None
    paused: bool


class Health(BaseModel):
    """Whether the server can do its work; `checks` says what cannot, to who has the token."""

    ready: bool
    checks: dict[str, str] = Field(default={}, description="By name: empty where it is well, else why not.")
