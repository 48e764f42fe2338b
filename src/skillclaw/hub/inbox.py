"""The inbox of a hub: members leave messages there, since they may not write the log.

Who may write the log takes them in (taking_in.py). A message is created only where nothing is, under the next
number of its client; numbers are not used again by the same machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import BadInputError, BusyError, StorageError, UsageError
from skillclaw.hub import keys, messages, statements
from skillclaw.hub.keyring import waiting_rotation
from skillclaw.hub.messages import Kind, Message, Refusal
from skillclaw.hub.taking_in import TakenIn, take_in
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal
from skillclaw.utf8 import need_utf8

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub

__all__ = ["Message", "Refusal", "TakenIn", "authored", "post", "refusals", "send", "take_in", "waiting"]

_TRIES = 40
_NEXT = 20
"""Numbers that are tried one after the other."""
_FAR = 10**12
"""How much further the next number may lie after that; all stay far below 10**18."""
NOTES = 20
"""Reasons of refusals that are read: the newest."""


def authored(hub: Hub, proposal: Proposal, role: str = "member") -> Proposal:
    """`proposal` under the id that it has as this member's: `m-<key>-<id>`, which no other can take."""
    head = f"m-{keys.public_hex(hub.own_key(role))[:8]}-"
    if proposal.id.startswith(head):
        return proposal
    return msgspec.structs.replace(proposal, id=head + proposal.id)


def send(hub: Hub, kind: str, body: dict[str, Any], role: str = "member") -> str:
    """Leave a message, signed with this machine's key for `role`; returns its name in the hub.

    `body` is for a `tombstone` {"keys": [session key, ...]} (200 at most), for a `proposal` the Proposal as
    builtins, for a `vote` {"proposal", "vote": approve|against, "reason"}, for `counts` the commit's fields
    but for `public`, `n` and `sig`, for a `leave` nothing, for a `join` what `statements.join` gives. Raises
    UsageError where this machine has no such key, BadInputError where the body is wrong, BusyError while a
    rotation of the key waits, StorageError.
    """
    if kind not in _MAKERS:
        raise UsageError(f"{kind!r} is not a kind of message.", f"Known: {', '.join(_MAKERS)}.")
    need_utf8(kind, body)
    if waiting_rotation(hub.keys_folder, hub.info.group, role):
        raise BusyError(
            f"The new {role} key of this machine is not in the log of the hub at {hub.url} yet.",
            "A message that the old key signs now would not count.",
            "Try again once the group has taken it in; see: skillclaw hub status --all",
        )
    key = hub.own_key(role)
    made = _MAKERS[kind](hub, key, body)
    return post(hub, key, kind, lambda n: made)  # type: ignore[arg-type]


def post(hub: Hub, key: keys.SigningKey, kind: Kind, make: Callable[[int], dict[str, Any]]) -> str:
    """Leave a message whose body may depend on its number; returns its name in the hub."""
    public, group = keys.public_hex(key), hub.info.group
    n = keys.counted(hub.keys_folder, group, public)
    n = n or max((m for m, _ in _own(hub, public)), default=0)
    for attempt in range(_TRIES):
        # Numbers need not follow each other. Whoever took all the next ones cannot take all the others.
        n += 1 if attempt < _NEXT else 1 + secrets.randbelow(_FAR)
        message = Message(group=group, client=public, n=n, time=_now(), kind=kind, body=make(n))
        name = messages.place(public, n)
        if hub.store.create_surely(name, messages.write(message, key)):
            keys.count(hub.keys_folder, group, public, n)
            return name
    raise BusyError(
        f"The inbox of the hub at {hub.url} is full.", f"{_TRIES} numbers are taken.", "Try later."
    )


def waiting(hub: Hub, public: str) -> list[Message]:
    """The messages of a key that were not taken in yet, in order; what cannot be read is left out."""
    found = []
    for n, name in _own(hub, public):
        try:
            data = hub.store.get(name, messages.MAX_PROPOSAL)
            if data is None:
                continue
            found.append(messages.read(data, hub.info.group, public, n))
        except (BadInputError, StorageError):  # others may write there too
            continue
    return found


