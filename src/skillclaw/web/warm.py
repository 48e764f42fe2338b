"""What the next page needs, loaded once the reader has this one: what masks texts takes a third of a second
to compile, and what installs skills as long to import."""

from __future__ import annotations

from importlib import import_module

from starlette.background import BackgroundTask
from starlette.responses import Response

__all__ = ["PAGES", "REDACTOR", "then_load"]

PAGES = (
    "skillclaw.library.choose",
    "skillclaw.server.skills.story",
    "skillclaw.server.groups.joining",
    "skillclaw.server.groups.membership",
    "skillclaw.evolve.models",
    "skills_ref",
    "markdown_it",
)
"""What the other pages need at their first visit."""
REDACTOR = ("skillclaw.journal.redact", "skillclaw.server.sharing.session")
"""What shows how something would leave this machine."""


def then_load(response: Response, *modules: str) -> Response:
    """The answer; after it was sent the modules are imported, once in a process."""
    response.background = BackgroundTask(_load, modules)
    return response


def _load(modules: tuple[str, ...]) -> None:
    for name in modules:
        import_module(name)
