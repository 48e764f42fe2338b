"""How many inputs a property of the tests is given; `make fuzz` gives each of them many more."""

from __future__ import annotations

import os

__all__ = ["MADE", "USUAL", "examples"]

USUAL = 40
MADE = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
"""For a property that says no number."""


def examples(own: int, costs: int = 1) -> int:
    """What a property whose own number is `own` gets: at least that many, and `MADE` where that is more.

    One with less than the usual is dear, and its share of `MADE` is as much less; `costs` says how many times
    as dear as others one is that has its full number all the same.
    """
    return max(own, MADE * min(own, USUAL) // (USUAL * costs))
