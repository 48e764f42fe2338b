"""A task for workers, which they import by this name."""

from collections.abc import Sequence


def doubled(batch: Sequence[bytes]) -> list[bytes]:
    """Each item twice."""
    return [item * 2 for item in batch]
