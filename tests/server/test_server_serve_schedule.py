"""When a cycle of a group is due: no clock that jumps, nobody starved, nothing tried too often."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.server.serving import notes
from skillclaw.server.serving.schedule import (
    DAY,
    FIRST,
    LONGEST,
    GroupClock,
    Rules,
    Work,
    due,
    look_every,
    next_in,
    pause_after,
    ripe,
)

RULES = Rules(interval=3600.0, sessions=50)
times = st.floats(0, 1e7)
clocks = st.builds(
    GroupClock,
    since=times,
    looked=st.booleans(),
    waiting=st.integers(0, 200),
    changed=st.booleans(),
    unfinished=st.booleans(),
    first=st.booleans(),
    demanded=st.booleans(),
    failures=st.integers(0, 40),
    failed=times,
    retry=st.sampled_from(["soon", "slowly"]),
    busy=st.booleans(),
    paused=st.booleans(),
)
rules = st.builds(Rules, interval=st.floats(1, 1e6), sessions=st.integers(0, 100))


def seen(**more: Any) -> GroupClock:
    """A group that was looked at, whose last cycle ended at 0."""
    return GroupClock(**{"since": 0.0, "looked": True, **more})


def test_new_sessions_wait_for_the_interval_and_many_do_not() -> None:
    assert due(seen(waiting=49), 3599, RULES) is None
    assert due(seen(waiting=49), 3600, RULES) == "interval"
    assert due(seen(waiting=50), 0, RULES) == "sessions"
    assert due(seen(waiting=5000), 0, Rules(interval=3600, sessions=0)) is None


def test_where_nothing_is_new_a_cycle_comes_once_a_day() -> None:
    assert due(seen(), DAY - 1, RULES) is None
    assert due(seen(), DAY, RULES) == "interval"
    assert due(seen(changed=True), 3600, RULES) == "interval"


def test_what_was_cut_off_goes_on_at_once_and_what_came_while_the_server_was_away_too() -> None:
    assert due(seen(unfinished=True), 0, RULES) == "catch-up"
    assert due(seen(first=True), 0, RULES) is None
    assert due(seen(first=True, waiting=1), 0, RULES) == "catch-up"
    assert due(seen(first=True, changed=True), 0, RULES) == "catch-up"


def test_failures_are_tried_again_later_and_later() -> None:
    after = [pause_after(n, "soon") for n in range(1, 12)]
    assert after == sorted(after) and FIRST * 0.75 <= after[0] <= FIRST
    assert LONGEST * 0.75 <= after[-1] <= LONGEST
    # what somebody must mend is not tried again and again
    assert pause_after(1, "slowly") >= LONGEST * 0.75
    failed = seen(waiting=99, unfinished=True, failures=1, failed=100.0)
    assert due(failed, 101, RULES, name="a") is None
    assert due(failed, 100 + FIRST, RULES, name="a") == "catch-up"


@given(clocks, times, rules)
def test_one_cycle_at_a_time_and_people_come_first(clock: GroupClock, now: float, rules: Rules) -> None:
    found = due(clock, now, rules, name="x")
    if clock.busy:
        assert found is None
    elif clock.demanded:
        assert found == "demand"
    elif clock.paused or not clock.looked:
        assert found is None


@given(clocks, st.integers(0, 10**6), st.integers(-(10**6), 10**6), rules)
def test_only_differences_of_the_clock_count(clock: GroupClock, now: int, shift: int, rules: Rules) -> None:
    moved = GroupClock(
        **{name: getattr(clock, name) for name in clock.__struct_fields__ if name not in ("since", "failed")},
        since=float(round(clock.since) + shift),
        failed=float(round(clock.failed) + shift),
    )
    still = GroupClock(
        **{name: getattr(clock, name) for name in clock.__struct_fields__ if name not in ("since", "failed")},
        since=float(round(clock.since)),
        failed=float(round(clock.failed)),
    )
    rules = Rules(interval=float(round(rules.interval)), sessions=rules.sessions)
    assert due(moved, now + shift, rules) == due(still, now, rules)


@given(clocks, times, rules)
def test_what_is_told_of_the_next_cycle_comes_true(clock: GroupClock, now: float, rules: Rules) -> None:
    left = next_in(clock, now, rules, name="x")
    if left is None:
        assert clock.busy or clock.paused or not clock.looked
    else:
        assert due(clock, now + left + 0.01, rules, name="x") is not None
        if left > 0.01 and not clock.demanded:
            assert due(clock, now + left - 0.01, rules, name="x") is None


@given(st.lists(st.builds(Work, group=st.sampled_from("abc"), trigger=st.sampled_from(["demand", "interval"]),
                          since=times), max_size=8))  # fmt: skip
def test_who_waits_longest_is_next(works: list[Work]) -> None:
    order = ripe(works)
    asked = [work for work in order if work.trigger == "demand"]
    assert order[: len(asked)] == asked and sorted(works, key=repr) == sorted(order, key=repr)
    others = [work.since for work in order[len(asked) :]]
    assert others == sorted(others)


@given(rules)
def test_hubs_are_looked_at_often_enough_and_not_more(rules: Rules) -> None:
    assert 0.5 <= look_every(rules) <= 60
    assert look_every(rules) <= max(0.5, rules.interval)


@given(st.integers(0, 10**17), st.lists(st.text()), st.booleans())
def test_a_note_for_other_servers_is_read_as_it_was_written(seq: int, names: list[str], missed: bool) -> None:
    done = notes.Done(seq=seq, names=notes.digest(names), missed=missed)
    assert notes.read(notes.text(done)) == done and len(notes.text(done)) <= 200
    assert notes.digest(reversed(names)) == notes.digest([*names, *names])


@given(st.text() | st.from_regex(r"done [0-9]{0,20} [0-9a-f]{30,34}( missed)?"))
def test_any_other_note_says_nothing(note: str) -> None:
    found = notes.read(note)
    assert found is None or notes.text(found) == note
