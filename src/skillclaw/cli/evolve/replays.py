"""How a replay is shown: a line for each case, and what it cost; and the tasks that come with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillclaw.evolve.replay.cases import TaskSource
    from skillclaw.gate.replay.records import ReplayResult

__all__ = ["packaged_tasks", "tell_replay"]


def packaged_tasks() -> Sequence[TaskSource]:
    """The suites' tasks, which graded sessions may name (`server.work.Tasks`); loaded when needed."""
    from skillclaw.bench.replay_tasks import packaged

    return packaged()


def tell_replay(result: ReplayResult) -> None:
    """Print the cases with the mean scores of both sides, then what was missing and spent."""
    from skillclaw.gate.replay.deciding import NOT_NAMED, by_the_way, outcome

    if result.scores:
        output.table(
            ("case", "kind", "without", "with", "repeats", "ended"),
            [
                (one.case[:8], one.kind, _mean(one.before), _mean(one.after), len(one.after), outcome(one))
                for one in result.scores
            ],
        )
    beside = sum(by_the_way(one) for one in result.scores)
    if beside:
        output.plain(f"In {beside} of the ties {NOT_NAMED}.")
    cost = result.cost
    usd = "" if cost.usd is None else f", ${cost.usd:.4f}"
    by = f" by {result.model}" if result.model else ""
    output.plain(
        f"{len(result.scores)} cases replayed{by}: "
        f"{cost.calls} calls, {cost.tokens:,} tokens{usd}, {cost.seconds:.0f} s."
    )
    if result.missing:
        output.plain(result.missing)


def _mean(scores: list[float | None]) -> str:
    known = [one for one in scores if one is not None]
    return f"{sum(known) / len(known):.2f}" if known else "-"
