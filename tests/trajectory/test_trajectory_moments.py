"""A time that others wrote is one that everybody can convert and compare, or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.moments import moment_of, utc_text

ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(timezones=ZONES)


@given(TIMES.map(datetime.isoformat) | st.text(max_size=40) | st.none())
def test_any_text_is_a_moment_with_room_on_both_sides_or_none(text: str | None) -> None:
    moment = moment_of(text)
    if moment is not None:
        assert moment.tzinfo is UTC and 1970 <= moment.year < 9999
        for there in (timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))):
            assert (moment + timedelta(days=300)).astimezone(there) > moment
        assert moment_of(utc_text(moment)) == moment.replace(microsecond=0)


@given(TIMES, TIMES)
def test_texts_compare_as_their_moments_do(one: datetime, other: datetime) -> None:
    first, second = moment_of(one.isoformat()), moment_of(other.isoformat())
    if first is not None and second is not None and abs(first - second) >= timedelta(seconds=1):
        assert (utc_text(first) < utc_text(second)) == (first < second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00.750+02:00", "2026-11-20T08:00:00Z"),
        ("2026-11-20T10:00:00", "2026-11-20T10:00:00Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("0999-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-05:00", None),
        ("2026-13-45T99:99:99Z", None),
        ("", None),
    ],
)
def test_moments(text: str, expected: str | None) -> None:
    moment = moment_of(text)
    assert (utc_text(moment) if moment is not None else None) == expected
