"""What one setting needs of another, said before somebody wonders why nothing is ever tried. Pure."""

from __future__ import annotations

from skillclaw.settings_evolve import BudgetSettings
from skillclaw.settings_gate import ReplaySettings

__all__ = ["replay_needs", "replay_short"]

CASES = 3
"""Cases under which a replay says nothing (`gate.replay.deciding.LEAST_CASES`)."""
SIDES = 2
"""Each case is tried with the change and without it."""
CALLS = {"decision": 2, "executable": 4}
"""Calls of one side of one repeat: a decision may be asked about twice, an agent's run is counted as four
(`evolve.replay`)."""


def replay_needs(settings: ReplaySettings) -> int:
    """Calls that trying one proposal on as few cases as count may take; 0 where nothing is tried.

    With `both`, decisions get half of `max_calls`, so it is twice what the dearer kind takes.
    """
    if settings.mode == "off":
        return 0
    per_call = 2 * CALLS["executable"] if settings.mode == "both" else CALLS[settings.mode]
    return CASES * SIDES * settings.repeats * per_call


def replay_short(settings: ReplaySettings, budget: BudgetSettings) -> str:
    """Which limits on calls leave no room for a replay, and what to set; empty where none does.

    What a budget ends in the middle is begun anew by the next cycle where agents run, so that a budget below
    `max_calls` may never get to the end of it; answers to decisions are kept.
    """
    need = replay_needs(settings)
    whole = need if settings.mode == "decision" else max(need, settings.max_calls)
    limits = (
        ("gate.replay.max_calls", settings.max_calls, need),
        ("evolve.budget.calls", budget.calls, whole),
        ("evolve.budget.day_calls", budget.day_calls, whole),
    )
    short = [(name, now) for name, now, least in limits if need and 0 < now < least]
    if not short:
        return ""
    told = " and ".join(f"{name} is {now}" for name, now in short)
    enough = max(2 * need, settings.max_calls)
    todo = "; ".join(f"skillclaw config set {name} {enough}" for name, _ in short)
    return (
        f"Trying one change with gate.replay.mode {settings.mode} may take {need} calls for {CASES} cases, "
        f"the fewest that count, and up to gate.replay.max_calls; but {told}. "
        f"So that it can come to an end: {todo}"
    )
