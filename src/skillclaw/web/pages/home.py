"""Home: what runs, what was learned, what waits, what is wrong, how it goes; the way in for who is new."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from skillclaw.errors import BadInputError, UsageError
from skillclaw.web.reading.agents import AtHand, at_hand
from skillclaw.web.reading.chart import HIGH, WIDE, chart, whole
from skillclaw.web.reading.days import figures
from skillclaw.web.reading.running import now, troubles, waiting
from skillclaw.web.reading.week import KINDS, news
from skillclaw.web.site.ask import Ask, act, page
from skillclaw.web.warm import PAGES, then_load

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["ROUTES"]

WEEK = timedelta(days=7)
SPANS = (30, 90)
SHOWN = 12
"""Things that were learned, on the first page."""
AT_HAND = 20.0
"""Seconds for which what was found of agents is taken for current."""


def show(ask: Ask) -> Response:
    """The page."""
    moment = datetime.now(UTC)
    span = 90 if ask.query.get("days") == "90" else 30
    with ask.house.open() as machine:
        sources = machine.hubs.sources()
        state = now(machine)
        wrong = [] if ask.house.demo else troubles(machine, state, sources)
        waits = waiting(machine, sources)
        sessions = _stored(machine)
    until = moment.date()
    if ask.house.demo and (last := _last_day(ask)) is not None:
        until = last  # the demo's sessions are of another time
    since = until - timedelta(days=span - 1)
    found = figures(ask.house, since, until)
    every = found.every
    learned = news(sources, (moment - WEEK).strftime("%Y-%m-%dT%H:%M:%SZ"))
    answer = ask.render(
        "home/index.html",
        page="home",
        state=state,
        troubles=wrong,
        waits=waits,
        learned=learned[:SHOWN],
        more_learned=len(learned) - SHOWN,
        kinds=KINDS,
        sessions=sessions,
        chart=chart(found.days),
        unread=every.sessions - found.read,
        every=every,
        all_rate=whole(every.success, every.failure),
        span=span,
        spans=SPANS,
        wide=WIDE,
        high=HIGH,
        jobs=[] if ask.house.demo else ask.house.jobs.all()[:5],
    )
    return then_load(answer, *PAGES)


def agents(ask: Ask) -> Response:
    """What takes longer: a part of the page that is fetched behind it, or a page for who has no scripts."""
    found = None if ask.house.demo else _at_hand(ask)
    return ask.render(
        "home/agents_part.html" if ask.request.headers.get("hx-request") else "home/agents.html",
        page="home",
        found=found,
    )


def begin(ask: Ask) -> Response:
    """Begin one of the dashboard's jobs."""
    kind, back = ask.path["kind"], ask.form.get("back", "")
    args: list[str] = []
    if kind == "import":
        args = _import_args(ask)
    elif kind == "up" and ask.form.get("agree"):
        args = ["--yes"]
    elif kind == "verify" or (kind == "evolve" and ask.form.get("hub")):
        args = ["--hub", _hub(ask)]
    job = ask.house.jobs.start(kind, *args)
    told = ask.t("Begun: {command}", command=job.command)
    return ask.back(told) if back else ask.go("home", told)


def job(ask: Ask) -> Response:
    """What came out of one job."""
    found = next((one for one in ask.house.jobs.all() if one.id == ask.path["id"]), None)
    if found is None:
        raise BadInputError(
            ask.t("There is no such job."), ask.t("Only the newest are kept."), "skillclaw status"
        )
    return ask.render("home/job.html", page="home", job=found, rows=_findings(found.result))


def _at_hand(ask: Ask) -> AtHand:
    from skillclaw.server.machine import Machine

    def look() -> AtHand:
        # a machine of its own: this takes long, and pages wait for the house's
        machine = Machine(ask.house.home, ask.house.environ)
        try:
            return at_hand(machine)
        finally:
            if "sessions" in machine.__dict__:
                machine.sessions.close()

    return ask.house.kept("at hand", int(time.monotonic() / AT_HAND), look)


def _stored(machine: Machine) -> int:
    """How many sessions there are."""
    return machine.sessions.count() if (machine.home / "sessions.db").exists() else 0


def _last_day(ask: Ask) -> Any:
    with ask.house.open() as machine:
        rows = machine.sessions.rows(limit=1)
    try:
        return datetime.fromisoformat(rows[0].started).date()
    except (IndexError, ValueError):
        return None


def _import_args(ask: Ask) -> list[str]:
    path, since = ask.form.get("path", "").strip(), ask.form.get("since", "").strip()
    args = []
    if since:
        if not since.isdecimal() or len(since) > 5 or int(since) == 0:
            raise UsageError(ask.t("That is no number of days."))
        args = ["--since", since]
    # behind `--` nothing that is typed is taken for an option
    return [*args, "--", path] if path else args


def _hub(ask: Ask) -> str:
    """A hub of this machine by the form's name."""
    given = ask.form.get("hub", "")
    with ask.house.open() as machine:
        names = machine.hubs.names()
    if given not in names:
        raise UsageError(ask.t("There is no hub of this name here."))
    return given


def _findings(result: Any) -> list[dict[str, str]]:
    """The findings of `doctor`, as rows."""
    rows = result if isinstance(result, list) else []
    return [
        {name: str(one.get(name, "")) for name in ("level", "subject", "text", "mend")}
        for one in rows
        if isinstance(one, dict)
    ]


ROUTES = [
    page("/", "home", show),
    page("/agents", "home-agents", agents),
    page("/jobs/{id}", "job", job),
    act("/jobs/{kind}/begin", "begin", begin),
]
