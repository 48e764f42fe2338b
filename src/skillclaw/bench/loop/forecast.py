"""What a run takes, told before it starts and while it goes on."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from skillclaw.bench.loop.plan import Plan, held_out_draws, screen_draws, stream_draws
from skillclaw.bench.loop.results import Attempt, read_results
from skillclaw.bench.suites import Suite

__all__ = ["Forecast", "forecast", "plan_forecast"]


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a run takes: attempts in all and left, seconds for an attempt so far (None: none is done yet), and
    seconds left at that speed."""

    attempts: int
    left: int
    each: float | None
    seconds: float | None

    def text(self) -> str:
        """For people."""
        counts = f"{self.attempts:,} attempts at most, {self.left:,} left"
        if self.each is None or self.seconds is None:
            return f"{counts}. How long one takes is known after the first; start with --minutes 5 to see."
        return f"{counts}; at {self.each:.1f} s each that is {self.seconds / 60:.0f} min."


def plan_forecast(results: Path, plan: Plan, suite: Suite) -> Forecast:
    """What `plan` takes, by the attempts in the file `results` if it is there; nothing is written.

    Raises UsageError for a plan that the suite has too few instances for.
    """
    done = read_results(results)[0] if results.exists() else []
    return forecast(plan, suite, done, plan.templates)


def forecast(plan: Plan, suite: Suite, done: Sequence[Attempt], entered: Sequence[str]) -> Forecast:
    """What `plan` takes where the templates `entered` are measured. Errors as of `plan_forecast`."""
    days = enumerate(held_out_draws(plan, suite, entered), 1)
    measured = sum(len(draws) * len(plan.measured(day)) for day, draws in days)
    worked_on = sum(map(len, stream_draws(plan, suite, entered))) * len(plan.learners)
    total = 2 * len(screen_draws(plan, suite)) + measured + worked_on
    left = max(0, total - len(done))
    each = statistics.fmean(a.seconds for a in done) if done else None
    return Forecast(attempts=total, left=left, each=each, seconds=None if each is None else left * each)
