"""How many people a decision does without, so that nobody alone makes it, or prevents it. Pure."""

from __future__ import annotations

import math

__all__ = ["FEW", "left_out"]

FEW = 3
"""People up to whom there is no honest majority left when one is left out at either end: then what harms goes
at anybody's word, and nothing stays at one person's."""


def left_out(people: int, share: float) -> int:
    """How many of so many people are left out at either end: that share of them, one at least; 0 for none."""
    return max(1, math.floor(share * people + 1e-9)) if share else 0
