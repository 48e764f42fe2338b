"""The page `proposals`."""

from __future__ import annotations

from starlette.responses import Response

from skillclaw.web.site.ask import Ask, page

__all__ = ["ROUTES"]


def show(ask: Ask) -> Response:
    """The page."""
    return ask.render("proposals/index.html", page="proposals")


ROUTES = [page("/proposals", "proposals", show)]
