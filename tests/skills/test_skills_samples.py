"""Made-up dates and times: each in the writing of a value, and nothing of the value in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.skills.samples import is_sample, sample_of, samples_in
from skillclaw.trajectory.shapes import value_form


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        ("2023-11-30", "2001-01-31"),
        ("2023-11-30 13:37", "2001-01-31 09:00"),
        ("2023-11-30 13:37:59", "2001-01-31 09:00:00"),
        ("2023-11-30T13:37:59", "2001-01-31T09:00:00"),
        ("2023-11-30T13:37:59.123456Z", "2001-01-31T09:00:00.000000Z"),
        ("2023-11-30T13:37+05:30", "2001-01-31T09:00+00:00"),
        ("2023-11-30T13:37:59-0700", "2001-01-31T09:00:00+0000"),
        ("30.11.2023", ""),
        ("9999-99-99", ""),
        ("٢٠٢٣-١١-٣٠", ""),
        ("2023-11-30 13", ""),
        ("from 2023-11-30", ""),
        ("", ""),
    ],
)
def test_a_sample_has_the_writing_and_another_day(value: str, sample: str) -> None:
    assert sample_of(value) == sample
    assert is_sample(value) is False
    assert not sample or is_sample(sample)


ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
TIMES = st.datetimes(min_value=datetime(1000, 1, 1), timezones=ZONES)  # noqa: DTZ001 - hypothesis wants it so
WRITINGS = st.tuples(TIMES, st.sampled_from("T "), st.sampled_from(["minutes", "seconds", "microseconds"]))


@given(WRITINGS)
def test_a_sample_is_of_the_same_form_and_tells_nothing_of_the_time(
    writing: tuple[datetime, str, str],
) -> None:
    moment, between, precision = writing
    value = moment.isoformat(between, precision)
    sample = sample_of(value)
    assert is_sample(sample)
    assert value_form(sample) == value_form(value) == "datetime"
    assert len(sample) == len(value)
    elsewhere = moment.replace(year=1999, month=3, day=4, hour=1, minute=2, second=3, microsecond=4)
    assert sample_of(elsewhere.isoformat(between, precision)) == sample
    assert samples_in(f"since={value}, and so on") == {sample}


@given(st.text())
def test_whatever_has_a_sample_is_a_date_or_a_time_by_its_form(text: str) -> None:
    assert not sample_of(text) or value_form(text) in ("date", "datetime")
    assert all(is_sample(sample) for sample in samples_in(text))


@pytest.mark.parametrize(
    "text",
    ["build-2023-11-30", "2023-11-30-rc1", "a/2023-11-30/b", "v2023-11-30", "2023-11-30.log", "x:2023-11-30"],
)
def test_a_part_of_a_longer_word_is_no_date(text: str) -> None:
    assert samples_in(text) == frozenset()
