"""What sharing would do now: for each hub, agent and project, whether it is allowed, by which rule, how
much.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError
from skillclaw.journal.share_rules import Decision, HubView, Subject, decide
from skillclaw.server.sharing.view import bound, current, hub_names, open_hub, subjects
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine
    from skillclaw.settings import ShareSettings

__all__ = ["HubStatus", "ShareRow", "ShareStatus", "status"]


class HubStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One group's hub: its group's id, who can read what is sent (the evolver's name and sealing key), what
    waits, what was sent; `error`: why it could not be read, empty where it could.
    """

    hub: str
    group: str
    evolver: str
    sealing: str
    waiting: int
    sent: int
    error: str = ""


class ShareRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The sessions of one agent in one project, for one hub, that one rule settles alike. `shared`: of
    `sessions`, those of which some revision was sent there.
    """

    hub: str
    agent: str
    project: str
    allowed: bool
    rule: str
    why: str
    sessions: int
    shared: int


class ShareStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`share status --json`."""

    default: str
    hubs: list[HubStatus]
    rows: list[ShareRow]


def status(machine: Machine, only: str | None = None) -> ShareStatus:
    """Look at settings, hubs and sessions; nothing leaves."""
    from skillclaw.hub.sealed import sealing_key

    settings, grants = current(machine)
    if only is not None and only not in hub_names(settings):
        open_hub(machine, settings, only)  # says why there is none
    receipts = [one for one in machine.outbox.receipts() if one.withdrawn is None]
    entries = [one for one in machine.outbox.entries() if one.state != "undo"]
    names = [name for name in hub_names(settings) if only in (None, name)]
    stored = machine.sessions.rows(native=False) if names else []
    hubs: list[HubStatus] = []
    rows: list[ShareRow] = []
    for name in names:
        grant = grants.get(f"hubs.{name}")
        view = HubView(name=name, group=grant.group if grant else "", grants=grants)
        evolver, error = None, ""
        try:
            opened = bound(machine, open_hub(machine, settings, name), grants)
            view, evolver = opened.view, sealing_key(opened.state)
        except SkillClawError as problem:
            error = problem.brief
        sent = {one.session for one in receipts if one.group == view.group and view.group}
        hubs.append(
            HubStatus(
                hub=name,
                group=view.group,
                evolver=evolver.name if evolver else "",
                sealing=evolver.sealing if evolver else "",
                waiting=sum(1 for one in entries if one.hub == name),
                sent=sum(1 for one in receipts if one.group == view.group and view.group),
                error=error,
            )
        )
        count: Counter[tuple[str, str, bool, str, str]] = Counter()
        shared: Counter[tuple[str, str, bool, str, str]] = Counter()
        for row, decision in _decided(settings.share, view, subjects(machine, stored, view)):
            cell = (row.agent, row.project, decision.allowed, decision.rule, decision.why)
            count[cell] += 1
            shared[cell] += row.id in sent
        rows += [
            ShareRow(
                hub=name,
                agent=cell[0],
                project=cell[1],
                allowed=cell[2],
                rule=cell[3],
                why=cell[4],
                sessions=number,
                shared=shared[cell],
            )
            for cell, number in sorted(count.items())
        ]
    return ShareStatus(default=settings.share.default, hubs=hubs, rows=rows)


def _decided(
    share: ShareSettings, view: HubView, found: Iterable[tuple[SessionRow, Subject]]
) -> Iterator[tuple[SessionRow, Decision]]:
    """The decision on each session. Of sessions that differ in nothing but their begin those from some moment
    on are decided alike, and so are those before: that moment is searched for, and few are looked at."""
    groups: dict[tuple[object, ...], list[tuple[SessionRow, Subject]]] = {}
    for row, one in found:
        alike = (one.agent, one.project, one.remote, one.other, one.mark, one.asked)
        groups.setdefault(alike, []).append((row, one))
    for group in groups.values():
        group.sort(key=lambda pair: pair[1].started)
        before, after = (decide(share, view, group[place][1]) for place in (0, -1))
        place = bisect_left(group, True, key=lambda pair: decide(share, view, pair[1]) == after)
        for number, (row, _) in enumerate(group):
            yield row, before if number < place else after
