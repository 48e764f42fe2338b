"""Inviting, joining and leaving a group."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from skillclaw import settings as settings_module
from skillclaw.errors import BadInputError, StorageError, UsageError, VerifyError
from skillclaw.hub import Hub, Invite, keys, log, statements
from skillclaw.hub.founding import INFO, parse_info
from skillclaw.hub.inbox import post, send, take_in, waiting
from skillclaw.hub.invites import Invitation, read_invite, shareable, why_not_join, write
from skillclaw.hub.sealed import sealing_public
from skillclaw.hub.seen import SeenGroup, load_seen, save_seen
from skillclaw.hub.store import Store, local_folder, plain
from skillclaw.hub.taking_in import WRITERS
from skillclaw.logins import refuse_shown
from skillclaw.server.groups.founding import free_name
from skillclaw.server.groups.membership import find, judging, own_keys
from skillclaw.server.sharing.view import clock
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import HubState
    from skillclaw.hub.keys import SigningKey
    from skillclaw.server.machine import Machine

__all__ = ["Invited", "Joined", "Left", "invite", "join", "leave", "uninvite"]


class Invited(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub invite --json`: the string to pass on, and what it says; `public` names it in the log.

    `left_out` names options of the hub's URL that are not in it, since they may be credentials.
    """

    invite: str
    hub: str
    role: str
    name: str
    expires: str
    uses: int
    public: str
    left_out: list[str] = []


