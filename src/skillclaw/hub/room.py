"""What the evolvers of a group keep for each other on its hub: sealed to their keys, signed by one of them.

An object is MAGIC and, wrapped for the evolvers' sealing keys (wrapped.py), a msgpack `Letter`. Letter and
signature are bound to the group and to the object's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from nacl.exceptions import CryptoError

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, VerifyError
from skillclaw.hub import keys
from skillclaw.hub.sealed import private_key
from skillclaw.hub.wrapped import MOST_KEYS, short, unwrap, wrap, wrapped_for
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from pathlib import Path

    from nacl.public import PrivateKey

    from skillclaw.hub.records import HubState

__all__ = ["MAX_BODY", "MAX_SEALED", "is_for_all", "open_kept", "own_keys", "readers", "seal_kept"]

MAGIC = b"SKKEPT\x01"
MAX_BODY = 8 << 20
"""Bytes of what is kept, when unpacked."""
MAX_SEALED = 9 << 20
"""Bytes of the object."""
_WORD = "kept"


class Letter(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What is inside; `body` is compressed (zstd)."""

    v: int = 1
    group: str
    name: str
    signer: str
    body: bytes
    sig: str = ""


def readers(state: HubState) -> list[str]:
    """The sealing keys (hex) of the evolvers that count."""
    found = {key.sealing for key in state.keys.values() if key.role == "evolver" and key.active}
    return sorted(found - {""})[:MOST_KEYS]


def own_keys(folder: Path, group: str) -> list[PrivateKey]:
    """This machine's keys to open with, those of before a rotation too."""
    return [private_key(key) for key in keys.with_earlier(folder, group, "sealing")]


def seal_kept(body: bytes, key: keys.SigningKey, *, group: str, name: str, to: Sequence[str]) -> bytes:
    """The object that holds `body` for the sealing keys `to`. VerifyError where one of them is none."""
    letter = Letter(
        group=group,
        name=name,
        signer=keys.public_hex(key),
        body=zstd.compress(body, 9),
    )
    letter = msgspec.structs.replace(letter, sig=keys.sign(key, _signed(letter)))
    return MAGIC + wrap(msgspec.msgpack.encode(letter), to)


def open_kept(data: bytes, own: Sequence[PrivateKey], *, state: HubState, name: str) -> bytes:
    """What an evolver of the group kept under `name`; VerifyError where anything does not hold.

    The word of an evolver whose key was replaced still counts, that of one who was revoked or left does not.
    """
    if data[: len(MAGIC)] != MAGIC or len(data) > MAX_SEALED:
        raise VerifyError("it is not sealed as it should be")
    try:
        found = unwrap(data[len(MAGIC) :], own)
        if found is None:
            raise VerifyError("it is sealed to other keys")
        letter = msgspec.msgpack.decode(found[0], type=Letter)
        if (letter.v, letter.group, letter.name) != (1, state.group, name):
            raise VerifyError("it was made for another group or place")
        signer = state.keys.get(letter.signer)
        if signer is None or signer.role != "evolver" or signer.revoked or signer.left:
            raise VerifyError("its signer is no evolver of the group")
        if not keys.verify(letter.signer, _signed(letter), letter.sig):
            raise VerifyError("its signature does not hold")
        size = zstd.size_of(letter.body)
        if size is None or size > MAX_BODY:
            raise VerifyError("it is too large")
        return zstd.decompress(letter.body, MAX_BODY)
    except (CryptoError, zstd.Damaged, *UNREADABLE, TypeError) as error:
        raise VerifyError("it cannot be opened") from error


def is_for_all(data: bytes, publics: Sequence[str]) -> bool:
    """Whether what is kept says that each of these sealing keys (hex) opens it."""
    marks = set(wrapped_for(data[len(MAGIC) :]))
    return data[: len(MAGIC)] == MAGIC and all(short(bytes.fromhex(one)) in marks for one in publics)


def _signed(letter: Letter) -> bytes:
    parts = (f"skillclaw {_WORD}", str(letter.v), letter.group, letter.name, letter.signer)
    return b"\0".join(part.encode() for part in parts) + b"\0" + letter.body
