"""Wire: one file per API protocol; the bytes of an exchange become items and steps. Pure."""

from __future__ import annotations

from skillclaw.wire.decode import decode, protocol_of, read
from skillclaw.wire.records import Call, Decoded, Identity, Item, Unread, Usage

__all__ = ["Call", "Decoded", "Identity", "Item", "Unread", "Usage", "decode", "protocol_of", "read"]
