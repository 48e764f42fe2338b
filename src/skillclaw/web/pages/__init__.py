"""The pages of the dashboard, a module each. `ROUTES` of a module are its pages and actions."""

from __future__ import annotations

from starlette.routing import Route

from skillclaw.web.pages import group, home, patterns, proposals, sessions, settings, skills

__all__ = ["ROUTES"]

ROUTES: list[Route] = [
    *home.ROUTES,
    *skills.ROUTES,
    *proposals.ROUTES,
    *patterns.ROUTES,
    *sessions.ROUTES,
    *group.ROUTES,
    *settings.ROUTES,
]
