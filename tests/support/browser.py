"""What a person's browser shows: headless Chromium over a real dashboard, and all that it complains of.

Chromium is the system's own, or the one that `CHROMIUM` names; it resolves no name, so nothing that a page
loads can leave this machine, and whatever tries to is a fault.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Response

WIDE, PHONE = (1440, 900), (375, 812)
GRAVE = ("serious", "critical")
REBOUND = "rebound.example"
"""The one name that leads somewhere: to this machine, as an attacker's may."""
RULES = f"MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
ARGS = ["--no-sandbox", f"--host-resolver-rules={RULES}", "--disable-gpu"]
STATUS = re.compile(r"the server responded with a status of (\d+)")


def chromium_path() -> str:
    """Where Chromium is; empty where there is none."""
    named = os.environ.get("CHROMIUM", "")
    names = ("chromium", "chromium-browser", "google-chrome")
    return named or next((found for name in names if (found := shutil.which(name))), "")


def axe_source() -> str:
    """axe-core, which finds what keeps people out of a page; skips the test where it is not installed."""
    path = Path(os.environ.get("E2E_CLIENTS") or "nowhere", "node_modules", "axe-core", "axe.min.js")
    if not path.exists():
        pytest.skip("axe-core is not installed; `make e2e` installs it")
    return path.read_text("utf-8")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium; skips the test, with the reason, where it or what drives it is missing."""
    path = chromium_path()
    if not path:
        pytest.skip("there is no Chromium; install it, or name it by CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """A browser of its own, with its cookies, that looks at one dashboard. `root` is the dashboard's address
    without a slash at its end. `troubles`: what the browser complained of, and what should not have been."""

    page: Page
    context: BrowserContext
    root: str = ""
    troubles: list[str] = field(default_factory=list)
    allowed: set[int] = field(default_factory=set)
    """Statuses of answers that are no trouble now."""
    away: list[str] = field(default_factory=list)
    """Addresses beyond loopback that something asked for."""
    dialogs: list[str] = field(default_factory=list)
    """What dialogs said; each was answered with yes."""
    posted: list[str] = field(default_factory=list)
    """Paths, below the dashboard's own, of forms that were sent and not refused outright."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    """The last requests and answers, with the second: what a page waited for that did not come."""

    @classmethod
    def make(cls, browser: Browser, *, language: str = "en", size: tuple[int, int] = WIDE) -> Window:
        """A new one, which asks for pages in this language; reads no address yet."""
        context = browser.new_context(
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
        )
        context.set_default_timeout(45_000)  # an action, or a page, may wait for a disk that others keep busy
        one = cls(context.new_page(), context)
        one.page.on("console", one._console)
        one.page.on("pageerror", lambda error: one.troubles.append(f"error in a script: {error}"))
        one.page.on("requestfailed", one._failed)
        one.page.on("request", one._asked)
        one.page.on("response", one._answered)
        one.page.on("dialog", one._yes)
        return one

    def _console(self, message: ConsoleMessage) -> None:
        found = STATUS.search(message.text)
        if message.type in ("error", "warning") and not (found and int(found[1]) in self.allowed):
            self.troubles.append(f"console: {message.text}")

    def _yes(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.accept()

    def _failed(self, request: Request) -> None:
        # what a page asks for ends with the page: its news, and parts that it renews
        if "ERR_ABORTED" not in (request.failure or ""):
            self.troubles.append(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        self.recent.append(f"{time.monotonic():.2f} {request.method} {request.url}")
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about", "chrome-error") and parts.hostname != "127.0.0.1":
            self.away.append(request.url)
            self.troubles.append(f"asked beyond loopback: {request.url}")

    def _answered(self, response: Response) -> None:
        self.recent.append(f"{time.monotonic():.2f} {response.status} {response.url}")
        if response.status >= 400 and response.status not in self.allowed:
            self.troubles.append(f"{response.status}: {response.url}")
        if response.request.method == "POST" and response.status < 400:
            self.posted.append(urlsplit(response.url).path.removeprefix(urlsplit(self.root).path))

    # Looking

    def enter(self, link: str) -> None:
        """Log in by a link, as a click on it does; the code is not in the address afterwards."""
        self.root = link.partition("/login#")[0]
        self.page.goto(link)
        self.page.wait_for_url(f"{self.root}/")
        assert "#" not in self.page.url

    def open(self, path: str, status: int = 200) -> None:
        """Open a page by its path below the dashboard's own, which answers with this status."""
        self.allowed = {status} - {200}
        answer = self.page.goto(f"{self.root}{path}")
        assert answer is not None and answer.status == status, f"{path}: {answer and answer.status}"

    def clean(self, what: str = "") -> None:
        """Nothing was complained of since the last time."""
        found, self.troubles = self.troubles, []
        assert not found, f"{what}: {found[:10]}"

    def size(self, size: tuple[int, int]) -> None:
        """Make the window so large."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def choose(self, **choices: str) -> None:
        """`language` and `theme`, as the buttons of the page set them."""
        path = urlsplit(self.root).path + "/"
        self.context.add_cookies(
            [
                {"name": name, "value": value, "domain": "127.0.0.1", "path": path}
                for name, value in choices.items()
            ]
        )

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """What has the focus, as its text, or its tag and name where it has none."""
        found: str = self.page.evaluate(
            "() => { const e = document.activeElement;"
            "return (e.innerText || e.ariaLabel || `${e.tagName} ${e.name || e.id}`).trim() }"
        )
        return found

    def button(self, label: str, within: str = "main") -> None:
        """Press the first button with these words, and wait for what the server says to it."""
        page = self.page
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.locator(within).get_by_role("button", name=label, exact=True).first.click()
        page.wait_for_load_state("domcontentloaded")

    def told(self, words: str = "") -> str:
        """What the page tells once, after an action; waits until it tells these words."""
        self.page.locator(".flash", has_text=words or None).first.wait_for()
        return " ".join(self.page.locator(".flash").all_inner_texts())

    def text(self) -> str:
        """All that is to be read in <main>."""
        return " ".join(self.page.locator("main").inner_text().split())

    # Judging

    def wider(self) -> int:
        """Pixels by which the page is wider than the window, so that it scrolls sideways."""
        found: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found

    def sticking_out(self) -> list[str]:
        """The elements that reach beyond the window's right edge, for the message of a failure."""
        found: list[str] = self.page.evaluate(
            "() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right >"
            " document.documentElement.clientWidth + 1 && !e.closest('.scroll *')).slice(0, 6)"
            ".map(e => e.outerHTML.slice(0, 160))"
        )
        return found

    def axe(self, source: str) -> list[str]:
        """What axe-core (its rules as they are) finds that is serious or critical, a line each."""
        session = self.context.new_cdp_session(self.page)
        try:
            # by the debugger, which the page's own policy does not concern
            session.send("Runtime.evaluate", {"expression": source})
            run = "axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"
            answer = session.send(
                "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
            )
        finally:
            session.detach()
        assert "exceptionDetails" not in answer, answer
        found: Iterable[dict[str, Any]] = json.loads(answer["result"]["value"])
        return [
            f"{one['impact']} {one['id']}: {one['help']}: "
            + "; ".join(f"{node['html'][:120]} ({_why(node)})" for node in one["nodes"][:3])
            for one in found
            if one["impact"] in GRAVE
        ]


def _why(node: dict[str, Any]) -> str:
    texts = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return "; ".join(texts)[:200]
