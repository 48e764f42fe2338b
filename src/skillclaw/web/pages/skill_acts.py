"""What can be done with a skill: pin, promote, roll back, archive, revoke, each as the command does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

from skillclaw.errors import UsageError
from skillclaw.web.settling import then_sync
from skillclaw.web.site.ask import Ask, act

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["ROUTES", "deciding"]

WHY = 500
"""Characters of a reason that are taken; the log says how many it keeps."""


def pin(ask: Ask) -> Response:
    """Pin the skill, or let go of it (`pinned` is 1 or 0)."""
    from skillclaw.server.review.decisions import set_pinned

    pinned = ask.form.get("pinned") == "1"
    with deciding(ask) as machine:
        set_pinned(machine, _full(ask), pinned)
    name = ask.path["name"]
    told = (
        ask.t("{name} is pinned: no cycle changes or retires it.", name=name)
        if pinned
        else ask.t("{name} is no longer pinned.", name=name)
    )
    return ask.back(str(told))


def promote(ask: Ask) -> Response:
    """Make the current version stable for all."""
    from skillclaw.server.review.decisions import promote as decide

    with deciding(ask) as machine:
        release = decide(machine, _full(ask), _why(ask))
    told = ask.t("{name} {version} is stable.", name=release.skill, version=release.version[:12])
    return _told(ask, told)


def rollback(ask: Ask) -> Response:
    """Go back to the version `to`, or to the one before."""
    from skillclaw.server.review.decisions import rollback as decide

    with deciding(ask) as machine:
        version = decide(machine, _full(ask), ask.form.get("to") or None, _why(ask))
    name = ask.path["name"]
    told = (
        ask.t("{name} is back at {version}.", name=name, version=version[:12])
        if version
        else ask.t("{name} is withdrawn; nothing was before it.", name=name)
    )
    return _told(ask, told)


def archive(ask: Ask) -> Response:
    """Leave the skill without a current version."""
    from skillclaw.server.review.decisions import archive as decide

    _sure(ask)
    with deciding(ask) as machine:
        decide(machine, _full(ask), _why(ask))
    told = ask.t("{name} is archived. Roll back to a version to bring it back.", name=ask.path["name"])
    return _told(ask, told)


def revoke(ask: Ask) -> Response:
    """Declare a version, or all of them, unsafe."""
    from skillclaw.server.review.decisions import revoke as decide

    _sure(ask)
    with deciding(ask) as machine:
        versions = decide(
            machine, _full(ask), ask.form.get("version") or None, _why(ask) or "revoked by hand"
        )
    told = ask.t(
        "Revoked {name}: {versions}. Every copy moves to quarantine.",
        name=ask.path["name"],
        versions=", ".join(one[:12] for one in versions),
    )
    return then_sync(ask, ask.back(str(told)), hurry=True)  # it is unsafe


@contextmanager
def deciding(ask: Ask) -> Iterator[Machine]:
    """The machine, with hubs that are read anew: what was seen some seconds ago is nothing to decide by."""
    with ask.house.open() as machine:
        ask.house.fresh()
        yield machine


def _told(ask: Ask, what: Markup) -> Response:
    """Back to the page, which tells it; after that the agents' folders follow."""
    return then_sync(ask, ask.back(str(what)))


def _full(ask: Ask) -> str:
    return f"{ask.path['hub']}/{ask.path['name']}"


def _why(ask: Ask) -> str:
    return ask.form.get("why", "").strip()[:WHY]


def _sure(ask: Ask) -> None:
    if ask.form.get("sure") != "1":
        raise UsageError(
            ask.t("Nothing was done."),
            "",
            ask.t("Tick that you are sure, and press the button again."),
        )


ROUTES = [
    act("/skills/{hub}/{name}/pin", "pin-skill", pin),
    act("/skills/{hub}/{name}/promote", "promote-skill", promote),
    act("/skills/{hub}/{name}/rollback", "rollback-skill", rollback),
    act("/skills/{hub}/{name}/archive", "archive-skill", archive),
    act("/skills/{hub}/{name}/revoke", "revoke-skill", revoke),
]
