"""Sessions that were forgotten here and had been shared: their groups are told to leave them out.

Who may write the log does it there; a member leaves it in the inbox. What a group was told is kept in
`hubs/<group>.told.json`, so that nothing is asked of a hub when there is nothing to tell; without the file it
is told once more, which changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE, SkillClawError, StorageError, UsageError
from skillclaw.hub import keys, statements
from skillclaw.hub.inbox import send
from skillclaw.hub.membership import member
from skillclaw.hub.messages import MAX_KEYS
from skillclaw.hub.taking_in import WRITERS
from skillclaw.private import private_folder, whole_file
from skillclaw.server.sharing.sending import ROLES
from skillclaw.server.sharing.view import name_of, open_hub

if TYPE_CHECKING:
    from skillclaw.hub import Hub
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.view import OpenHub

__all__ = ["pending", "tell", "tell_all"]


def pending(machine: Machine) -> dict[str, list[str]]:
    """Forgotten sessions that groups' hubs have got and were not told of, by the hub's name here."""
    if not (machine.home / "sessions.db").exists():
        return {}
    forgotten = machine.sessions.forgotten()
    if not forgotten:
        return {}
    found: dict[str, set[str]] = defaultdict(set)
    told: dict[str, set[str]] = {}
    names: dict[str, str | None] = {}
    for one in machine.outbox.receipts():
        if one.session not in forgotten:
            continue
        if one.group not in told:
            told[one.group] = _told(machine, one.group)
            names[one.group] = name_of(machine, one.group, one.hub)
        if (name := names[one.group]) is not None and one.session not in told[one.group]:
            found[name].add(one.session)
    return {name: sorted(sessions) for name, sessions in found.items()}


def tell_all(machine: Machine) -> dict[str, str]:
    """Tell every group what it was not told yet; why not, by hub, where that failed. `up` tries again."""
    failed: dict[str, str] = {}
    try:
        untold = pending(machine)
    except SkillClawError as error:
        return {"groups": error.brief}
    for name, sessions in untold.items():
        try:
            tell(machine, open_hub(machine, machine.settings, name), sessions)
        except SkillClawError as error:
            failed[name] = error.brief
    return failed


def tell(machine: Machine, opened: OpenHub, sessions: Sequence[str]) -> int:
    """Tell the group of these sessions; how many. UsageError where this machine is no member any more."""
    hub: Hub = opened.hub
    got = {one.session for one in machine.outbox.receipts() if one.group == opened.view.group}
    wanted = [key for key in sessions if key in got]
    if not wanted:
        return 0
    role = hub.acts_as(*ROLES)
    if role is None:
        raise UsageError(
            f"Hub {opened.view.name} could not be told to leave forgotten sessions out.",
            "This machine has no key there that still counts.",
            "Ask the group's owner to do it.",
        )
    own = hub.own_key(role)
    writer = hub.acts_as(*WRITERS)
    if writer is None:
        for start in range(0, len(wanted), MAX_KEYS):
            part = wanted[start : start + MAX_KEYS]
            send(hub, "tombstone", {"keys": part}, role=role)
            _note(machine, opened.view.group, part)
        return len(wanted)
    who = member(hub.state(), keys.public_hex(own))
    for key in wanted:
        if key not in hub.last_state().withdrawn.get(who, []):
            hub.commit("tombstone", statements.tombstone(opened.view.group, own, key), role=writer)
    _note(machine, opened.view.group, wanted)
    return len(wanted)


def _path(machine: Machine, group: str) -> Path:
    return machine.home / "hubs" / f"{group}.told.json"


def _told(machine: Machine, group: str) -> set[str]:
    try:
        return msgspec.json.decode(_path(machine, group).read_bytes(), type=set[str])
    except (OSError, *UNREADABLE):
        return set()


def _note(machine: Machine, group: str, keys_: Sequence[str]) -> None:
    path = _path(machine, group)
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(msgspec.json.encode(sorted(_told(machine, group) | set(keys_))))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
