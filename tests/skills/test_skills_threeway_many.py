"""Merging texts of many equal lines: the time that it takes, and what comes of it."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.skills import threeway
from skillclaw.skills.threeway import merge_lines


def test_thousands_of_equal_lines_do_not_hold_up_the_sync() -> None:
    """Such as `},` in data; each poll tries the merge anew while a copy is edited."""
    base = ["},\n"] * 19_000
    mine = ["mine\n", *base, "end\n"]
    theirs = [*base[:9_000], "theirs\n", *base[9_000:]]
    began = time.monotonic()
    merged, conflicts = merge_lines(base, mine, theirs)
    assert time.monotonic() - began < 5
    assert conflicts or {"mine\n", "theirs\n", "end\n"} <= set(merged)


def test_changes_in_two_places_of_a_long_text_still_merge() -> None:
    base = [f"{n}\n" for n in range(5_000)]
    mine = ["mine\n", *base[1:]]
    theirs = [*base[:-1], "theirs\n"]
    assert merge_lines(base, mine, theirs) == (["mine\n", *base[1:-1], "theirs\n"], [])


lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=12)


@given(base=lines, changed=lines, most=st.sampled_from([0, 3, 1_000_000]))
def test_one_side_alone_is_taken_whole_however_little_is_looked_into(
    base: list[str], changed: list[str], most: int
) -> None:
    before, threeway.MOST_PAIRS = threeway.MOST_PAIRS, most
    try:
        assert merge_lines(base, base, changed) == (changed, [])
        assert merge_lines(base, changed, base) == (changed, [])
        assert merge_lines(base, changed, changed) == (changed, [])
    finally:
        threeway.MOST_PAIRS = before
