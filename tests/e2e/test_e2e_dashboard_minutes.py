"""What somebody does in the first ten minutes, done in Chromium, each step timed (docs/dashboard.md).

With DASHBOARD_MINUTES the seconds are written to that file; `make minutes` makes the table of the docs of it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import PHONE, WIDE, Window
from dashboard_data import House, names_of
from dashboard_docs import BEGIN, END, table
from dashboard_process import another, started
from team import sc

from skillclaw.web.pages import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

THERE = {route.name for route in ROUTES}
DOCS = Path(__file__).parents[2] / "docs" / "dashboard.md"
ALL = 600.0


@dataclass
class Minutes:
    """The steps so far, each with what it took; those whose page is not there are left out."""

    window: Window
    names: dict[str, str]
    said: Callable[..., Any]
    rows: list[dict[str, str | float]] = field(default_factory=list)

    def step(self, what: str, do: Callable[[], object], *routes: str) -> None:
        if not set(routes) <= THERE:
            return
        began = time.perf_counter()
        try:
            do()
        except Exception as error:
            lines = ["what was asked last:", *self.window.recent, f"at {time.monotonic():.2f}"]
            error.add_note("\n".join(lines))
            raise
        self.rows.append({"what": what, "seconds": round(time.perf_counter() - began, 2)})
        self.window.clean(what)

    def follow(self, name: str, path: str) -> None:
        """Press the page's name in the navigation, and wait for the page."""
        self.window.page.get_by_role("link", name=name, exact=True).first.click()
        self.window.page.wait_for_url(f"{self.window.root}{path}")
        self.window.page.get_by_role("heading", level=1).wait_for()

    def press(self, path: str) -> None:
        """Follow the first link to this path."""
        self.window.page.locator(f"main a[href$='{path}']").first.click()
        self.window.page.wait_for_url(f"**{path}")
        self.window.page.get_by_role("heading", level=1).wait_for()


@pytest.fixture
def minutes(learned: House, chrome: Browser, tmp_path: Path) -> Iterator[tuple[Minutes, Callable[[], None]]]:
    house = learned.copy(tmp_path / "house")
    names = names_of(house)
    with started(house.user) as link:
        window = Window.make(chrome)
        yield (
            Minutes(window, names, lambda *args: sc(house.place, "ada", *args)),
            lambda: window.enter(another(house.user, link)),
        )


def test_the_first_ten_minutes(minutes: tuple[Minutes, Callable[[], None]]) -> None:
    one, enter = minutes
    window, names = one.window, one.names
    page = window.page

    def read_a_line() -> None:
        page.locator("#skill-text a[href^='#line-']").first.click()
        page.locator("article.evidence:target").wait_for()

    def approve() -> None:
        page.locator("#approve-note").fill("I read the sessions that it cites.")
        page.locator("#approve button").click()
        window.told()

    def feedback() -> None:
        page.locator("#note").fill("It changed the wrong event.")
        window.button("It went badly")
        window.told()

    def invite() -> None:
        page.locator("#invite-name").fill("yan")
        window.button("Make an invite")
        page.locator("#made").wait_for()

    def dark_and_chinese() -> None:
        page.get_by_role("button", name="Colours: automatic").click()
        page.locator("html[data-theme=dark]").wait_for()
        page.get_by_role("button", name="中文").click()
        page.locator("html[lang=zh-Hans]").wait_for()

    def on_a_phone() -> None:
        window.size(PHONE)
        window.open("/")
        assert window.wider() <= 0
        window.size(WIDE)

    one.step("Opens the link that `skillclaw dashboard` prints", enter)
    one.step("Looks through the skills that were learned", lambda: one.follow("Skills", "/skills"))
    one.step("Reads one", lambda: one.press(f"/skills/personal/{names['skill']}"), "skill")
    one.step("Asks what a line of it rests on", read_a_line, "skill")
    one.step("Looks what waits for a decision", lambda: one.follow("Proposals", "/proposals"))
    one.step("Opens a proposal", lambda: one.press(f"/proposals/personal/{names['held']}"), "proposal")
    one.step("Approves it with a note", approve, "approve-proposal")
    one.step("Looks at the patterns behind", lambda: one.follow("Patterns", "/patterns"))
    one.step("Looks through the sessions", lambda: one.follow("Sessions", "/sessions"))
    one.step("Reads one", lambda: window.open(f"/sessions/{names['session']}"), "session")
    one.step("Says that it went badly", feedback, "session-feedback")
    one.step(
        "Looks what a group would get of it",
        lambda: one.press(f"/sessions/{names['session']}/preview"),
        "session-preview",
    )
    one.step("Looks at the group", lambda: one.follow("Group", "/group"))
    one.step("Opens it: members, votes, the log", lambda: one.press("/group/team"), "group-hub")
    one.step("Invites a colleague", invite, "invite")
    one.step("Looks at the settings", lambda: one.follow("Settings", "/settings"))
    one.step("Reads on in Chinese, in dark colours", dark_and_chinese)
    one.step("Looks at it on a phone", on_a_phone)
    total = sum(float(row["seconds"]) for row in one.rows)
    assert total < ALL
    if "approve-proposal" in THERE:
        rows = one.said("proposals", "list")
        assert next(row for row in rows if row["id"] == names["held"])["status"] in ("passed", "released")
    if path := os.environ.get("DASHBOARD_MINUTES"):
        Path(path).write_text(json.dumps(one.rows), "utf-8")


def test_the_docs_have_the_steps_of_this_test() -> None:
    """The table is made from figures; its steps are those that are done here."""
    text = DOCS.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    source = Path(__file__).read_text("utf-8")
    steps = [
        line.split(" | ")[1].strip() for line in text.splitlines() if line.startswith("| ") and "." in line
    ]
    if not steps:
        pytest.skip("the table is not made yet: make minutes")
    assert len(steps) > 6
    assert all(f'"{one}"' in source for one in steps if one != "all of it"), steps
    assert table([{"what": "a", "seconds": 1.25}]).splitlines()[2] == "| 1 | a | 1.2 |"
