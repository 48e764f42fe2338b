"""First paint as Chromium tells it, where there is one and Playwright to drive it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Painter", "painter"]

PAINT = """() => new Promise((done) => {
  const told = (all) => { const one = all.find((entry) => entry.name === 'first-contentful-paint');
    if (one) done(one.startTime); return one; };
  if (told(performance.getEntriesByType('paint'))) return;
  new PerformanceObserver((list) => told(list.getEntries())).observe({type: 'paint', buffered: true});
})"""
"""The moment of the first contentful paint, in ms since the navigation began (W3C Paint Timing)."""


class Painter:
    """A window of Chromium that is logged in."""

    def __init__(self, page: Page, link: str) -> None:
        self._page = page
        self._origin = link.partition("/login#")[0]
        page.goto(link)
        page.wait_for_url(f"{self._origin}/")

    def paint(self, path: str) -> float:
        """Milliseconds from the navigation to the first contentful paint of the page."""
        self._page.goto(self._origin + path)
        return float(self._page.evaluate(PAINT))


@contextmanager
def painter(link: str) -> Iterator[Painter | None]:
    """One; None where Chromium or Playwright is missing. `CHROMIUM` names another program."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(
        (found for name in names if (found := shutil.which(name))), None
    )
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        path = None
    if path is None:
        yield None
        return
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield Painter(browser.new_page(viewport={"width": 1440, "height": 900}), link)
        finally:
            browser.close()
