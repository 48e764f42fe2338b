"""The rules of the log about who belongs to the group: keys, invites, joining, leaving, rotation. Pure.

A rule gives the next state or raises Void with the reason, as in rules.py. Whoever writes such a commit for
another carries that other's signatures, which are checked here: so a writer of the log, or the thief of its
key, can make nobody a member, and can take nobody's key away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from skillclaw.hub import keys, kinds
from skillclaw.hub.records import Commit, HubState, Invite, Key
from skillclaw.hub.statements import statement
from skillclaw.hub.void import Void

__all__ = ["RULES", "counts", "left_at", "member", "said_by", "standing"]

Rule = Callable[[HubState, Commit, Key, Any], HubState]


def member(state: HubState, public: str) -> str:
    """What stands for the member with this key, whatever key it began or goes on with."""
    key = state.keys.get(public)
    return key.member if key is not None else public


def standing(key: Key) -> str:
    """How a key stands, in a word: active, revoked, left or replaced."""
    if key.revoked:
        return "revoked"
    if key.left:
        return "left"
    return "replaced" if key.replaced else "active"


def counts(state: HubState, signer: str, day: str) -> Key | None:
    """The key that signed a session of `day` (YYYY-MM-DD, as in the object's name), where it counts.

    Nothing of a member that was revoked does. What a replaced key signed does: a stolen key is revoked, not
    rotated. What is from a later day than the member's leaving does not, whichever of its keys signed it.
    """
    key = state.keys.get(signer)
    if key is None or key.revoked:
        return None
    ended = left_at(state, key)
    return key if ended is None or day <= ended[:10] else None


def left_at(state: HubState, key: Key) -> str | None:
    """When the member with this key left (the commit's time), whatever key it left with; None where it did
    not."""
    while key.replaced in state.keys:
        key = state.keys[key.replaced]
    return key.ended if key.left else None


def said_by(state: HubState, public: str, sig: str, kind: str, *fields: str | int | None) -> Key:
    """The key of the member in whose name a commit speaks; Void unless it counts and signed the fields."""
    key = state.keys.get(public)
    if key is None:
        raise Void("who it speaks for is no member of this group")
    if key.revoked or left_at(state, key) is not None:  # whichever of its keys it left with
        raise Void("who it speaks for is no member any more")
    if not keys.verify(public, statement(kind, state.group, public, *fields), sig):
        raise Void("who it speaks for has not signed it")
    return key


def _key_add(state: HubState, commit: Commit, signer: Key, body: kinds.KeyAdd) -> HubState:
    _check_new(state, body.public)
    key = Key(public=body.public, role=body.role, name=body.name, sealing=body.sealing, seq=commit.seq)
    return _with_keys(state, key)


def _key_revoke(state: HubState, commit: Commit, signer: Key, body: kinds.KeyRevoke) -> HubState:
    key = state.keys.get(body.public)
    if key is None or key.revoked:
        raise Void("the key is unknown or revoked already")
    _check_owner_stays(state, key)
    # A thief may have rotated the key, and its owner before him: all keys of the member go.
    hit = [k for k in state.keys.values() if k.member == key.member and not k.revoked]
    state = _with_keys(
        state, *(replace(k, revoked=True, revoked_at=commit.seq, ended=k.ended or commit.time) for k in hit)
    )
    invites = {
        public: replace(invite, withdrawn=True) if invite.by == key.member else invite
        for public, invite in state.invites.items()
    }
    return replace(state, invites=invites)


def _invite(state: HubState, commit: Commit, signer: Key, body: kinds.InviteEntry) -> HubState:
    if body.public in state.invites:
        raise Void("the invite is in the log already")
    _check_new(state, body.public)
    invite = Invite(
        public=body.public,
        role=body.role,
        expires=body.expires,
        name=body.name,
        uses=body.uses,
        by=signer.member,
    )
    return replace(state, invites={**state.invites, body.public: invite})


def _uninvite(state: HubState, commit: Commit, signer: Key, body: kinds.Uninvite) -> HubState:
    invite = state.invites.get(body.public)
    if invite is None or invite.withdrawn:
        raise Void("the invite is unknown or withdrawn already")
    return replace(state, invites={**state.invites, body.public: replace(invite, withdrawn=True)})


def _join(state: HubState, commit: Commit, signer: Key, body: kinds.Join) -> HubState:
    invite = state.invites.get(body.invite)
    if invite is None:
        raise Void("there is no such invite")
    if invite.withdrawn:
        raise Void("the invite was withdrawn")
    _check_new(state, body.public)
    if len(invite.used) >= invite.uses:
        raise Void("the invite was used already")
    if not kinds.is_moment(commit.time) or commit.time > invite.expires:
        raise Void(f"the invite expired at {invite.expires}")
    if bool(body.sealing) != (invite.role == "evolver"):
        raise Void("an evolver, and nobody else, brings a key that sessions are sealed to")
    said = statement("join", state.group, body.invite, body.public, body.name, body.sealing)
    if not keys.verify(body.invite, said, body.sig):
        raise Void("it is not signed with the invite's key")
    if not keys.verify(body.public, said, body.proof):
        raise Void("it is not signed with the new key")
    key = Key(
        public=body.public,
        role=invite.role,
        name=invite.name or body.name,
        sealing=body.sealing,
        seq=commit.seq,
    )
    used = replace(invite, used=[*invite.used, body.public])
    return replace(_with_keys(state, key), invites={**state.invites, body.invite: used})


def _leave(state: HubState, commit: Commit, signer: Key, body: kinds.Leave) -> HubState:
    key = _active(state, body.public)
    _check_owner_stays(state, key)
    if not keys.verify(body.public, statement("leave", state.group, body.public), body.sig):
        raise Void("it is not signed with the key that leaves")
    return _with_keys(state, replace(key, left=True, ended=commit.time))


def _rotate(state: HubState, commit: Commit, signer: Key, body: kinds.Rotate) -> HubState:
    old = _active(state, body.old)
    _check_new(state, body.new)
    if bool(body.sealing) and old.role != "evolver":
        raise Void("only an evolver has a key that sessions are sealed to")
    if old.sealing and not body.sealing:
        raise Void("an evolver that sessions are sealed to needs a key for that")
    if body.sealing != old.sealing and signer.role != "owner":
        # Else the thief of an evolver's signing key could have all sessions sealed to itself.
        raise Void("a new key that sessions are sealed to needs an owner")
    said = statement("rotate", state.group, body.old, body.new, body.sealing, body.upto)
    if not keys.verify(body.old, said, body.sig):
        raise Void("it is not signed with the old key")
    if not keys.verify(body.new, said, body.proof):
        raise Void("it is not signed with the new key")
    new = replace(old, public=body.new, sealing=body.sealing, first=old.member)
    ended = replace(old, replaced=body.new, ended=commit.time, upto=body.upto)
    return _with_keys(state, ended, new)


RULES: dict[str, Rule] = {
    "key-add": _key_add,
    "key-revoke": _key_revoke,
    "invite": _invite,
    "uninvite": _uninvite,
    "join": _join,
    "leave": _leave,
    "rotate": _rotate,
}


def _active(state: HubState, public: str) -> Key:
    key = state.keys.get(public)
    if key is None:
        raise Void("the key is not in the log")
    if not key.active:
        raise Void("the key was revoked, replaced or left already")
    return key


def _check_new(state: HubState, public: str) -> None:
    if public in state.keys:
        raise Void("the key is in the log already")


def _check_owner_stays(state: HubState, going: Key) -> None:
    if not any(k.role == "owner" and k.active and k.member != going.member for k in state.keys.values()):
        raise Void("the last owner's key has to stay; it can be rotated")


def _with_keys(state: HubState, *changed: Key) -> HubState:
    return replace(state, keys={**state.keys, **{key.public: key for key in changed}})
