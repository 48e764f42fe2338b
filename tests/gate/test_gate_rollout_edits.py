"""What people's edits of their copies say of a canary at its time-out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from skillclaw.gate.rollout import Decision, Observation, Rules, decide

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


def seen(people: int, edited: int, *, control: int = 0, success: bool = True) -> list[Observation]:
    """One session of each with it; `control` others have sessions without it alone."""
    return [
        Observation(
            client=f"c{n}",
            user=f"u{n}",
            day="2026-03-03",
            session=f"{n}",
            treated=n < people,
            success=success,
            edited=n < edited or n >= people,
        )
        for n in range(people + control)
    ]


def decided(found: list[Observation], days: float = 28) -> Decision:
    return decide(found, released=BEGAN, now=BEGAN + timedelta(days=days), rules=Rules())


@pytest.mark.parametrize(
    ("people", "edited", "action"),
    [(5, 0, "unproven"), (5, 1, "unproven"), (5, 2, "rollback"), (35, 7, "unproven"), (35, 8, "rollback")],
)
def test_more_than_a_fifth_of_those_who_had_it_speak_against_it(
    people: int, edited: int, action: str
) -> None:
    found = decided(seen(people, edited, control=3))
    assert found.action == action
    told = f"{edited} of {people} people who had it changed their copy"
    assert (told in found.why) == (edited > 0)
    assert len(found.why) <= 500


def test_before_the_time_out_edits_decide_nothing() -> None:
    assert decided(seen(5, 5), 27.9).action == "wait"


def test_nobody_who_had_it_is_no_share_of_anybody() -> None:
    found = decided(seen(0, 0, control=4))
    assert found.action == "unproven" and "changed" not in found.why
