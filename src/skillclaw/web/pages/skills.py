"""The page `skills`."""

from __future__ import annotations

from starlette.responses import Response

from skillclaw.web.site.ask import Ask, page

__all__ = ["ROUTES"]


def show(ask: Ask) -> Response:
    """The page."""
    return ask.render("skills/index.html", page="skills")


ROUTES = [page("/skills", "skills", show)]
