"""What a run of the bench works with: its folder, plan and data, the model, and how fast that one is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from skillclaw.bench.replay.lessons import Lessons
from skillclaw.bench.replay.runs import RememberedRunner
from skillclaw.bench.workbench import REPORT
from skillclaw.errors import BadInputError, StorageError
from skillclaw.evolve.models import Ledger, open_models
from skillclaw.evolve.replay.executable_agents import minimal_runner
from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.settings import BudgetSettings, EvolveSettings, ModelSettings
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.models.asker import Asker

__all__ = ["LONG", "Desk", "Pace", "Plan", "Progress"]

PLAN, PACE, RUNS = "plan.json", "pace.json", "runs.jsonl"
NO_LIMIT = BudgetSettings(tokens=0, calls=0, usd=0, day_tokens=0, day_calls=0, day_usd=0)
LONG = 10.0**7
"""Seconds: a run ends when it is done, or stopped."""
ANSWERS = 600.0
"""Seconds for one answer of a slow model."""

Progress = Callable[[int, int | None, str], None]


class Plan(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a run is; fixed when it begins.

    cases    wanted of each kind; `screen` trials of the bare model at a candidate, 0: every
             candidate is a case
    held_out numbers of the instances of each template that are cases and teach nothing
    told     the model is told of tools in words, for a server that reads no tool calls
    context  tokens that the model takes; `seconds` that an agent may take for a task
    """

    model: str
    topic: str = "project_management"
    mode: Literal["decision", "executable", "both"] = "decision"
    cases: int = 6
    repeats: int = 5
    screen: int = 3
    held_out: tuple[int, ...] = REPORT
    told: bool = False
    context: int = 8192
    seconds: float = 300.0

    @property
    def decides(self) -> bool:
        """Whether decision points are cases."""
        return self.mode in ("decision", "both")

    @property
    def works(self) -> bool:
        """Whether tasks are."""
        return self.mode in ("executable", "both")


class Pace(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What the decisions that were really asked took so far."""

    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def each(self) -> float | None:
        """Seconds of a call; None while none was made."""
        return self.seconds / self.calls if self.calls else None


class Desk:
    """An open run. Raises BadInputError where the folder holds another one, StorageError, UsageError."""

    def __init__(
        self, folder: Path, plan: Plan, source: Path, *, url: str, key: str, environ: Mapping[str, str]
    ) -> None:
        self.folder, self.plan, self.home = folder, plan, folder / "home"
        self._prepare()
        self.lessons = Lessons(source, plan.held_out)
        self.ledger = Ledger(NO_LIMIT)
        self.model = ModelSettings(
            name=plan.model,
            url=url,
            key=key,
            context=plan.context,
            timeout=ANSWERS,
            tools="prompt" if plan.told else "native",
        )
        self.context = GateContext(
            policy=policy("strict"),
            redactor=Redactor(b"skillclaw bench replay".ljust(32), home=Path("/home/user"), user_names=()),
            sessions=self.lessons.session,
        )
        self.runner: RememberedRunner | None = None
        self.asker: Asker | None = None
        if plan.works:
            self.runner = RememberedRunner(minimal_runner(self.model, environ), folder / RUNS)
        if plan.decides:
            settings = EvolveSettings(model=self.model, budget=NO_LIMIT)
            self.asker = open_models(settings, home=self.home, environ=environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.asker is not None:
            self.asker.close()

    def _prepare(self) -> None:
        path = self.folder / PLAN
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.write_bytes(msgspec.json.format(msgspec.json.encode(self.plan), indent=1))
            known = msgspec.json.decode(path.read_bytes(), type=Plan)
            pace = self.folder / PACE
            self.pace = msgspec.json.decode(pace.read_bytes(), type=Pace) if pace.exists() else Pace()
        except (OSError, msgspec.DecodeError) as error:
            raise StorageError(f"Cannot use the run's folder {self.folder}.", str(error)) from error
        differ = [one for one in Plan.__struct_fields__ if getattr(known, one) != getattr(self.plan, one)]
        if differ:
            raise BadInputError(
                f"{self.folder} holds a run with another plan.",
                f"They differ in: {', '.join(differ)}.",
                "Go on with the same options, or start anew in another folder.",
            )

    @contextmanager
    def timed(self) -> Iterator[None]:
        """The decisions asked meanwhile count into the pace; what was recorded took no time."""
        began, before = time.monotonic(), self._asked()
        try:
            yield
        finally:
            calls, tokens = (new - old for new, old in zip(self._asked(), before, strict=True))
            if calls:
                self.pace = Pace(
                    calls=self.pace.calls + calls,
                    tokens=self.pace.tokens + tokens,
                    seconds=round(self.pace.seconds + time.monotonic() - began, 2),
                )
                self._keep()

    def _asked(self) -> tuple[int, int]:
        spent = self.asker.ledger.spent() if self.asker is not None else None
        return (spent.calls, spent.tokens) if spent is not None else (0, 0)

    def _keep(self) -> None:
        try:
            (self.folder / PACE).write_bytes(msgspec.json.encode(self.pace))
        except OSError as error:
            raise StorageError(f"Cannot write to {self.folder}.", str(error), "Free space; go on.") from error
