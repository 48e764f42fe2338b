"""Checkpoints: the fold of the log up to an entry, signed, so that a new machine need not read all of it.

A new machine knows one key, the founder's in `hub.json`; which other keys are owners it could only learn by
reading. So it takes a checkpoint that the founder signed and no other, least of all the evolver's, which
could hide what people did not approve. What a machine has folded by itself it never gives up for a
checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import VerifyError
from skillclaw.hub import keys
from skillclaw.hub.records import HubState
from skillclaw.hub.seen import FOLD
from skillclaw.hub.signed import opened, signed
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.keys import SigningKey
    from skillclaw.hub.store import Store

__all__ = ["EVERY", "MAX", "Checkpoint", "is_owner", "key_of", "make", "parse", "usable", "write"]

EVERY = 256
"""Entries after which the next checkpoint is due."""
MAX = 64 * 1024 * 1024
"""Bytes of a checkpoint that is read."""


class Checkpoint(Record, frozen=True, kw_only=True):
    """`tip`: hash of the bytes of entry `state.seq`, valid or void; `fold`: which rules made the state."""

    v: int = 1
    fold: int
    tip: str
    state: HubState
    signer: str = ""
    sig: str = ""


def key_of(seq: int) -> str:
    """Where the checkpoint of entry `seq` lies in the hub."""
    return f"log/checkpoint-{seq:020d}.json"


def is_owner(state: HubState, public: str) -> bool:
    """Whether `public` is an owner's key that counts."""
    key = state.keys.get(public)
    return key is not None and key.role == "owner" and key.active


def may_sign(state: HubState, founder: str, public: str) -> bool:
    """Whether the owner `public` writes checkpoints: the founder, or any owner once the founder's key
    counts no more. Theirs help no new machine, but they say how far the log may be packed.
    """
    return is_owner(state, public) and (public == founder or not is_owner(state, founder))


def make(state: HubState, tip: str, key: SigningKey) -> bytes:
    """The bytes of the checkpoint; equal states give equal bytes."""
    return signed("checkpoint", state.group, Checkpoint(fold=FOLD, tip=tip, state=state), key)


def parse(data: bytes, seq: int, group: str) -> Checkpoint | None:
    """The checkpoint that lies at `key_of(seq)`; None where older rules made it, so that it is of no use.

    VerifyError, with the reason, where it does not hold. Whether its signer is trusted, and whether `tip` is
    what the log holds, is for the caller to ask.
    """
    if len(data) > MAX:
        raise VerifyError(f"it is longer than {MAX} bytes")
    raw = opened("checkpoint", group, data)
    fold = raw.get("fold")
    if raw.get("v", 1) != 1 or not isinstance(fold, int) or fold > FOLD:
        raise VerifyError("it is of a later format")
    if fold < FOLD:
        return None
    try:
        found = msgspec.convert(raw, Checkpoint)
    except (msgspec.ValidationError, ValueError) as error:
        raise VerifyError(f"it does not hold what it should: {error}") from error
    if (found.state.seq, found.state.group) != (seq, group):
        raise VerifyError("it is of another entry or group than where it lies")
    if not is_owner(found.state, found.signer):
        raise VerifyError("its signer is no owner")
    return found


def write(store: Store, founder: str, state: HubState, tip: str, key: SigningKey) -> bool:
    """Put the checkpoint of `state` there, as an owner who may; a second time changes nothing.

    False where this key may not, or another's checkpoint lies there already.
    """
    if not state.seq or not may_sign(state, founder, keys.public_hex(key)):
        return False
    data = make(state, tip, key)
    return len(data) <= MAX and store.create(key_of(state.seq), data)


def usable(store: Store, founder: str, seq: int, group: str, tip: str) -> Checkpoint | None:
    """The founder's checkpoint of entry `seq`, whose bytes hash to `tip`; None where there is none."""
    data = store.get(key_of(seq), MAX)
    try:
        found = parse(data, seq, group) if data is not None else None
    except VerifyError:
        return None  # `hub verify` tells why; the log itself is read instead
    if found is None or found.signer != founder or found.tip != tip:
        return None
    return found
