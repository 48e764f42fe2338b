"""`skillclaw hub repin`: go on with a hub that was restored from a backup older than what was seen here.

To the machine that is the same as an attack: somebody who holds the storage shows an old log, in which what
was revoked counts still. So a person says which end of the log is meant, as the owner told it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skillclaw.errors import UsageError, VerifyError
from skillclaw.hub import Hub, listing, log
from skillclaw.hub.seen import SeenGroup, drop_fold, save_seen
from skillclaw.hub.store import plain
from skillclaw.hub.walking import walk
from skillclaw.server.machine import PERSONAL
from skillclaw.server.sharing.view import current, hub_names
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["Repinned", "repin"]

SHOWN = 32
"""Hex digits of an entry's hash that people pass on."""
_TIP = re.compile(r"(\d{1,12})-([0-9a-f]{32,64})")


class Repinned(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`hub repin --json`: the hub, its group; the number of the entry that had been `seen` last, and the
    `end` of the log now, as people pass it on; whether anything was `changed` here."""

    hub: str
    group: str
    seen: int
    end: str
    changed: bool


def repin(machine: Machine, name: str | None, tip: str = "") -> Repinned:
    """Take the log of hub `name` as it is now for the right one, if entry and hash of `tip` stand in it.

    Changes nothing where the log goes on from what was seen. VerifyError where it does not and no tip, or
    another, is given; where the log has a gap; or where another group or owner is there.
    """
    name, url = _wanted(machine, name)
    path = machine.home / "hubs.json"
    hub = Hub.open(url, machine.home / "keys", path)
    seen = hub.reader.seen
    found = listing.look(hub.store, 0)
    state, tips = log.initial(hub.info), {0: ""}
    for step in walk(hub.store, hub.info, found):
        state = step.state
        tips[state.seq] = step.tip
    if found.behind(state.seq):
        raise VerifyError(
            f"The log of hub {name} has a gap behind entry {state.seq}.",
            "It was not restored whole.",
            "Nothing is changed. Put back the whole folder log/ of one backup.",
        )
    end = f"{state.seq}-{tips[state.seq][:SHOWN]}"
    told = Repinned(hub=name, group=hub.info.group, seen=seen.seq, end=end, changed=False)
    if tips.get(seen.seq) == seen.tip:
        return told
    _check(name, seen, tips, tip, end)
    drop_fold(machine.home / "hubs", hub.info.group)
    now = SeenGroup(owner=hub.info.owner, seq=state.seq, head=state.head, tip=tips[state.seq])
    save_seen(path, plain(hub.store.url), hub.info.group, now, back=True)
    return Repinned(hub=name, group=hub.info.group, seen=seen.seq, end=end, changed=True)


def _wanted(machine: Machine, name: str | None) -> tuple[str, str]:
    settings, _ = current(machine)
    known = hub_names(settings)
    if name is None and len(known) == 1:
        name = known[0]
    if name == PERSONAL:
        return name, machine.hub_url
    if name is None or name not in known:
        raise UsageError(
            "Say which hub: --hub NAME.",
            f"Known: {', '.join([*known, PERSONAL])}.",
            "See: skillclaw hub status",
        )
    return name, settings.hubs[name].url


def _check(name: str, seen: SeenGroup, tips: dict[int, str], tip: str, end: str) -> None:
    last = max(tips)
    what = (
        f"The log of hub {name} ends at entry {last}, and {seen.seq} were seen."
        if last < seen.seq
        else f"Entry {seen.seq} of the log of hub {name} is another than the one that was seen."
    )
    if not tip:
        raise VerifyError(
            what,
            f"It ends with {end}. An attacker who hides what was revoked looks the same.",
            "Nothing is changed. Ask the owner for the end that was restored: skillclaw hub repin --tip END",
        )
    given = _TIP.fullmatch(tip.strip().lower())
    if given is None:
        raise UsageError(
            f"{tip[:80]!r} is no end of a log.", "", "It has the form 42-3f2a...: a number, a hash."
        )
    if not tips.get(int(given[1]), "").startswith(given[2]):
        raise VerifyError(
            f"The log of hub {name} has no such entry.",
            f"It ends with {end}; asked for: {tip[:80]}.",
            "Nothing is changed. Ask the owner: another log than the restored one may lie there.",
        )
