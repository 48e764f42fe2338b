"""After a decision the agents' folders follow it. With many skills that takes long, so it is never
a part of the answer."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.responses import Response

from skillclaw.errors import SkillClawError
from skillclaw.server.hubs.polling import wake
from skillclaw.server.up.runfile import read_running
from skillclaw.web.site.ask import Ask, Flash

__all__ = ["then_sync"]


def then_sync(ask: Ask, response: Response, *, hurry: bool = False) -> Response:
    """The answer; after it the `up` that runs syncs, else (with `hurry` in any case) a job of the dashboard,
    which the next page tells."""
    home = ask.house.home
    if read_running(home) is not None:
        wake(home)
        if not hurry:
            return response
    told = ask.t("The agents' folders follow now; the first page tells how far that is.")
    ask.site.tell(ask.browser, Flash(told))
    response.background = BackgroundTask(_sync, ask)
    return response


def _sync(ask: Ask) -> None:
    try:
        ask.house.jobs.soon("sync")
    except SkillClawError as error:
        ask.site.tell(ask.browser, Flash(error.what, error.why, error.todo, wrong=True))
