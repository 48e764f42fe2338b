"""The interval of a proportion. Apart from `statistics`, so that pages need not load scipy for it."""

from __future__ import annotations

import math

__all__ = ["Z95", "wilson"]

Z95 = 1.959963984540054
"""The normal quantile of a 95% interval."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a proportion; (0, 1) when nothing was seen."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + Z95**2 / (2 * n)
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    scale = 1 + Z95**2 / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
