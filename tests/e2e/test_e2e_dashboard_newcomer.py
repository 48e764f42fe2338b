"""The first minutes with the real Claude Code: what was open before shows by itself what it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Window, chromium
from cli import ok, ok_json
from clients import Person, binary
from dashboard_process import behind_a_door
from scripted import Script, Shell, Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WORK = Script(steps=(Shell("printf 'alpha' > made.txt && cat made.txt"),), final="It is made.")
PROMPT = "kindly do the making-work"
SHEETS = (
    "() => [...document.querySelectorAll('link[data-sheet]')].filter(l => l.media !== 'not all')"
    ".map(l => l.dataset.sheet)"
)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def test_an_agent_is_connected_and_its_session_comes_into_open_pages(
    browser: Browser, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(binary('claude')).parent}:/usr/local/bin:/usr/bin:/bin")
    with Upstream({"making-work": WORK}) as upstream:
        ok("config", "set", "agents.claude-code.upstream", upstream.url, home=person.home)
        ok("config", "set", "journal.idle", "3", home=person.home)
        with behind_a_door(person.home) as link:
            window = Window.make(browser)
            window.enter(link)
            assert "Nothing is recorded yet" in window.text()

            window.page.get_by_role("link", name="Settings", exact=True).click()
            card = window.page.locator("li.agent", has_text="Claude Code")
            card.get_by_role("button", name="Connect", exact=True).click()
            assert window.told() == "Claude Code is connected."
            card.get_by_role("button", name="Disconnect", exact=True).wait_for()
            assert window.page.get_by_role("heading", name="Policy", exact=True).is_visible()

            window.page.get_by_role("link", name="Home", exact=True).click()
            running = window.page.locator("#running")
            running.get_by_text("0 exchanges recorded").wait_for()
            person.claude(PROMPT)
            running.get_by_text("0 exchanges recorded").wait_for(state="detached")
            assert "was quiet for 3 seconds" in running.inner_text()
            window.page.locator("#begin .first").wait_for(state="detached")
            window.page.get_by_role("heading", name="Success over time").wait_for()

            window.button("Agree")
            window.page.locator("#jobs .job-done").wait_for(timeout=60_000)
            running.get_by_role("button", name="Agree").wait_for(state="detached")
            assert ok_json("status", home=person.home)["agreed"] is True
            window.clean("the first minutes")


def test_pages_that_are_reached_by_a_link_look_as_if_they_were_opened(
    browser: Browser, person: Person
) -> None:
    with behind_a_door(person.home) as link:
        window = Window.make(browser)
        window.enter(link)
        for name in ("Skills", "Proposals", "Patterns", "Sessions", "Group", "Settings", "Home"):
            window.page.get_by_role("link", name=name, exact=True).click()
            window.page.get_by_role("heading", name=name, exact=True, level=1).wait_for()
            reached = window.page.evaluate(SHEETS)
            window.page.reload()
            assert reached == window.page.evaluate(SHEETS), name
        window.clean("every page by its link")
