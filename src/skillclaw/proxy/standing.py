"""What `/healthz`, `/readyz` and the metrics say of the proxy's load."""

from __future__ import annotations

import msgspec

__all__ = ["Standing"]


class Standing(msgspec.Struct, frozen=True):
    """The proxy at one moment: requests under way; connections that are open, that may be, that were turned
    away; how many agents have an upstream, and why others have none.
    """

    under_way: int
    connections: int
    most: int
    refused: int
    upstreams: int
    wrong: dict[str, str]
    draining: bool = False
