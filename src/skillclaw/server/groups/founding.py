"""`hub init`: a new group at a place, with this machine as its owner."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skillclaw import settings as settings_module
from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.hub import Hub, keys, log
from skillclaw.hub.founding import INFO, found_group, parse_info
from skillclaw.hub.sealed import sealing_public
from skillclaw.hub.store import Store, local_folder, plain
from skillclaw.logins import refuse_shown
from skillclaw.server.machine import PERSONAL
from skillclaw.server.sharing.view import clock
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["Founded", "found", "free_name"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Founded(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub init --json`: the hub's name here, where it lies, its group, the owner's key, the policy, and the
    roles that this machine has keys for.
    """

    hub: str
    url: str
    group: str
    owner: str
    policy: str
    roles: list[str]


def found(
    machine: Machine,
    url: str,
    *,
    name: str | None = None,
    policy: str = "team",
    evolver: bool = False,
    who: str = "owner",
    model: str = "",
) -> Founded:
    """Make a group at `url`. What was cut off goes on at the next call; a hub of others is refused.

    Raises UsageError where a hub or the name is taken, StorageError where the storage cannot hold a hub.
    """
    refuse_shown(url)
    machine.prepare()
    folder = local_folder(url)
    url = str(folder) if folder is not None else url
    name = free_name(machine, name, url, _guess(url))
    if plain(url) == plain(machine.hub_url):
        raise UsageError(
            f"{plain(url)} is the personal hub of this machine.",
            "A group needs a place of its own.",
            "skillclaw hub init FOLDER-OR-URL",
        )
    keys_folder, seen = machine.home / "keys", machine.home / "hubs.json"
    store = Store(url)
    data = store.get(INFO, log.MAX_COMMIT)
    if data is None:
        if store.list("log"):
            raise StorageError(
                f"The hub at {store.shown} is not whole: hub.json is gone.",
                "Its log is there. Nothing is changed.",
                "Put hub.json back from a backup, or choose another place.",
            )
        store.probe()
        data = found_group(store, keys_folder, clock())
    info = parse_info(data, store.shown)
    if keys.load(keys_folder, info.group, "owner") is None:
        raise _taken(store.shown, info.group)
    hub = Hub.open(url, keys_folder, seen)
    if "policy" in (settings := hub.state().settings):
        known = settings_module.load(machine.home, machine.environ).hubs
        if any(one.url and plain(one.url) == plain(url) for one in known.values()):
            raise UsageError(
                f"This machine has made the hub at {store.shown} already.",
                f"It is of group {info.group[:16]}, here hub {name}.",
                f"See: skillclaw hub members --hub {name}",
            )
        if hub.acts_as("owner") is None:
            raise _taken(store.shown, info.group)
        # cut off when all but the name was settled
        settings_module.set_value(machine.home, f"hubs.{name}.url", url)
        mine = [role for role in ("owner", "member", "evolver") if hub.acts_as(role)]
        policy = str(settings["policy"])
        return Founded(
            hub=name, url=store.shown, group=info.group, owner=info.owner, policy=policy, roles=mine
        )
    roles = ["owner", "member"]
    _admit(hub, "member", {"name": who})
    if evolver:
        sealing = keys.load_or_create(keys_folder, info.group, "sealing")
        _admit(hub, "evolver", {"name": "evolver", "sealing": sealing_public(sealing)})
        roles.append("evolver")
    # Last, since it tells that the group is whole.
    hub.commit("settings", {"policy": policy, **({"model": model} if model else {})}, role="owner")
    settings_module.set_value(machine.home, f"hubs.{name}.url", url)
    return Founded(hub=name, url=store.shown, group=info.group, owner=info.owner, policy=policy, roles=roles)


def free_name(machine: Machine, given: str | None, url: str, guess: str) -> str:
    """A name for the hub at `url` in the settings: the one given, else the one it has, else `guess`."""
    hubs = settings_module.load(machine.home, machine.environ).hubs
    same = [name for name, hub in hubs.items() if hub.url and plain(hub.url) == plain(url)]
    name = given or (same[0] if same else guess)
    if not _NAME.fullmatch(name) or name == PERSONAL:
        raise UsageError(
            f"{name[:70]!r} is no name for a group's hub.",
            "A name has small letters, digits, - and _, and is not 'personal'.",
            "Give it another: --name NAME",
        )
    if same and name not in same:
        raise UsageError(
            f"The hub at {plain(url)} is called {same[0]} here already.",
            "",
            "To call it otherwise, change its name in config.toml.",
        )
    known = hubs.get(name)
    if known is not None and known.url and plain(known.url) != plain(url):
        raise UsageError(
            f"There is a hub named {name} already, at another place.",
            "",
            "Give this one another: --name NAME",
        )
    return name


def _admit(hub: Hub, role: str, more: dict[str, Any]) -> None:
    public = keys.public_hex(keys.load_or_create(hub.keys_folder, hub.info.group, role))
    if public in hub.state().keys:
        return
    try:
        hub.commit("key-add", {"public": public, "role": role, **more}, role="owner")
    except BadInputError:
        if public not in hub.state().keys:  # another process may have been first
            raise


def _guess(url: str) -> str:
    last = re.sub(
        r"[^a-z0-9_-]+", "-", plain(url).rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1].lower()
    )
    last = last.strip("-_")[:64]
    return last if last and last != PERSONAL else "team"


def _taken(shown: str, group: str) -> UsageError:
    return UsageError(
        f"There is a hub at {shown} already.",
        f"It is of group {group[:16]}.",
        "Ask its owner for an invite (skillclaw hub join), or choose another place.",
    )
