"""A response while it is read."""

from __future__ import annotations

from skillclaw.wire.records import Item, Reason, Usage

__all__ = ["Reply"]


class Reply:
    """What a response gave, filled as it is read; shared by the protocols.

    `id` is the provider's id of it; `status` the HTTP status that a message of a WebSocket told, else 0.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.usage: Usage | None = None
        self.model = ""
        self.stop_reason = ""
        self.error = ""
        self.ended = False
        self.id = ""
        self.status = 0
        self.unread: Reason | None = None
