"""The page `patterns`."""

from __future__ import annotations

from starlette.responses import Response

from skillclaw.web.site.ask import Ask, page

__all__ = ["ROUTES"]


def show(ask: Ask) -> Response:
    """The page."""
    return ask.render("patterns/index.html", page="patterns")


ROUTES = [page("/patterns", "patterns", show)]
