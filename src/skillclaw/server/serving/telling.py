"""A cycle as its line in the history and in the log, and what models cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from skillclaw.evolve.models.daybook import of_day, today
from skillclaw.server.serving.records import BudgetUse, CycleLine
from skillclaw.server.serving.worker import Result
from skillclaw.settings import Settings

__all__ = ["budget_of", "closed", "facts_of"]


def closed(line: CycleLine, result: Result, seconds: float) -> CycleLine:
    """The line of a cycle that is over."""
    outcome = "failed" if result.outcome == "elsewhere" else result.outcome
    return msgspec.structs.replace(
        line,
        outcome=outcome,
        seconds=round(seconds, 3),
        engine=result.engine or line.engine,
        **{
            name: getattr(result, name)
            for name in (
                *("seq", "sessions", "new", "patterns", "proposals", "verdicts", "released", "spent"),
                *("aside", "refused", "forecast", "error", "degraded"),
            )
        },
    )


def facts_of(line: CycleLine) -> dict[str, Any]:
    """What a log tells of a cycle: names, counts and kinds, no text."""
    facts: dict[str, Any] = {
        "group": line.group,
        "hub": line.hub,
        "cycle": line.id,
        "trigger": line.trigger,
        "stage": line.stage,
    }
    if line.outcome != "running":
        facts |= {
            "outcome": line.outcome,
            "seconds": line.seconds,
            "sessions": line.sessions,
            "new": line.new,
            "patterns": line.patterns,
            "proposals": line.proposals,
            "released": line.released,
            "aside": sum(line.aside.values()),
            "refused": sum(line.refused.values()),
            "tokens": line.spent.tokens,
            "usd": line.spent.usd,
            "degraded": bool(line.degraded),
        }
    return {"facts": facts}


def budget_of(settings: Settings, home: Path) -> BudgetUse:
    """What models cost today, and the caps. StorageError where it cannot be read."""
    day, caps = today(), settings.evolve.budget
    spent = of_day(home, day)
    return BudgetUse(
        day=day,
        tokens=spent.tokens,
        calls=spent.calls,
        usd=spent.usd,
        day_tokens=caps.day_tokens,
        day_calls=caps.day_calls,
        day_usd=caps.day_usd,
        cycle_tokens=caps.tokens,
        cycle_calls=caps.calls,
        cycle_usd=caps.usd,
    )
