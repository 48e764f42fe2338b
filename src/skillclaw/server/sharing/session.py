"""What sharing would do with one session: for each group's hub, whether it may go, and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.journal.share_rules import decide
from skillclaw.server.sharing.view import bound, current, hub_names, open_hub, subjects
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine

__all__ = ["Destination", "destinations"]


class Destination(Record, frozen=True, kw_only=True):
    """One group's hub for one session.

    allowed, rule, why  the decision as of now; `error` instead, where the hub could not be read
    waiting  the session lies in the outbox for it; sent: when its last revision left (ISO 8601), and is there
    """

    hub: str
    allowed: bool = False
    rule: str = ""
    why: str = ""
    error: str = ""
    waiting: bool = False
    sent: str = ""


def destinations(machine: Machine, row: SessionRow) -> list[Destination]:
    """The groups' hubs in the order of the settings. Nothing leaves."""
    settings, grants = current(machine)
    waiting = {one.hub for one in machine.outbox.entries() if one.session == row.id and one.state != "undo"}
    sent: dict[str, str] = {}
    for one in machine.outbox.receipts(row.id):
        if one.withdrawn is None and one.session == row.id:
            sent[one.hub] = max(one.time, sent.get(one.hub, ""))
    found = []
    for name in hub_names(settings):
        known = Destination(hub=name, waiting=name in waiting, sent=sent.get(name, ""))
        try:
            opened = bound(machine, open_hub(machine, settings, name), grants)
            _, subject = next(subjects(machine, [row], opened.view))
            made = decide(settings.share, opened.view, subject)
        except SkillClawError as error:
            told = error.brief
            found.append(msgspec.structs.replace(known, error=told))
            continue
        found.append(msgspec.structs.replace(known, allowed=made.allowed, rule=made.rule, why=made.why))
    return found
