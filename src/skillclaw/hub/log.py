"""The hub's log: how a commit is written as bytes, signed and chained, and what a log of them means. Pure.

The bytes of a commit are its JSON with sorted keys and no spaces, so that there is one way to write it; the
signature covers the same JSON without `sig`, the group's id before it, so that no commit counts in another
group. `fold` takes any bytes: an entry that does not hold is void, skipped by all readers alike and counted.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec.structs import replace

from skillclaw.errors import UpgradeNeededError
from skillclaw.hub import keys, kinds, rules
from skillclaw.hub.keys import SigningKey
from skillclaw.hub.records import Commit, HubInfo, HubState, Key
from skillclaw.hub.void import Void

__all__ = [
    "FIRST",
    "FORMAT",
    "MAX_COMMIT",
    "digest",
    "encode",
    "fold",
    "initial",
    "key_of",
    "sign",
    "signed",
    "why_void",
]

FORMAT = 5
"""The newest format that this version reads. A commit is written in the least that has its fields
(`kinds.format_of`), so that a reader of an older one goes on until something comes that it does not know."""
FIRST = "0" * 64
"""`prev` of the first commit."""
MAX_COMMIT = 1024 * 1024
"""Bytes of one commit; a longer entry is void."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Commit)


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


def encode(commit: Commit) -> bytes:
    """The one way to write `commit`."""
    return _encoder.encode(commit)


def key_of(seq: int) -> str:
    """Where entry `seq` of the log lies in the hub."""
    return f"log/{seq:020d}.json"


def initial(info: HubInfo) -> HubState:
    """The state of an empty log: the founder's key is the root of trust."""
    return HubState(
        group=info.group,
        seq=0,
        head=FIRST,
        keys={info.owner: Key(public=info.owner, role="owner", name="owner")},
    )


def sign(commit: Commit, key: SigningKey, group: str) -> bytes:
    """The bytes of `commit` with signer and signature filled in."""
    commit = replace(commit, signer=keys.public_hex(key), sig="")
    return encode(replace(commit, sig=keys.sign(key, _signed(group, msgspec.to_builtins(commit)))))


def signed(state: HubState, data: bytes) -> Commit | None:
    """The entry in `data`, read by itself, where its signature holds and a key of the group made it; else
    None. Whether it counts, and where, only the fold can tell."""
    try:
        commit = _decoder.decode(data)
        holds = commit.signer in state.keys and _holds(state.group, msgspec.json.decode(data))
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
        return None
    return commit if holds else None


def fold(state: HubState, data: bytes) -> HubState:
    """The state after the next entry of the log, whatever it holds.

    Raises UpgradeNeededError for an entry of a newer format that a key of the group signed.
    """
    try:
        return _apply(state, data)
    except Void:
        return replace(state, seq=state.seq + 1, void=state.void + 1)


def why_void(state: HubState, data: bytes) -> str:
    """Why `data` as the next entry would not count; empty where it would. Raises like `fold`."""
    try:
        _apply(state, data)
    except Void as reason:
        return str(reason)
    return ""


def _apply(state: HubState, data: bytes) -> HubState:
    if len(data) > MAX_COMMIT:
        raise Void(f"it is longer than {MAX_COMMIT} bytes")
    try:
        raw: Any = msgspec.json.decode(data)
        version = raw.get("v", 1) if isinstance(raw, dict) else 0
        if isinstance(version, int) and version > FORMAT:
            _stop_at_newer(state, raw)
        commit = _decoder.decode(data)
        if not isinstance(version, int) or version < 1 or encode(commit) != data:
            raise Void("it is not written as a commit is")
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise Void(f"it does not parse: {error}") from error
    if commit.seq != state.seq + 1:
        raise Void("it lies at another number than its own")
    if commit.prev != state.head:
        raise Void("it does not follow the last valid commit")
    if not _holds(state.group, raw):
        raise Void("its signature does not hold")
    _check_format(commit)
    after = rules.apply(state, commit)
    return replace(after, seq=state.seq + 1, head=digest(data))


def _stop_at_newer(state: HubState, raw: dict[str, Any]) -> None:
    """Signature and signer are read alike in every format. Only an owner begins one, so that no other stolen
    key stops the group and its owner."""
    signer = state.keys.get(str(raw.get("signer")))
    if signer is None or not signer.active or signer.role != "owner" or not _holds(state.group, raw):
        raise Void("it is of a newer format, which only an owner of this group begins")
    raise UpgradeNeededError(
        "Upgrade needed: the hub's log goes on in a newer format.",
        f"Entry {state.seq + 1} has format {raw.get('v')}; this version reads {FORMAT}.",
        "Upgrade SkillClaw. What is installed stays as it is.",
    )


def _check_format(commit: Commit) -> None:
    """One way to write it: else a reader of format 1, which takes no field that it does not know, and stops
    at a later format, would read otherwise than this one."""
    least = kinds.format_of(commit.kind, commit.body)
    if commit.v != least and not (commit.kind == "settings" and commit.v < least):
        raise Void(f"its fields are of format {least}, and it says {commit.v}")


def _holds(group: str, raw: dict[str, Any]) -> bool:
    bare = {name: value for name, value in raw.items() if name != "sig"}
    return keys.verify(str(raw.get("signer")), _signed(group, bare), str(raw.get("sig")))


def _signed(group: str, bare: dict[str, Any]) -> bytes:
    return b"skillclaw log\0" + group.encode() + b"\0" + _encoder.encode(bare)
