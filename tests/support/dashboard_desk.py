"""A house of one's own with a window onto its dashboard, and proof of which actions a browser did there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browser import Window
from dashboard_data import House, names_of
from dashboard_process import started
from team import sc

from skillclaw.web.pages import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["ACTS", "Desk", "at_desk", "did"]

ACTS = {route.name: route for route in ROUTES if "POST" in (route.methods or ())}
"""The dashboard's actions by name."""


def did(window: Window, *acts: str) -> None:
    """These actions were done in this window since the last time, and nothing was complained of."""
    posted, window.posted = window.posted, []
    missing = [one for one in acts if not any(ACTS[one].path_regex.match(path) for path in posted)]
    assert not missing, f"not done: {missing}; done: {posted}"
    window.clean(", ".join(acts))


@dataclass(frozen=True)
class Desk:
    """A house of its own, its dashboard's window, and what stands in paths."""

    house: House
    window: Window
    names: dict[str, str]

    def said(self, *args: str) -> Any:
        """What a command prints on Ada's machine."""
        return sc(self.house.place, "ada", *args)

    def open(self, path: str) -> None:
        self.window.open(path.format(**self.names))

    def did(self, *acts: str) -> None:
        did(self.window, *acts)

    def skill(self, name: str = "") -> Any:
        """A skill as `skills list` has it; without a name the one that most actions are done on."""
        wanted = name or self.names["skill"]
        return next((one for one in self.said("skills", "list") if one["name"] == wanted), None)

    def proposal(self, name: str) -> str:
        """How a proposal stands."""
        rows = self.said("proposals", "list")
        return str(next(one["status"] for one in rows if one["id"] == self.names[name]))


@contextmanager
def at_desk(learned: House, place: Path, chrome: Browser) -> Iterator[Desk]:
    """The desk of a copy of the house, in `place`."""
    house = learned.copy(place)
    names = names_of(house)
    waiting = [
        one["id"]
        for one in sc(house.place, "ada", "proposals", "list")
        if one["status"] == "held" and one["hub"] == "personal" and one["skill"] != names["skill"]
    ]
    sessions = sc(house.place, "ada", "sessions", "list")
    names |= {"first": waiting[0], "second": waiting[1]}
    names |= {"session": sessions[4]["id"], "gone": sessions[5]["id"]}
    with started(house.user) as link:
        window = Window.make(chrome)
        window.enter(link)
        window.posted.clear()
        yield Desk(house, window, names)
