"""What is decided of a canary, in words for the user: one or two short sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from skillclaw.gate.rollout.records import Observation
from skillclaw.gate.rollout.rules import Rules
from skillclaw.skills.records import Effect

__all__ = [
    "Harm",
    "alone",
    "changed",
    "harmed",
    "helped",
    "measured",
    "not_enough",
    "not_told",
    "one_sided",
    "success_open",
    "timed_out",
]

Harm = Literal["evidence", "guard", "end"]
"""Why a canary goes: it is proven to harm; a large harm could not be excluded; harm is likely at the end."""


def measured(effect: Effect) -> str:
    """`success 52% with it, 71% without, in 120 sessions of 6 clients`."""
    if effect.treated_rate is None or effect.control_rate is None:
        return "not measured"
    what = "the failure that it is about" if effect.endpoint == "event" else "success"
    return (
        f"{what} {effect.treated_rate:.0%} with it, {effect.control_rate:.0%} without, in "
        f"{effect.treated_n + effect.control_n} sessions of {_some(effect.clients, 'client')}"
    )


def harmed(why: Harm, effect: Effect) -> str:
    """Why it is rolled back."""
    said = measured(effect)
    if why == "evidence":
        return f"It harms: {said}{_range(effect)}."
    if why == "end":
        return f"Time is over and it rather harms: {said}."
    return f"It is worse so far, and a large harm cannot be excluded: {said}."


def alone(speaking: int, people: int, what: str, others: str) -> str:
    """That few speak for or against it, and what the others' sessions do."""
    return f" The sessions of {speaking} of {people} people alone speak {what}; {others}."


def helped(effect: Effect) -> str:
    """Why it is promoted."""
    return f"It helps: {measured(effect)}{_range(effect)}."


def not_enough(sessions: int, people: int, rules: Rules) -> str:
    """What is missing before anything can be said."""
    return (
        f"Not enough data yet: {sessions} of {rules.sessions} eligible sessions, {people} of "
        f"{rules.users} {'person' if rules.users == 1 else 'people'}."
    )


def one_sided(sessions: Sequence[Observation]) -> str:
    """All sessions are of one arm."""
    there = "with it" if sessions and sessions[0].treated else "without it"
    return f"Not enough data yet: all {len(sessions)} eligible sessions are {there}; nothing can be compared."


def not_told(effect: Effect, days: float, rules: Rules) -> str:
    """Something was measured, but neither help nor harm is certain."""
    left = max(1, round(rules.timeout - days))
    return f"Not certain yet: {measured(effect)}{_range(effect)}. {_some(left, 'day')} left."


def success_open(effect: Effect, days: float, rules: Rules) -> str:
    """It helps against its failure, but success may yet have fallen."""
    left = max(1, round(rules.timeout - days))
    return (
        f"It helps ({measured(effect)}), but it is not certain yet that success does not fall. "
        f"{_some(left, 'day')} left."
    )


def timed_out(effect: Effect | None, rules: Rules, edited: int, had: int) -> str:
    """Time is over without evidence of harm; `edited` of the `had` people who had it changed their copy."""
    told = f" {_edited(edited, had)}." if edited else ""
    return (
        f"No evidence of harm in {rules.timeout:.0f} days, and none that it helps: {_or_not(effect)}.{told}"
    )


def changed(effect: Effect | None, rules: Rules, edited: int, had: int) -> str:
    """Time is over, and so many did not leave it as it is that little could be measured."""
    return (
        f"Time is over, and {_edited(edited, had)}; up to then: {_or_not(effect)}. "
        f"More than {rules.edits:.0%} is taken as a sign that it does not serve."
    )


def _edited(edited: int, had: int) -> str:
    return f"{edited} of {had} {'person' if had == 1 else 'people'} who had it changed their copy"


def _or_not(effect: Effect | None) -> str:
    return "not measured, since nothing could be compared" if effect is None else measured(effect)


def _range(effect: Effect) -> str:
    if effect.ci is None:
        return ""
    low, high = (round(100 * end) for end in effect.ci)
    return f" (difference {low:+d} to {high:+d} points)"


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
