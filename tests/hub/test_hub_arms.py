"""Who has a canary, and when: drawn by lot, the same for all who compute it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.hub.arms import block, treated

DAYS = [f"2026-11-{day:02d}" for day in range(1, 31)]


def test_a_block_is_a_day_of_utc() -> None:
    late = datetime(2026, 11, 27, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert block(late) == "2026-11-28"
    assert block(datetime(2026, 11, 27, 23, 59, tzinfo=UTC)) == "2026-11-27"


def test_each_client_is_in_both_arms_about_half_the_time() -> None:
    clients = [f"{n:064x}" for n in range(100)]
    had = [sum(treated(client, "tidy", "v", day, 0.5) for day in DAYS) for client in clients]
    assert min(had) > 0 and max(had) < len(DAYS)
    assert 0.46 < sum(had) / (len(DAYS) * len(clients)) < 0.54
    assert len({tuple(treated(client, "tidy", "v", day, 0.5) for day in DAYS) for client in clients}) == 100


@given(client=st.text(), skill=st.text(), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_only_adds_blocks(client: str, skill: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert not treated(client, skill, "v", DAYS[0], low) or treated(client, skill, "v", DAYS[0], high)
    assert treated(client, skill, "v", DAYS[0], 1.0)
    assert not treated(client, skill, "v", DAYS[0], 0.0)
