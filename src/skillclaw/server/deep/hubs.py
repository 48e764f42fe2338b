"""Every hub: is it there, does its whole log hold, does this machine's clock agree with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError, UpgradeNeededError
from skillclaw.server.deep.records import Check, fail, ok, unread, warn
from skillclaw.server.machine import PERSONAL, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillclaw.hub import Hub

__all__ = ["clock", "hubs"]

AHEAD = timedelta(minutes=5)
"""How far the newest entry of a log may lie ahead of this machine's clock."""


def hubs(machine: Machine) -> list[Check]:
    """The personal hub and each group's, verified from the start; groups are numbered, not named."""
    from skillclaw.hub import Hub
    from skillclaw.hub.seen import load_seen
    from skillclaw.hub.store_url import plain
    from skillclaw.server.sharing.view import hub_names, open_hub

    settings = machine.settings
    found: list[Check] = []
    if machine.has_hub:
        # Opened and not made: a look changes nothing.
        found += _hub(
            "personal",
            lambda: Hub.open(machine.hub_url, machine.home / "keys", machine.home / "hubs.json"),
            own=not settings.hub.url,  # one that lies elsewhere may have been founded by another machine
        )
    elif plain(machine.hub_url) in load_seen(machine.home / "hubs.json").urls:
        found.append(fail("hubs", PERSONAL, "was here and is gone", "skillclaw restore a backup"))
    else:
        found.append(ok("hubs", PERSONAL, "there is none yet"))
    for number, name in enumerate(hub_names(settings), 1):
        found += _hub(f"group {number}", lambda name=name: open_hub(machine, settings, name).hub)  # type: ignore[misc]
    return found


def _hub(subject: str, opening: Callable[[], Hub], *, own: bool = False) -> list[Check]:
    try:
        return _looked_into(subject, opening(), own)
    except UpgradeNeededError:
        return [fail("hubs", subject, "holds something of a newer format", "Upgrade SkillClaw.")]
    except Exception as error:  # whatever one hub holds hides no other
        return [unread("hubs", subject, error, "skillclaw hub verify --all says why")]


def _looked_into(subject: str, hub: Hub, own: bool) -> list[Check]:
    problems = hub.verify()
    state = hub.state()
    text = f"{state.seq} entries, {state.void} void, {len(state.skills)} skills"
    found = []
    void = sum(1 for problem in problems if " is void: " in problem)
    if len(problems) > void:
        mend = "skillclaw hub verify --all names them; tell the group's owner"
        found.append(fail("hubs", subject, f"{text}; {len(problems) - void} things do not hold", mend))
    elif void:
        mend = "Nothing: void entries have no effect. skillclaw hub verify --all says why they are"
        found.append(warn("hubs", subject, f"{text}; all else holds", mend))
    else:
        found.append(ok("hubs", subject, f"{text}; all holds"))
    return [*found, *_keys(subject, hub, own), *clock(subject, _newest(hub), datetime.now(UTC))]


def _keys(subject: str, hub: Hub, own: bool) -> list[Check]:
    """Whether this machine has its keys of the hub still, and of one of its `own` the owner's."""
    from skillclaw.hub import keys

    found: list[keys.SigningKey] = []
    bad: list[SkillClawError] = []
    for path in sorted((hub.keys_folder / hub.info.group).glob("*.key")):
        try:
            key = keys.load(hub.keys_folder, hub.info.group, path.stem)
        except SkillClawError as error:
            bad.append(error)
        else:
            found += [key] if key is not None else []
    mend = "skillclaw restore a backup; a lost key cannot be remade"
    if bad:
        text = f"{len(bad)} of {len(bad) + len(found)} cannot be read"
        return [unread("hubs", f"{subject} keys", bad[-1], mend, text=text)]
    owners = {public for public, key in hub.state().keys.items() if key.role == "owner"}
    if own and owners.isdisjoint(map(keys.public_hex, found)):
        return [fail("hubs", f"{subject} keys", "its owner's is not on this machine", mend)]
    if not found:
        return [fail("hubs", f"{subject} keys", "none is on this machine", mend)]
    return [ok("hubs", f"{subject} keys", f"{len(found)} can be read")]


def _newest(hub: Hub) -> datetime | None:
    """When the storage wrote the newest entry of the log, by its own clock."""
    try:
        return max(hub.store.times("log").values(), default=None)
    except SkillClawError:
        return None


def clock(subject: str, newest: datetime | None, now: datetime) -> list[Check]:
    """Whether a hub's newest entry lies in this machine's future."""
    if newest is None or newest - now <= AHEAD:
        return []
    text = f"this machine's clock is at least {int((newest - now).total_seconds() // 60)} minutes behind it"
    return [fail("hubs", f"{subject} clock", text, "Set the clock; have the system keep it (NTP)")]
