"""The guided tour of the demo's pages: what to look at on each. Where the reader is stands in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from skillclaw.web.site.ask import Ask

__all__ = ["STOPS", "Stop", "stop_of"]

STOPS: tuple[tuple[str, str, str], ...] = (
    (
        "home",
        "Home",
        "What runs, what was learned this week, what waits for you, and what is wrong. Below: how often "
        "sessions went well on each day, with the interval that so few sessions leave open.",
    ),
    (
        "skills",
        "Skills",
        "Each skill was written from what many sessions show. Look at the stage: a change is tried on a part "
        "of the days before it stays.",
    ),
    (
        "skill",
        "One skill",
        "Point at a line: beside it stand the sessions that it rests on. No line stands there without them.",
    ),
    (
        "proposals",
        "Proposals",
        "What the gate let through, refused or holds until a person decides, with every check's reason.",
    ),
    (
        "patterns",
        "Patterns",
        "What sessions have in common: failures with the fix that worked, corrections, procedures. Each has "
        "its odds and their interval; what cannot be told from chance is not made into a skill.",
    ),
    (
        "sessions",
        "Sessions",
        "Where all of it comes from. Open one: tool calls, signals of its outcome, and masked secrets.",
    ),
)
"""Route, title and text. A stop whose page does not exist is left out."""


@dataclass(frozen=True)
class Stop:
    """Where the reader is: the stop's number from 1, of how many, its words, its neighbours' addresses."""

    number: int
    all: int
    title: Markup
    text: Markup
    before: str
    next: str


def stop_of(ask: Ask) -> Stop | None:
    """The stop that the address names (`?tour=2`); None where the reader takes no tour."""
    if not ask.query.get("tour"):
        return None
    known = ask.request.scope["skillclaw.parameters"]
    skill = _skill(ask)
    stops = [one for one in STOPS if one[0] in known and (one[0] != "skill" or skill)]
    number = ask.whole("tour", 1, 1, len(stops))

    def there(to: int) -> str:
        if not 1 <= to <= len(stops):
            return ""
        parts = {"hub": "personal", "name": skill} if stops[to - 1][0] == "skill" else {}
        return ask.url(stops[to - 1][0], **parts, tour=to)

    _, title, text = stops[number - 1]
    return Stop(
        number=number,
        all=len(stops),
        title=ask.t(title),
        text=ask.t(text),
        before=there(number - 1),
        next=there(number + 1),
    )


def _skill(ask: Ask) -> str:
    """The skill that the tour shows: one with most versions, so that there is something to see."""

    def find() -> str:
        with ask.house.open() as machine:
            skills = machine.hub.state().skills.values()
        here = [one for one in skills if one.current]
        return max(here, key=lambda one: (len(one.releases), one.name), default=None).name if here else ""  # type: ignore[union-attr]

    return ask.house.kept("tour", 0, find)
