"""A response while it is read."""

from __future__ import annotations

from skillclaw.wire.records import Item, Usage

__all__ = ["Reply"]


class Reply:
    """What a response gave, filled as it is read; shared by the protocols."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.usage: Usage | None = None
        self.model = ""
        self.stop_reason = ""
        self.error = ""
        self.ended = False
