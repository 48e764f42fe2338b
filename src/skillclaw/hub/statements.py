"""What a member signs when another's key writes the commit: its own words, bound to the group. Pure.

The text is `skillclaw <kind>`, NUL, and a JSON array of the group's id and the fields, so that there is one
way to read it, and no signature of one kind, group or format can stand for another's.
"""

from __future__ import annotations

import msgspec

from skillclaw.hub import keys
from skillclaw.hub.keys import SigningKey

__all__ = ["counts", "join", "leave", "proposal", "request", "rotate", "statement", "tombstone", "vote"]


COUNTED = (
    "proposal",
    "object",
    "won",
    "lost",
    "tied",
    "void",
    "model",
    "calls",
    "tokens",
    "seconds",
    "skillclaw",
    "n",
)
"""What is signed of `counts`, in this order."""


def statement(kind: str, group: str, *fields: str | int | None) -> bytes:
    """The bytes that are signed."""
    return f"skillclaw {kind}\0".encode() + msgspec.json.encode([group, *fields])


def join(
    group: str, invite: SigningKey, own: SigningKey, name: str, sealing: str = ""
) -> dict[str, str | int | None]:
    """The body of a `join` with the invite's one-time key, for the key `own`."""
    said = statement("join", group, keys.public_hex(invite), keys.public_hex(own), name, sealing)
    body: dict[str, str | int | None] = {
        "invite": keys.public_hex(invite),
        "public": keys.public_hex(own),
        "name": name,
        "sig": keys.sign(invite, said),
        "proof": keys.sign(own, said),
    }
    return body | ({"sealing": sealing} if sealing else {})


def leave(group: str, own: SigningKey) -> dict[str, str | int | None]:
    """The body of a `leave`."""
    public = keys.public_hex(own)
    return {"public": public, "sig": keys.sign(own, statement("leave", group, public))}


def rotate(
    group: str, old: SigningKey, new: SigningKey, upto: int, sealing: str = ""
) -> dict[str, str | int | None]:
    """The body of a `rotate`: `new` for `old`, whose messages below number `upto` still count."""
    said = statement("rotate", group, keys.public_hex(old), keys.public_hex(new), sealing, upto)
    body: dict[str, str | int | None] = {
        "old": keys.public_hex(old),
        "new": keys.public_hex(new),
        "upto": upto,
        "sig": keys.sign(old, said),
        "proof": keys.sign(new, said),
    }
    return body | ({"sealing": sealing} if sealing else {})


def tombstone(group: str, own: SigningKey, key: str) -> dict[str, str | int | None]:
    """The body of a `tombstone` for the member's own session `key`."""
    public = keys.public_hex(own)
    sig = keys.sign(own, statement("tombstone", group, public, key))
    return {"key": key, "client": public, "sig": sig}


def proposal(
    group: str, own: SigningKey, id_: str, skill: str, action: str, base: str | None, version: str | None
) -> str:
    """The signature of the author of a proposal."""
    return keys.sign(
        own, statement("proposal", group, keys.public_hex(own), id_, skill, action, base, version)
    )


def vote(
    group: str, own: SigningKey, proposal_id: str, vote: str, reason: str, n: int
) -> dict[str, str | int | None]:
    """The body of a `vote`, the member's `n`th on this proposal."""
    public = keys.public_hex(own)
    sig = keys.sign(own, statement("vote", group, public, proposal_id, vote, reason, n))
    return {"proposal": proposal_id, "public": public, "vote": vote, "reason": reason, "n": n, "sig": sig}


def counts(group: str, own: SigningKey, fields: dict[str, str | int]) -> dict[str, str | int]:
    """The body of a `counts`; `fields` are all of it but `public` and `sig`."""
    public = keys.public_hex(own)
    said = [fields[name] for name in COUNTED]
    return {**fields, "public": public, "sig": keys.sign(own, statement("counts", group, public, *said))}


def request(group: str, own: SigningKey, role: str, name: str, sealing: str) -> str:
    """The signature of a request to admit the key `own` (`hub key`)."""
    return keys.sign(own, statement("key", group, keys.public_hex(own), role, name, sealing))
