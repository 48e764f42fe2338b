"""How a rule says that an entry of the log does not count."""

from __future__ import annotations

__all__ = ["Void"]


class Void(Exception):  # noqa: N818 - a fact about an entry of the log, not a failure
    """The entry does not count; the message says why, for people."""
