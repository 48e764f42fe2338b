"""What all embedders do alike with texts and rows. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["is_blank", "unit_rows"]


def is_blank(text: str) -> bool:
    """Whether there is nothing to embed: APIs refuse empty texts."""
    return not re.search(r"\w", text)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row divided by its length; rows of zeros stay."""
    wide = rows.astype(np.float64)
    # Large values would overflow when squared.
    peak = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    wide = wide / np.where(peak > 0, peak, 1.0)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(length > 0, length, 1.0)).astype(np.float32)
