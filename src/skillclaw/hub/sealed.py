"""Sessions in a group's hub: signed by the client, sealed to the evolver, under a name that tells nothing.

A sealed session (docs/formats.md) is MAGIC_ONE, the first 8 bytes of the SHA-256 of the evolver's X25519 key,
then a libsodium sealed box (X25519, XSalsa20-Poly1305) around a msgpack `Letter`. Where a group has several
evolvers it is MAGIC and the letter wrapped for their keys (wrapped.py). The signature inside binds the body
to the group, the evolvers' keys and the object's name, so that nobody, not even an evolver, can pass it on as
sent to another group.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, BadInputError, StorageError, UpgradeNeededError, VerifyError
from skillclaw.hub import keys
from skillclaw.hub.records import HubState, Key
from skillclaw.hub.wrapped import MOST_KEYS, short, unwrap, wrap, wrapped_for
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub

__all__ = [
    "MAX_SEALED",
    "Opened",
    "dated_session",
    "delete_session",
    "get_session",
    "is_for",
    "list_sessions",
    "object_name",
    "open_any",
    "open_sealed",
    "passed_on",
    "private_key",
    "put_session",
    "seal",
    "sealing_key",
    "sealing_keys",
    "sealing_public",
]

MAGIC_ONE = b"SKSEAL\x01"
MAGIC = b"SKSEAL\x02"
"""Of the newest format."""
SIGNED = b"skillclaw session"
MAX_BODY = 64 << 20
"""Bytes of a session when unpacked; a longer one is refused, so that no small object fills a memory: read as
JSON it can take some 25 times as much."""
MAX_SEALED = 64 << 20
"""Bytes of a sealed session."""
_NAME = re.compile(r"sessions/\d{4}-\d\d-\d\d/[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")


class Letter(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What is inside: whose it is, for whom, and the session (`body`: zstd of ATIF JSON).

    evolver  the evolver's sealing key (hex); of several all of them, with commas between
    """

    v: int = 1
    group: str
    evolver: str
    object: str
    signer: str
    body: bytes
    sig: str = ""


class Opened(Record, frozen=True, kw_only=True):
    """A session as the evolver has it: the ATIF bytes, and the key that signed them."""

    body: bytes
    signer: str


def private_key(key: keys.SigningKey) -> PrivateKey:
    """The X25519 key of a file `sealing.key`, which is kept like the signing keys."""
    return PrivateKey(key.encode())


def sealing_public(key: keys.SigningKey) -> str:
    """Its public half, as `sealing` of a `key-add` commit names it."""
    return private_key(key).public_key.encode().hex()


def sealing_key(state: HubState) -> Key | None:
    """The evolver that sessions are sealed to: of those that have a key for it and still count, the one
    admitted last.
    """
    found = [key for key in state.keys.values() if key.role == "evolver" and key.sealing and key.active]
    return max(found, key=lambda key: key.seq, default=None)


def sealing_keys(state: HubState) -> str:
    """The sealing keys (hex) of all evolvers that count, with commas between, the one admitted last first;
    empty where there is none. Any of them can take the work over from the others.
    """
    found = [key for key in state.keys.values() if key.role == "evolver" and key.sealing and key.active]
    newest = sorted(found, key=lambda key: key.seq, reverse=True)
    return ",".join(list(dict.fromkeys(key.sealing for key in newest))[:MOST_KEYS])


def object_name(client_key: bytes, group: str, key: str, revision: int, day: str) -> str:
    """Where a session lies: the day (YYYY-MM-DD) that it was queued, and a MAC under the client's own key."""
    text = b"\0".join((b"skillclaw object", group.encode(), key.encode(), str(revision).encode()))
    return f"sessions/{day}/{hmac.digest(client_key, text, hashlib.sha256).hex()}"


def seal(body: bytes, key: keys.SigningKey, *, group: str, evolver: str, name: str) -> bytes:
    """The object for the ATIF bytes `body`, signed with `key` and readable for the `evolver` key (hex)
    alone, or for several (`sealing_keys`).
    """
    several = evolver.split(",")
    if not all(_HEX.fullmatch(one) for one in several):
        raise VerifyError("The evolver's sealing key is not one.", "", "Ask the group's owner.")
    if len(body) > MAX_BODY:
        raise BadInputError("The session is too large to be shared.", f"{len(body)} bytes of {MAX_BODY}.")
    letter = Letter(
        group=group,
        evolver=evolver,
        object=name,
        signer=keys.public_hex(key),
        body=zstd.compress(body, 9),
    )
    letter = msgspec.structs.replace(letter, sig=keys.sign(key, _signed(letter)))
    if len(several) > 1:
        return _fitting(MAGIC + wrap(msgspec.msgpack.encode(letter), several))
    public = bytes.fromhex(evolver)
    try:
        box = SealedBox(PublicKey(public)).encrypt(msgspec.msgpack.encode(letter))
    except CryptoError as error:
        raise VerifyError(
            "The evolver's sealing key is not one.", str(error), "Ask the group's owner."
        ) from error
    return _fitting(MAGIC_ONE + short(public) + bytes(box))


def _fitting(sealed: bytes) -> bytes:
    if len(sealed) > MAX_SEALED:
        raise BadInputError("The session is too large to be shared.", f"{len(sealed)} bytes of {MAX_SEALED}.")
    return sealed


def is_for(data: bytes, publics: Iterable[str]) -> bool:
    """Whether an object says that one of these sealing keys (hex) opens it; True also where it is no sealed
    session."""
    marks = [short(bytes.fromhex(one)) for one in publics]
    head = len(MAGIC)
    if data[:head] == MAGIC_ONE:
        return data[head : head + 8] in marks
    return data[:head] != MAGIC or bool(set(marks) & set(wrapped_for(data[head:])))


