"""Groups made for measuring: a hub with members whose keys lie here, and sessions that they sealed.

Everything goes into the hub as clients put it there: the owner admits keys, a member signs and seals each
session to the evolvers. No command is run, so that many groups can be filled soon.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from skillclaw.hub import Hub, keys
from skillclaw.hub.founding import found_group
from skillclaw.hub.sealed import object_name, put_session, seal, sealing_keys, sealing_public
from skillclaw.hub.store import Store
from skillclaw.trajectory.model import Trajectory, encode, meta

__all__ = ["MadeGroup", "make_group", "open_group", "send"]


@dataclass(frozen=True)
class MadeGroup:
    """A group: its hub as the owner opens it, and the keys of its members."""

    hub: Hub
    members: list[keys.SigningKey]


def make_group(url: str, place: Path, evolvers: Sequence[Path], *, members: int) -> MadeGroup:
    """A new group at `url`, whose owner's and members' keys lie in `place`.

    Each home of `evolvers` gets a key of an evolver and one that opens what is sealed to it.
    """
    found_group(Store(url), place / "keys", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    hub = Hub.open(url, place / "keys", place / "hubs.json")
    group = hub.info.group
    made = open_group(url, place, members=members)
    for number, key in enumerate(made.members):
        _admit(hub, {"public": keys.public_hex(key), "role": "member", "name": f"member {number}"})
    for number, home in enumerate(evolvers):
        own = keys.load_or_create(home / "keys", group, "evolver")
        sealing = sealing_public(keys.load_or_create(home / "keys", group, "sealing"))
        body = {"public": keys.public_hex(own), "role": "evolver", "name": f"evolver {number}"}
        _admit(hub, body | {"sealing": sealing})
    hub.commit("settings", {"policy": "team"}, role="owner")
    return made


def open_group(url: str, place: Path, *, members: int) -> MadeGroup:
    """The group that was made at `url` before, with its first so many members."""
    hub = Hub.open(url, place / "keys", place / "hubs.json")
    folder, group = place / "members", hub.info.group
    own = [keys.load_or_create(folder, group, f"member{number}") for number in range(members)]
    return MadeGroup(hub=hub, members=own)


def send(made: MadeGroup, sessions: Iterable[Trajectory], *, day: str) -> int:
    """Seal each session as the member that its user stands for, and put it into the hub under `day`
    (YYYY-MM-DD); how many. Raises VerifyError for one that was sent that day already.
    """
    evolvers = sealing_keys(made.hub.state())
    group, count = made.hub.info.group, 0
    users: dict[str, keys.SigningKey] = {}
    for one in sessions:
        known = meta(one)
        key = users.setdefault(known.user, made.members[len(users) % len(made.members)])
        name = object_name(key.encode(), group, known.key, 1, day)
        put_session(made.hub, name, seal(encode(one), key, group=group, evolver=evolvers, name=name))
        count += 1
    return count


def _admit(hub: Hub, body: dict[str, str]) -> None:
    if body["public"] not in hub.state().keys:
        hub.commit("key-add", dict(body), role="owner")
