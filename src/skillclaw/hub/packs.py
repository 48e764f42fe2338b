"""Packs: many old entries of the log in one signed object, byte for byte (docs/hub-log.md). Pure.

Entries are signed and chained by themselves; the pack's own signature is there for the void ones among them,
which nobody signed. Without it, who may only add objects could have some readers step over numbers that
others still have to write.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from skillclaw.errors import VerifyError
from skillclaw.hub.keys import SigningKey
from skillclaw.hub.signed import opened, signed
from skillclaw.trajectory.model import Record

__all__ = ["MAX", "MAX_ENTRIES", "ROOM", "Pack", "cost", "key_of", "pack", "unpack"]

MAX = 64 * 1024 * 1024
"""Bytes of a pack that is read."""
MAX_ENTRIES = 1000
"""Entries that one pack holds at most."""
ROOM = 8 * 1024 * 1024
"""Bytes of entries, by `cost`, that are put into one pack, unless a single one is larger."""


class Pack(Record, frozen=True, kw_only=True):
    """The entries `first` to `last`. Each is its text; one that is no UTF-8 is `base64:` and its bytes."""

    v: int = 1
    first: int
    last: int
    entries: list[str]
    signer: str = ""
    sig: str = ""


_BINARY = "base64:"


def key_of(first: int, last: int) -> str:
    """Where the pack of these entries lies in the hub."""
    return f"log/pack-{first:020d}-{last:020d}.json"


def cost(entry: bytes) -> int:
    """About how many bytes `entry` takes in a pack."""
    return len(msgspec.json.encode(_written(entry)))


def pack(first: int, entries: list[bytes], key: SigningKey, group: str) -> bytes:
    """The signed pack of `entries`, of which the first has the number `first`."""
    last = first + len(entries) - 1
    record = Pack(first=first, last=last, entries=[_written(entry) for entry in entries])
    return signed("pack", group, record, key)


def unpack(data: bytes, first: int, last: int, group: str) -> tuple[list[bytes], str]:
    """The entries of the pack that lies at `key_of(first, last)`, and who signed it; VerifyError where it
    does not hold. Whether the signer is an owner is for the caller to ask.
    """
    if len(data) > MAX:
        raise VerifyError(f"it is longer than {MAX} bytes")
    raw = opened("pack", group, data)
    if raw.get("v", 1) != 1:
        raise VerifyError("it is of a newer format")
    try:
        found = msgspec.convert(raw, Pack)
        entries = [_read(text) for text in found.entries]
    except (msgspec.ValidationError, binascii.Error, ValueError) as error:
        raise VerifyError(f"it does not hold what it should: {error}") from error
    if (found.first, found.last, len(entries)) != (first, last, last - first + 1):
        raise VerifyError("it holds other entries than its name says")
    return entries, found.signer


def _written(entry: bytes) -> str:
    try:
        text = entry.decode()
    except UnicodeDecodeError:
        pass
    else:
        if not text.startswith(_BINARY):
            return text
    return _BINARY + base64.b64encode(entry).decode()


def _read(text: str) -> bytes:
    if text.startswith(_BINARY):
        return base64.b64decode(text[len(_BINARY) :], validate=True)
    return text.encode()
