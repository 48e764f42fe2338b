"""The hubs: who belongs to a group, its keys, settings, log, votes and spending."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.hub.store import masked
from skillclaw.server.machine import PERSONAL
from skillclaw.web.pages import group_acts
from skillclaw.web.reading import entries, group
from skillclaw.web.reading.told import name_of, words
from skillclaw.web.site.ask import Ask, page
from skillclaw.web.site.house import role_in

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState
    from skillclaw.server.hubs.opened import Source

__all__ = ["ROUTES"]

PAGE = 25
"""Entries of the log on one page."""
MEMBERS = 500
"""Members whose coming is looked up."""
FORMER = 200
"""Keys that count no longer, on the page."""
TRANSLATED = ("role", "stage", "status", "action", "vote")


@dataclass(frozen=True)
class Line:
    """An entry of the log in words."""

    seq: int
    time: str
    who: str
    text: Any
    counts: bool


def index(ask: Ask) -> Response:
    """All hubs of this machine; how to make and join a group."""
    with ask.house.open() as machine:
        sources = machine.hubs.sources()
        urls = {name: masked(one.url) for name, one in machine.settings.hubs.items()}
        urls[PERSONAL] = masked(machine.hub_url)
    rows = [
        {
            "name": one.name,
            "url": urls.get(one.name, ""),
            "state": one.state,
            "error": one.error,
            "role": role_in(one),
            "keys": sum(key.active for key in one.state.keys.values()) if one.state else 0,
        }
        for one in sources
    ]
    return ask.render("group/index.html", page="group", rows=rows, alone=len(rows) == 1)


def show(ask: Ask) -> Response:
    """One hub."""
    name = ask.path["hub"]
    with ask.house.open() as machine:
        source = machine.hubs.source(name)
        settings = machine.settings
        own = _own(source, machine)
    if source.error is not None or source.hub is None or source.state is None:
        raise source.error or BadInputError(ask.t("There is no such hub yet: the first cycle makes it."))
    hub, state = source.hub, source.state
    now = datetime.now(UTC)
    seqs = sorted({key.seq for key in state.keys.values() if key.seq and not key.first})[:MEMBERS]
    came = ask.house.kept(("came", name), (state.group, *seqs), lambda: entries.times(hub, state, seqs))
    came = {0: hub.info.created} | came  # the founder stands in hub.json
    lines = group.members(state, own, came, now)
    return ask.render(
        "group/hub.html",
        page="group",
        hub=name,
        personal=name == PERSONAL,
        url_shown=hub.url,
        state=state,
        role=role_in(source),
        evolves=name != PERSONAL and hub.acts_as("evolver"),
        members=[one for one in lines if one.stands == "active"],
        former=[one for one in lines if one.stands != "active"][:FORMER],
        invites=group.open_invites(state),
        settings=group.settings_of(state) if name != PERSONAL else [],
        log=_log(ask, hub, state),
        verified=_verified(ask, name),
        votes=_votes(ask, name, hub, state),
        spending=_spending(ask, name, hub),
        budget=settings.evolve.budget,
        voting=settings.gate.votes,
    )


def _own(source: Source, machine: Any) -> list[str]:
    """This machine's keys in the hub."""
    from skillclaw.server.groups.membership import own_keys

    if source.hub is None:
        return []
    return [key.public for key in own_keys(machine, source.hub).values()]


def _log(ask: Ask, hub: Hub, state: HubState) -> dict[str, Any]:
    """One page of the log, newest first, and the addresses of its neighbours."""
    last = state.seq
    upto = ask.whole("upto", last, 0, last)
    tip = ask.house.kept(
        ("tip", state.group, upto),
        state.head if upto == last else 0,
        lambda: entries.back_to(hub, state, upto),
    )
    found = entries.part(hub, state, upto, tip, PAGE)
    if found.upto:
        ask.house.kept(("tip", state.group, found.upto), 0, lambda: found.tip)
    there = "group-hub"
    name = ask.path["hub"]
    return {
        "lines": [_line(ask, state, one) for one in found.entries],
        "older": f"{ask.url(there, hub=name, upto=found.upto)}#log" if found.upto else "",
        "newer": f"{ask.url(there, hub=name, upto=min(last, upto + PAGE))}#log" if upto < last else "",
    }


def _line(ask: Ask, state: HubState, entry: entries.Entry) -> Line:
    commit = entry.commit
    if commit is None:
        return Line(entry.seq, "", "", ask.t("cannot be read"), entry.counts)
    text, values = words(state, commit)
    told = {key: ask.t(value) if key in TRANSLATED else value for key, value in values.items()}
    return Line(entry.seq, commit.time, name_of(state, commit.signer), ask.t(text, **told), entry.counts)


def _verified(ask: Ask, name: str) -> dict[str, Any] | None:
    """What the last `hub verify` of this hub found; None where none ran that is kept."""
    job = ask.house.jobs.last("verify", "--hub", name)
    if job is None:
        return None
    result = job.result if isinstance(job.result, dict) else {}
    problems = result.get("problems")
    return {
        "job": job,
        "problems": [str(one) for one in problems] if isinstance(problems, list) else [],
        "known": job.state == "done" and isinstance(problems, list),
    }


def _votes(ask: Ask, name: str, hub: Hub, state: HubState) -> list[group.VoteLine]:
    if name == PERSONAL:
        return []
    stamp = state.seq, int(time.monotonic() / 30)
    return ask.house.kept(("votes", name), stamp, lambda: group.votes(hub, state))


def _spending(ask: Ask, name: str, hub: Hub) -> dict[str, Any]:
    """What was paid: here for all hubs, and by the group's other evolvers; `error`: why that is not known."""
    from skillclaw.server.machine import Machine

    def read() -> dict[str, Any]:
        machine = Machine(ask.house.home, ask.house.environ)
        try:
            here, error = group.paid_here(machine), ""
        except SkillClawError as caught:
            here, error = [], caught.what
        return {
            "here": here,
            "error": error,
            "group": group.paid_by_group(machine, hub) if name != PERSONAL else None,
        }

    return ask.house.kept(("spending", name), int(time.monotonic() / 30), read)


def shown_once(ask: Ask) -> Response:
    """A string that was made a moment ago: an invite, a request."""
    made = group_acts.take(ask)
    if made is None:
        raise UsageError(
            ask.t("This was shown already."),
            ask.t("It is shown once and kept nowhere."),
            ask.t("Withdraw it, and make another."),
        )
    return ask.render("group/made.html", page="group", made=made, hub=ask.path["hub"])


ROUTES = [
    page("/group", "group", index),
    page("/group/{hub}", "group-hub", show),
    page("/group/{hub}/made/{id}", "group-made", shown_once),
    *group_acts.ROUTES,
]