def open_any(
    data: bytes, own: Sequence[PrivateKey], *, group: str, name: str, others: Collection[str] = ()
) -> Opened:
    """`open_sealed` with the key of `own` that the object names: sessions from before a rotation are sealed
    to an earlier one (`keys.with_earlier`).
    """
    if not own:
        raise _broken(name, "this machine has no key to open it")
    # where none of them fits, the first says what is wrong
    fitting = next((key for key in own if is_for(data, [_hex(key)])), own[0])
    return open_sealed(data, fitting, group=group, name=name, others=others)


def open_sealed(
    data: bytes, key: PrivateKey, *, group: str, name: str, others: Collection[str] = ()
) -> Opened:
    """What is in an object that was read as `name` of `group`; VerifyError where anything does not hold.

    It has to be made for `key`, or for one of `others`: sealing keys (hex) of evolvers who pass things on.
    """
    head = len(MAGIC)
    if data[: head - 1] == MAGIC[:-1] and data[head - 1 : head] > MAGIC[-1:]:
        raise UpgradeNeededError("Upgrade needed: a sealed session is of a newer format.", name)
    if data[:head] not in (MAGIC, MAGIC_ONE):
        raise _broken(name, "it is no sealed session")
    if not is_for(data, [_hex(key)]):
        raise _broken(name, "it is sealed to another key")
    public = key.public_key.encode()
    try:
        letter = msgspec.msgpack.decode(_inside(data, key), type=Letter)
    except (CryptoError, *UNREADABLE, TypeError) as error:
        raise _broken(name, "it cannot be opened with this key") from error
    if letter.v > 1:
        raise UpgradeNeededError("Upgrade needed: a sealed session is of a newer format.", name)
    named = letter.evolver.split(",") if data[:head] == MAGIC else [letter.evolver]
    if (letter.group, letter.object) != (group, name) or not {public.hex(), *others} & set(named):
        raise _broken(name, "it was made for another group, evolver or place")
    if not keys.verify(letter.signer, _signed(letter), letter.sig):
        raise _broken(name, "its signature does not hold")
    try:
        size = zstd.size_of(letter.body)
        if size is None or size > MAX_BODY:
            raise _broken(name, "it is larger than a session can be")
        body = zstd.decompress(letter.body, MAX_BODY)
    except zstd.Damaged as error:
        raise _broken(name, "it cannot be unpacked") from error
    return Opened(body=body, signer=letter.signer)


def put_session(hub: Hub, name: str, data: bytes) -> None:
    """Store a sealed session; the same bytes again are fine, others in its place a VerifyError. One that the
    storage says it took, and has not, is sent again, or told as a StorageError."""
    if not hub.store.create_surely(_checked(name), data):
        raise VerifyError(
            f"Another object lies at {name} of the hub at {hub.url}.",
            "It is not what this machine sealed.",
            "Ask the group's owner; see: skillclaw hub verify",
        )


def get_session(hub: Hub, name: str) -> bytes | None:
    """The bytes of a sealed session, or None where it is not there."""
    return hub.store.get(_checked(name), MAX_SEALED)


def dated_session(hub: Hub, name: str) -> tuple[bytes, datetime] | None:
    """`get_session`, and when these very bytes were put there (`Store.dated`)."""
    return hub.store.dated(_checked(name), MAX_SEALED)


def delete_session(hub: Hub, name: str) -> None:
    """Take a sealed session out of the hub; nothing happens where it is not there. Raises StorageError where
    the storage says that it is gone and it is not: whoever takes a session back must know."""
    hub.store.delete(_checked(name))
    if hub.store.lies(name):
        raise StorageError(
            f"A session still lies in the hub at {hub.url}.",
            f"The storage says that it deleted it, and did not ({name}).",
            "It is tried again with the next: skillclaw share send",
        )


def list_sessions(hub: Hub) -> list[str]:
    """The names of all sealed sessions."""
    return [name for name in hub.store.list("sessions") if _NAME.fullmatch(name)]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise VerifyError(f"{ascii(name)[:80]} is not the name of a sealed session.")
    return name


def passed_on(data: bytes, own: Sequence[PrivateKey], to: Sequence[str], name: str) -> bytes:
    """The letter in an object, as its sender signed it, for the sealing keys `to`. VerifyError where none of
    `own` opens it.
    """
    fitting = next((key for key in own if is_for(data, [_hex(key)])), None)
    if fitting is None or data[: len(MAGIC)] not in (MAGIC, MAGIC_ONE):
        raise _broken(name, "it is sealed to another key")
    try:
        return MAGIC + wrap(_inside(data, fitting), to)
    except (CryptoError, ValueError, TypeError) as error:
        raise _broken(name, "it cannot be opened with this key") from error


def _hex(key: PrivateKey) -> str:
    return key.public_key.encode().hex()


def _inside(data: bytes, key: PrivateKey) -> bytes:
    """The letter's bytes; CryptoError or ValueError where they cannot be had."""
    rest = data[len(MAGIC) :]
    if data[: len(MAGIC)] == MAGIC_ONE:
        return bytes(SealedBox(key).decrypt(rest[8:]))
    found = unwrap(rest, [key])
    if found is None:
        raise ValueError("it is for other keys")
    return found[0]


def _signed(letter: Letter) -> bytes:
    parts = (SIGNED, str(letter.v), letter.group, letter.evolver, letter.object, letter.signer)
    return b"\0".join(p if isinstance(p, bytes) else p.encode() for p in parts) + b"\0" + letter.body


def _broken(name: str, why: str) -> VerifyError:
    return VerifyError(f"Sealed session {name} does not hold.", f"Reason: {why}.")
