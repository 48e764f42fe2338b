"""Keys of a group: who has which, asking for one to be admitted, rotation, revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub import Hub, Invite, keys, statements
from skillclaw.hub.inbox import post, waiting
from skillclaw.hub.invites import KeyRequest, read_request, why_not_join, write
from skillclaw.hub.keyring import ROLES, begin_rotation
from skillclaw.hub.membership import standing
from skillclaw.hub.sealed import sealing_public
from skillclaw.hub.taking_in import WRITERS
from skillclaw.server.groups.membership import find, own_keys
from skillclaw.server.sharing.view import clock, current, hub_names, open_hub
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.records import Key, Role
    from skillclaw.server.machine import Machine

__all__ = ["MemberRow", "Members", "Requested", "Rotated", "admit", "members", "request", "revoke", "rotate"]


class MemberRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A key of the group: who has it, its role, how it stands (active, replaced, left, revoked), when that
    came about, and whether it is one of this machine.
    """

    name: str
    role: str
    key: str
    state: str
    ended: str
    here: bool


class Members(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub members --json`: keys, and invites that somebody can still join with."""

    hub: str
    members: list[MemberRow]
    invites: list[Invite]


class Requested(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub key --json`: the string for the owner, and what it asks for."""

    request: str
    hub: str
    role: str
    name: str
    key: str


class Rotated(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub rotate --json`: the hub, the role, the old and the new key; `state`: done, or waiting for who may
    write the log; `sealing`: of an evolver, the new key that sessions are sealed to, which its owner is told.
    """

    hub: str
    role: str
    old: str
    new: str
    state: str
    sealing: str = ""


def members(machine: Machine, name: str | None) -> Members:
    """Who belongs to the group."""
    opened = find(machine, name)
    mine = {key.public for key in own_keys(machine, opened.hub).values()}
    rows = [
        MemberRow(
            name=key.name,
            role=key.role,
            key=key.public,
            state=standing(key),
            ended=key.ended,
            here=key.public in mine,
        )
        for key in opened.state.keys.values()
    ]
    invites = [one for one in opened.state.invites.values() if not why_not_join(one, clock())]
    return Members(hub=opened.view.name, members=rows, invites=invites)


def request(machine: Machine, name: str | None, role: str, who: str = "") -> Requested:
    """A key of this machine for the role, made where there is none, as a request that an owner can admit."""
    opened = find(machine, name)
    hub: Hub = opened.hub
    group = hub.info.group
    own = keys.load_or_create(hub.keys_folder, group, role)
    known = opened.state.keys.get(keys.public_hex(own))
    if known is not None:
        raise UsageError(
            f"This machine's {role} key is in the log already ({standing(known)}).",
            f"It is {known.public[:16]}.",
            "To replace it: skillclaw hub rotate"
            if known.active
            else "Ask for an invite: skillclaw hub join",
        )
    sealing = (
        sealing_public(keys.load_or_create(hub.keys_folder, group, "sealing")) if role == "evolver" else ""
    )
    label = (who or machine.user)[:100]
    told = KeyRequest(
        group=group,
        public=keys.public_hex(own),
        role=cast("Role", role),
        name=label,
        sealing=sealing,
        sig=statements.request(group, own, role, label, sealing),
    )
    return Requested(request=write(told), hub=opened.view.name, role=role, name=label, key=told.public)


def admit(machine: Machine, text: str) -> MemberRow:
    """As owner: admit the key of a request; the group is the one that it names. Again: nothing changes."""
    told = read_request(text)
    settings, _ = current(machine)
    for name in hub_names(settings):
        opened = open_hub(machine, settings, name)
        if opened.view.group == told.group:
            break
    else:
        raise UsageError(
            f"This machine knows no hub of group {told.group[:16]}, which the request is for.",
            "",
            "See: skillclaw hub status --all",
        )
    hub: Hub = opened.hub
    if told.public not in opened.state.keys:
        body = {"public": told.public, "role": told.role, "name": told.name}
        hub.commit("key-add", body | ({"sealing": told.sealing} if told.sealing else {}), role="owner")
    key = hub.state().keys[told.public]
    return MemberRow(
        name=key.name, role=key.role, key=key.public, state=standing(key), ended=key.ended, here=False
    )


def rotate(machine: Machine, name: str | None, role: str | None) -> Rotated:
    """A new key for this machine's role, in the old one's place. What was cut off goes on at the next
    call.
    """
    opened = find(machine, name)
    hub: Hub = opened.hub
    role = role or _only_role(machine, hub)
    group = hub.info.group
    old = hub.own_key(role)
    known = hub.state().keys.get(keys.public_hex(old))
    if known is None or not known.active:
        stands = standing(known) if known is not None else "not admitted"
        raise UsageError(f"This machine's {role} key cannot be rotated: it is {stands}.")
    new = begin_rotation(hub.keys_folder, group, role)
    sealing = (
        sealing_public(keys.load_or_create(hub.keys_folder, group, "sealing.next")) if known.sealing else ""
    )
    if sealing:
        writer = hub.acts_as("owner")  # who alone may change whom sessions are sealed to
    else:
        writer = hub.acts_as(role) if role in WRITERS else hub.acts_as(*WRITERS)
    done = Rotated(hub=opened.view.name, role=role, old=known.public, new=keys.public_hex(new), state="done")
    done = msgspec.structs.replace(done, sealing=sealing)
    if writer is not None:
        upto = keys.counted(hub.keys_folder, group, known.public) + 1
        hub.commit("rotate", statements.rotate(group, old, new, upto, sealing), role=writer)
        hub.state()  # puts the new key in its place
        return done
    if not any(m.kind == "rotate" and m.body.get("new") == done.new for m in waiting(hub, known.public)):
        post(hub, old, "rotate", lambda n: statements.rotate(group, old, new, n, sealing))
    return msgspec.structs.replace(done, state="waiting")


def revoke(machine: Machine, name: str | None, who: str) -> list[MemberRow]:
    """As owner: end a member by name or how a key begins; all keys that end with it."""
    opened = find(machine, name)
    hub: Hub = opened.hub
    every = opened.state.keys.values()
    hit = [key for key in every if key.name == who or _begins(key, who)]
    open_ = [key for key in hit if not key.revoked]
    if not open_:
        raise BadInputError(
            f"Nobody of the group is called {who[:70]!r}, nor has such a key{' that counts' if hit else ''}.",
            "",
            "See: skillclaw hub members",
        )
    if len({key.member for key in open_}) > 1:
        told = ", ".join(f"{key.name} ({key.role}, {key.public[:16]})" for key in open_[:5])
        raise UsageError(f"{who[:70]!r} is more than one.", told, "Say the key, or how it begins.")
    hub.commit("key-revoke", {"public": open_[0].public}, role="owner")
    ended = [key for key in hub.state().keys.values() if key.member == open_[0].member]
    return [
        MemberRow(
            name=key.name, role=key.role, key=key.public, state=standing(key), ended=key.ended, here=False
        )
        for key in ended
    ]


def _begins(key: Key, who: str) -> bool:
    return len(who) >= 4 and key.public.startswith(who.lower())


def _only_role(machine: Machine, hub: Hub) -> str:
    roles = [role for role, key in own_keys(machine, hub).items() if key.active]
    if len(roles) != 1:
        raise UsageError(
            "Say which key: --role ROLE." if roles else "This machine has no key there that counts.",
            f"This machine has: {', '.join(r for r in ROLES if r in roles)}." if roles else "",
        )
    return roles[0]
