"""The page `sessions`: a list that is searched and narrowed, from the catalogue."""

from __future__ import annotations

from starlette.responses import Response

from skillclaw.journal.catalogue import Cursor, Filter
from skillclaw.web.catalogues import catalogue
from skillclaw.web.pages import session
from skillclaw.web.site.ask import Ask, page

__all__ = ["ROUTES"]

LIMIT = 50
CHOICES = 200
"""Agents, projects and skills that a filter offers."""
FIRST, LATER = 0.05, 0.7
"""Seconds for which the catalogue is filled by a page, and by its questions how far that is."""


def show(ask: Ask) -> Response:
    """The list. Nothing is narrowed by what is empty."""
    given = _filter(ask)
    known = catalogue(ask.house)
    progress = known.refresh(LATER if ask.request.headers.get("hx-target") == "filling" else FIRST)
    rows = known.page(given, _after(ask), LIMIT)
    narrow = {name: value for name, value in ask.query.items() if name in _FIELDS and value}
    following = {"after": "~".join(rows.next)} if rows.next else None
    with ask.house.open() as machine:
        quiet = machine.settings.journal.idle
    return ask.render(
        "sessions/index.html",
        page="sessions",
        given=given,
        rows=rows.rows,
        counts=known.counts(given),
        progress=progress,
        agents=known.agents()[:CHOICES],
        projects=known.projects()[:CHOICES],
        skills=known.skills(CHOICES),
        narrowed=bool(narrow),
        quiet=quiet,
        before=ask.url("sessions", **narrow) if ask.query.get("after") else "",
        next=ask.url("sessions", **narrow, **following) if following else "",
    )


_FIELDS = ("agent", "project", "outcome", "skill", "words", "source", "since", "until", "offered")


def _filter(ask: Ask) -> Filter:
    given = {name: ask.query.get(name, "")[:400] for name in _FIELDS[:-1]}
    return Filter(**given, offered=ask.query.get("offered") == "1")


def _after(ask: Ask) -> Cursor | None:
    begin, there, key = ask.query.get("after", "").partition("~")
    return (begin, key) if there else None


ROUTES = [page("/sessions", "sessions", show), *session.ROUTES]
