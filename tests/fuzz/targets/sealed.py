"""What is sealed: sessions of members and what evolvers keep for each other.

The first byte chooses: the object as it is; or the bytes sealed here to the evolver's key as a letter's
msgpack, or as the body of a letter that is right and signed, packed or not.
"""

from __future__ import annotations

import msgspec
import zstandard
from fuzzing.group import GROUP, KEYS, started
from nacl.public import PublicKey, SealedBox

from skillclaw.errors import UpgradeNeededError, VerifyError
from skillclaw.hub import keys, room, sealed
from skillclaw.hub.wrapped import short, wrap
from skillclaw.trajectory.model import decode

ALLOWED = (UpgradeNeededError, VerifyError)
NAME = f"sessions/2026-01-01/{'0' * 64}"
OWN = sealed.private_key(KEYS["e"])
PUBLIC = sealed.sealing_public(KEYS["e"])
DICT = (
    sealed.MAGIC,
    sealed.MAGIC_ONE,
    room.MAGIC,
    b"\x28\xb5\x2f\xfd",
    b"\xa1v\x01",
    b"\xc6\xff\xff\xff\xff",
    b"\x85",
)


def once(data: bytes) -> None:
    """Opened, or refused in words."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    try:
        room.open_kept(_object(first, body, kept=True), [OWN], state=started(), name="kept")
    except VerifyError:
        room.is_for_all(body, [PUBLIC])
    given = _object(first, body, kept=False)
    sealed.is_for(given, [PUBLIC])
    opened = sealed.open_any(given, [OWN], group=GROUP, name=NAME)
    try:
        decode(opened.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return


def _object(first: int, body: bytes, *, kept: bool) -> bytes:
    kind = first % 5
    if kind == 0:
        return body
    if kind > 1:
        packed = (
            body
            if kind == 2
            else zstandard.ZstdCompressor(level=1).compress(body if kind == 3 else body[:1000] * 100_000)
        )
        body = msgspec.msgpack.encode(_letter(packed, kept=kept))
    if kept:
        return room.MAGIC + wrap(body, [PUBLIC])
    if first & 128:
        return sealed.MAGIC + wrap(body, [PUBLIC])
    box = SealedBox(PublicKey(bytes.fromhex(PUBLIC))).encrypt(body)
    return sealed.MAGIC_ONE + short(bytes.fromhex(PUBLIC)) + bytes(box)


def _letter(body: bytes, *, kept: bool) -> room.Letter | sealed.Letter:
    signer = keys.public_hex(KEYS["e" if kept else "m"])
    if kept:
        made = room.Letter(group=GROUP, name="kept", signer=signer, body=body)
        return msgspec.structs.replace(made, sig=keys.sign(KEYS["e"], room._signed(made)))
    told = sealed.Letter(group=GROUP, evolver=PUBLIC, object=NAME, signer=signer, body=body)
    return msgspec.structs.replace(told, sig=keys.sign(KEYS["m"], sealed._signed(told)))
