"""Bytes that several X25519 keys can open: one key for the bytes, sealed to each of them. Pure.

The number of keys (one byte); for each the first 8 bytes of its SHA-256, and a libsodium sealed box (X25519,
XSalsa20-Poly1305) of the bytes' own key; then a secret box (XSalsa20-Poly1305) with that key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

from skillclaw.errors import VerifyError

__all__ = ["MOST_KEYS", "short", "unwrap", "wrap", "wrapped_for"]

MOST_KEYS = 32
"""Keys that something is wrapped for."""
_ONE = 8 + SecretBox.KEY_SIZE + 48


def wrap(data: bytes, to: Sequence[str]) -> bytes:
    """`data` for the keys `to` (hex). VerifyError where one of them is none."""
    own = secrets.token_bytes(SecretBox.KEY_SIZE)
    parts = [bytes([len(to)])]
    try:
        for one in to:
            public = bytes.fromhex(one)
            parts += [short(public), bytes(SealedBox(PublicKey(public)).encrypt(own))]
    except (CryptoError, ValueError, TypeError) as error:
        raise VerifyError(
            "An evolver's sealing key is not one.", str(error), "Ask the group's owner."
        ) from error
    return b"".join([*parts, bytes(SecretBox(own).encrypt(data))])


def unwrap(wrapped: bytes, own: Sequence[PrivateKey]) -> tuple[bytes, PrivateKey] | None:
    """What is inside, and which of `own` opened it; None where it is for other keys. CryptoError or
    ValueError where it was changed.
    """
    if not wrapped:
        raise ValueError("there is nothing")
    end = 1 + wrapped[0] * _ONE
    for key in own:
        mark = short(key.public_key.encode())
        for at in range(1, end, _ONE):
            if wrapped[at : at + 8] == mark:
                inner = SealedBox(key).decrypt(wrapped[at + 8 : at + _ONE])
                return SecretBox(inner).decrypt(wrapped[end:]), key
    return None


def wrapped_for(wrapped: bytes) -> list[bytes]:
    """The marks (`short`) of the keys that it says it is for."""
    end = 1 + wrapped[0] * _ONE if wrapped else 0
    return [wrapped[at : at + 8] for at in range(1, min(end, len(wrapped)), _ONE)]


def short(public: bytes) -> bytes:
    """How a key is marked."""
    return hashlib.sha256(public).digest()[:8]
