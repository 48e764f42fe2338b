"""Messages of members in the hub's inbox: their place, their bytes, their signature. Pure.

A message is JSON with sorted keys and no spaces, as a commit is. The signature, by the key that the folder is
named after, covers `skillclaw message`, NUL, the group's id, NUL and the same JSON without `sig`: the client
and the number are in it, so that no message counts in another place or group.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from skillclaw.errors import BadInputError, UpgradeNeededError
from skillclaw.hub import keys
from skillclaw.trajectory.model import Record

__all__ = [
    "INBOX",
    "KINDS",
    "MAX_KEYS",
    "MAX_MESSAGE",
    "MAX_PROPOSAL",
    "Kind",
    "Message",
    "Refusal",
    "folder_of",
    "parse_place",
    "place",
    "read",
    "refusal_place",
    "write",
]

INBOX = "inbox"
FORMAT = 2
"""The newest format that this version reads."""
MAX_PROPOSAL = 4 * 1024 * 1024
"""Bytes of a message with a proposal: a skill that passes the gate has 2 MB, as base64 2.7."""
MAX_MESSAGE = 64 * 1024
"""Bytes of any other message."""
MAX_KEYS = 200
"""Sessions in one message that forgets them."""

Kind = Literal["join", "leave", "rotate", "tombstone", "proposal", "vote", "counts"]
KINDS: tuple[Kind, ...] = ("join", "leave", "rotate", "tombstone", "proposal", "vote", "counts")
NEWER: dict[str, int] = {"counts": 2}
"""Kinds that came with a later format, so that a machine that does not know them lets them lie."""

_PLACE = re.compile(r"inbox/([0-9a-f]{64})/(\d{20})\.json")
_encoder = msgspec.json.Encoder(order="deterministic")


class Message(Record, frozen=True, kw_only=True):
    """One message: `inbox/<client>/<n>.json`, `n` from 1 with 20 digits, created only where nothing is.

    client  the Ed25519 key (hex) that signed it
    body    as docs/hub-log.md has it for each kind
    time    when it was sent, by the sender's clock; nothing is decided by it
    """

    v: int = 1
    group: str
    client: str
    n: int
    time: str
    kind: Kind
    body: dict[str, Any]
    sig: str = ""


class Refusal(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Why a message was set aside: `inbox/<client>/refused/<n>.json`. A hint for the sender, not signed."""

    v: int = 1
    n: int
    kind: str
    reason: str
    time: str


def folder_of(client: str) -> str:
    """Where the messages of a key lie."""
    return f"{INBOX}/{client}"


def place(client: str, n: int) -> str:
    """Where message `n` of a key lies."""
    return f"{folder_of(client)}/{n:020d}.json"


def refusal_place(client: str, n: int) -> str:
    """Where the reason lies why message `n` was set aside."""
    return f"{folder_of(client)}/refused/{n:020d}.json"


def parse_place(name: str) -> tuple[str, int] | None:
    """Client and number of a message by its place; None for anything else."""
    found = _PLACE.fullmatch(name)
    return (found[1], int(found[2])) if found and int(found[2]) else None


def write(message: Message, key: keys.SigningKey) -> bytes:
    """The bytes of `message`, signed by `key`; BadInputError where they are too many."""
    message = replace(message, v=NEWER.get(message.kind, 1), client=keys.public_hex(key), sig="")
    sig = keys.sign(key, _signed(message.group, msgspec.to_builtins(message)))
    data = _encoder.encode(replace(message, sig=sig))
    if len(data) > _limit(message.kind):
        raise BadInputError(
            f"The {message.kind} is too large for the hub's inbox.",
            f"{len(data)} bytes of {_limit(message.kind)}.",
        )
    return data


def read(data: bytes, group: str, client: str, n: int) -> Message:
    """The message that was found as number `n` of `client`; BadInputError says why it is none.

    Raises UpgradeNeededError for one of a newer format that the client signed.
    """
    try:
        raw: Any = msgspec.json.decode(data[: MAX_PROPOSAL + 1])
        if not isinstance(raw, dict) or len(data) > _limit(str(raw.get("kind"))):
            raise _bad("it is too large, or no message")
        holds = _holds(raw, group, client)
        version = raw.get("v", 1)
        if isinstance(version, int) and version > FORMAT and holds:
            raise UpgradeNeededError("Upgrade needed: a message is of a newer format.", place(client, n))
        message = msgspec.convert(raw, Message)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise _bad(f"it does not parse: {str(error)[:200]}") from error
    if version != NEWER.get(message.kind, 1) or _encoder.encode(message) != data:
        raise _bad("it is not written as a message is")
    if not holds:
        raise _bad("its signature does not hold")
    if (message.group, message.client, message.n) != (group, client, n):
        raise _bad("it was made for another group or place")
    return message


def _limit(kind: str) -> int:
    return MAX_PROPOSAL if kind == "proposal" else MAX_MESSAGE


def _holds(raw: dict[str, Any], group: str, client: str) -> bool:
    bare = {name: value for name, value in raw.items() if name != "sig"}
    return keys.verify(client, _signed(group, bare), str(raw.get("sig")))


def _signed(group: str, bare: dict[str, Any]) -> bytes:
    return b"skillclaw message\0" + group.encode() + b"\0" + _encoder.encode(bare)


def _bad(reason: str) -> BadInputError:
    return BadInputError("A message in the hub's inbox does not hold.", reason)