def refusals(hub: Hub, public: str) -> list[Refusal]:
    """Why messages of a key were set aside, in order, as far as that is still there."""
    found = []
    try:
        names = hub.store.list(f"{messages.folder_of(public)}/refused")
    except StorageError:
        return []  # a member need not be allowed to list
    for name in names[-NOTES:]:
        try:
            data = hub.store.get(name, messages.MAX_MESSAGE)
            found.append(msgspec.json.decode(data or b"", type=Refusal))
        except (StorageError, msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return found


def _own(hub: Hub, public: str) -> list[tuple[int, str]]:
    try:
        names = hub.store.list(messages.folder_of(public))
    except StorageError:
        return []  # a member need not be allowed to list; a number is found by trying
    return sorted((found[1], name) for name in names if (found := messages.parse_place(name)))


def _join(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    return body


def _leave(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    return statements.leave(hub.info.group, key)


def _tombstone(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    wanted = body.get("keys", [body["key"]] if "key" in body else [])
    if not wanted or len(wanted) > messages.MAX_KEYS or not all(isinstance(one, str) for one in wanted):
        raise BadInputError(f"A tombstone names 1 to {messages.MAX_KEYS} sessions.")
    signed = [statements.tombstone(hub.info.group, key, one) for one in wanted]
    return {"keys": wanted, "sigs": [one["sig"] for one in signed]}


def _proposal(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    try:
        record = msgspec.convert(body, Proposal)
    except msgspec.ValidationError as error:
        raise BadInputError("This is no proposal.", str(error)) from error
    head = f"m-{keys.public_hex(key)[:8]}-"
    if not record.id.startswith(head):
        record = msgspec.structs.replace(record, id=head + record.id)
    made = version(record.bundle) if record.bundle is not None else None
    sig = statements.proposal(hub.info.group, key, record.id, record.skill, record.action, record.base, made)
    return {"proposal": msgspec.to_builtins(record), "sig": sig}


def _vote(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    from skillclaw.hub.membership import member

    if body.get("vote") not in ("approve", "against"):
        raise BadInputError("A vote is approve or against.")
    proposal, state = str(body.get("proposal")), hub.state()
    known = state.proposals.get(proposal)
    if known is None:
        raise BadInputError(f"There is no proposal {ascii(proposal)[:80]}.")
    before = known.votes.get(member(state, keys.public_hex(key)))
    n = _next(hub, key, "vote", before.n if before else 0)
    return statements.vote(hub.info.group, key, proposal, body["vote"], str(body.get("reason", ""))[:500], n)


def _counts(hub: Hub, key: keys.SigningKey, body: dict[str, Any]) -> dict[str, Any]:
    from skillclaw.hub.membership import member

    state = hub.state()
    known = state.proposals.get(str(body.get("proposal")))
    if known is None:
        raise BadInputError(f"There is no proposal {ascii(body.get('proposal'))[:80]}.")
    before = known.counts.get(member(state, keys.public_hex(key)))
    n = _next(hub, key, "counts", before.n if before else 0)
    return statements.counts(hub.info.group, key, {**body, "n": n})


def _next(hub: Hub, key: keys.SigningKey, kind: str, before: int) -> int:
    """The number of the next that the member says of one proposal, after those that wait in the inbox."""
    pending = [m.body.get("n", 0) for m in waiting(hub, keys.public_hex(key)) if m.kind == kind]
    return 1 + max([before, *(m for m in pending if isinstance(m, int))])


_MAKERS: dict[str, Callable[[Hub, keys.SigningKey, dict[str, Any]], dict[str, Any]]] = {
    "join": _join,
    "leave": _leave,
    "tombstone": _tombstone,
    "proposal": _proposal,
    "vote": _vote,
    "counts": _counts,
}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
