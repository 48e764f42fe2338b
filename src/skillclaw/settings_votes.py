"""The settings of this machine's votes, `gate.votes.*` (docs/gate.md)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from skillclaw.settings_evolve import Amount, Money, Positive, Section

__all__ = ["VotesSettings"]

Hours = Annotated[
    str,
    Meta(
        pattern=r"^(?:(?:[01]?\d|2[0-4])-(?:[01]?\d|2[0-4]))?$",
        description="hours of the day from 0 to 24, such as 22-7; empty for all",
    ),
]


class VotesSettings(Section, frozen=True, kw_only=True):
    """`gate.votes.*`: whether this machine tries groups' changes on its own sessions while nobody works here.

    `enabled` by you alone; `idle` seconds since an agent did anything here; `hours` of the day (local time)
    in which it may, as `22-7`, empty for all; `cases` sessions that one change is tried on at most. What may
    be spent a day (UTC) on all groups, 0 for no limit: `day_jobs`, `day_calls`, `day_tokens`, `day_usd`
    (where the model's price is set). `max_seconds` for one change.
    """

    enabled: bool = False
    idle: Positive = 900.0
    hours: Hours = ""
    cases: Annotated[int, Meta(ge=1, le=100)] = 5
    day_jobs: Amount = 5
    day_calls: Amount = 200
    day_tokens: Amount = 400_000
    day_usd: Money = 1.0
    max_seconds: Positive = 1800.0