class Joined(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub join --json`: the hub's name here, its group, who founded it (key), this machine's role and key.

    state     member, or waiting until an owner's, reviewer's or evolver's machine takes the join in
    evolvers  who reads the sessions that are shared; model: the model provider that its owner says it asks
    """

    hub: str
    url: str
    group: str
    owner: str
    role: str
    name: str
    key: str
    state: str
    evolvers: list[str]
    model: str
    policy: str


class Left(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub leave --json`: the hub, and for each role whether it left already or the message waits."""

    hub: str
    roles: dict[str, str]


def invite(
    machine: Machine, name: str | None, *, role: str = "member", days: int = 7, who: str = "", uses: int = 1
) -> Invited:
    """Commit an invite as owner. UsageError where this machine is none."""
    opened = find(machine, name)
    hub: Hub = opened.hub
    seed = secrets.token_bytes(32)
    public = keys.public_hex(keys.SigningKey(seed))
    expires = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"public": public, "role": role, "expires": expires, "name": who, "uses": uses}
    hub.commit("invite", body, role="owner")
    hub.state()
    seen = hub.reader.seen
    url, left_out = shareable(hub.store.url)
    told = Invitation(
        url=url,
        group=hub.info.group,
        owner=bytes.fromhex(hub.info.owner),
        seq=seen.seq,
        tip=bytes.fromhex(seen.tip),
        head=bytes.fromhex(seen.head),
        role=role,
        expires=expires,
        name=who,
        seed=seed,
        hub=opened.view.name,
    )
    return Invited(
        invite=write(told),
        hub=opened.view.name,
        role=role,
        name=who,
        expires=expires,
        uses=uses,
        public=public,
        left_out=left_out,
    )


def uninvite(machine: Machine, name: str | None, which: str) -> str:
    """Withdraw an invite, given the string or how its public key begins; the key of what was withdrawn."""
    hub: Hub = find(machine, name).hub
    if which.startswith("skillclaw-"):
        which = keys.public_hex(read_invite(which).key)
    found = [one for one in hub.state().invites if one.startswith(which.lower())] if which else []
    if len(found) != 1:
        raise UsageError(
            f"{'Several invites begin' if found else 'No invite begins'} with {which[:70]!r}.",
            "",
            "See: skillclaw hub members",
        )
    hub.commit("uninvite", {"public": found[0]}, role="owner")
    return found[0]


def join(
    machine: Machine, text: str, *, name: str | None = None, who: str | None = None, url: str | None = None
) -> Joined:
    """Join the group of an invite: pin it, make the key here, leave the join in the inbox. Again: go on.

    `url` is where the hub lies for this machine, if not where the invite says. Raises BadInputError where the
    invite does not hold, VerifyError where the hub is not the one that it names.
    """
    invitation = read_invite(text)
    machine.prepare()
    if url is None:
        _check_url(invitation.url)
    given = url or invitation.url
    refuse_shown(given)
    folder = local_folder(given)
    given = str(folder) if folder is not None else given
    if plain(given) == plain(machine.hub_url):
        raise UsageError("The invite leads to the personal hub of this machine.", plain(given))
    name = free_name(machine, name, given, invitation.hub)
    hub = _open_pinned(machine, given, invitation)
    state = hub.state()
    public = keys.public_hex(invitation.key)
    known = state.invites.get(public)
    if known is None:
        raise BadInputError(
            "The invite does not hold.",
            "The group's log knows no such invite.",
            "Ask the owner for a new one.",
        )
    label = (who or known.name or machine.user)[:100]
    own = _own_key(hub, known.role)
    if own is None or keys.public_hex(own) not in state.keys:
        own = _ask(hub, known, invitation.key, label)
        state = hub.state()
    settings_module.set_value(machine.home, f"hubs.{name}.url", given)
    return _joined(hub, state, name, known.role, own)


def leave(machine: Machine, name: str | None) -> Left:
    """Leave a group with all keys of this machine. UsageError for its last owner, and where it is none."""
    opened = find(machine, name)
    hub: Hub = opened.hub
    mine = {role: key for role, key in own_keys(machine, hub).items() if key.active}
    if not mine:
        raise UsageError(f"This machine is no member of the group at hub {opened.view.name}.")
    owners = {key.member for key in hub.state().keys.values() if key.role == "owner" and key.active}
    if "owner" in mine and owners == {mine["owner"].member}:
        raise UsageError(
            "The only owner cannot leave the group: nobody could admit or revoke any more.",
            "",
            "Let another owner's machine ask (skillclaw hub key --role owner), and admit it.",
        )
    done = {}
    # The key that writes the log for the others goes last.
    for role in sorted(mine, key=lambda role: role in WRITERS):
        body = statements.leave(hub.info.group, hub.own_key(role))
        writer = hub.acts_as(*WRITERS)
        if writer is not None:
            hub.commit("leave", body, role=writer)
            done[role] = "left"
        else:
            if not any(m.kind == "leave" for m in waiting(hub, mine[role].public)):
                send(hub, "leave", {}, role=role)
            done[role] = "waiting"
    return Left(hub=opened.view.name, roles=done)


def _check_url(url: str) -> None:
    """An invite comes from outside: its URL must not send this machine's files or tokens away."""
    _, refused = shareable(url)
    if refused:
        raise BadInputError(
            "The invite's URL holds options that no invite needs.",
            f"They are: {', '.join(name[:40] for name in refused[:5])}.",
            "Ask the owner for another. If you know the storage: skillclaw hub join INVITE --url URL",
        )


def _open_pinned(machine: Machine, url: str, invitation: Invitation) -> Hub:
    """The hub of the invite: its group, its founder, a log that goes on from what the owner saw; pinned."""
    store = Store(url, make=False)
    data = store.get(INFO, log.MAX_COMMIT)
    if data is None:
        raise StorageError(
            f"There is no hub at {store.shown}.",
            "It has no hub.json.",
            "If it lies elsewhere for this machine: skillclaw hub join INVITE --url FOLDER-OR-URL",
        )
    info = parse_info(data, store.shown)
    if (info.group, info.owner) != (invitation.group, invitation.owner.hex()):
        raise VerifyError(
            f"The hub at {store.shown} is not the one that the invite names.",
            f"It says group {info.group[:16]}, owner {info.owner[:16]}; "
            f"the invite {invitation.group[:16]}, {invitation.owner.hex()[:16]}.",
            "Nothing was joined. Ask the owner.",
        )
    path = machine.home / "hubs.json"
    told = SeenGroup(
        owner=info.owner, seq=invitation.seq, head=invitation.head.hex(), tip=invitation.tip.hex()
    )
    known = load_seen(path).groups.get(info.group)
    if known is None or known.seq < told.seq:
        # Looked at before it is remembered: an invite that is wrong must not stand in the way of a right one.
        look = Hub(store, info, machine.home / "keys", path)
        look.reader.seen = told
        look.state()
    save_seen(path, plain(url), info.group, told)
    hub = Hub.open(url, machine.home / "keys", path)
    hub.state()
    return hub


def _own_key(hub: Hub, role: str) -> SigningKey | None:
    """This machine's key for the role; one that counts no more makes room for a new one."""
    folder, group = hub.keys_folder, hub.info.group
    own = keys.load(folder, group, role)
    known = hub.state().keys.get(keys.public_hex(own)) if own is not None else None
    if known is None or known.active:
        return own
    for name in (role, f"{role}.next", *(("sealing", "sealing.next") if role == "evolver" else ())):
        keys.set_aside(folder, group, name)
    return None


def _ask(hub: Hub, known: Invite, key: SigningKey, label: str) -> SigningKey:
    """Leave the join in the inbox, unless it lies there; take it in where this machine may."""
    reason = why_not_join(known, clock())
    if reason:
        raise BadInputError(
            f"Nobody can join with this invite: {reason}.",
            "",
            "Ask the owner for a new one: skillclaw hub invite",
        )
    folder, group = hub.keys_folder, hub.info.group
    own = keys.load_or_create(folder, group, known.role)
    sealing = ""
    if known.role == "evolver":
        sealing = sealing_public(keys.load_or_create(folder, group, "sealing"))
    body: dict[str, Any] = statements.join(group, key, own, label, sealing)
    mine = waiting(hub, keys.public_hex(own))
    if not any(m.kind == "join" and m.body.get("invite") == known.public for m in mine):
        post(hub, own, "join", lambda n: body)
    if hub.acts_as(*WRITERS):
        take_in(hub, judging(hub))
    return own


def _joined(hub: Hub, state: HubState, name: str, role: str, own: SigningKey) -> Joined:
    key = state.keys.get(keys.public_hex(own))
    evolvers = [one for one in state.keys.values() if one.role == "evolver" and one.active]
    return Joined(
        hub=name,
        url=hub.url,
        group=hub.info.group,
        owner=hub.info.owner,
        role=role,
        name=key.name if key is not None else "",
        key=keys.public_hex(own),
        state="member" if key is not None else "waiting",
        evolvers=[f"{one.name or 'evolver'} ({one.public[:16]})" for one in evolvers],
        model=str(state.settings.get("model", "")),
        policy=str(state.settings.get("policy", "solo")),
    )
