"""Attacks on the dashboard, in Chromium. A test's docstring is its row in docs/security.md."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser import REBOUND, Window
from dashboard_data import House
from dashboard_forms import forms_of
from dashboard_hostile import MARK, hostile_house
from dashboard_house import dashboard
from dashboard_process import another, started
from team import home, state

from skillclaw.web.pages import ROUTES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = 60
"""That are looked at, of those that links lead to."""
FOREIGN = (
    "iframe, base, object, embed, [onerror], [onload], [onfocus], [autofocus], [hx-get*='evil.'], [hx-on],"
    " meta[http-equiv], script:not([src]),"
    " [href^=javascript], [href*='evil.'], [src*='evil.'], [action*='evil.']"
)
THERE = {route.name for route in ROUTES}


@contextmanager
def another_site(html: str) -> Iterator[str]:
    """A page on another port of loopback, where `PORT` is its own; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def link(learned: House) -> Iterator[str]:
    with started(learned.user) as one:
        yield one


@pytest.fixture
def window(chrome: Browser, learned: House, link: str) -> Iterator[Window]:
    one = Window.make(chrome)
    one.enter(another(learned.user, link))
    yield one
    one.context.close()


def inside(window: Window) -> None:
    """The browser is still logged in."""
    window.open("/")


def test_stored_scripts(chrome: Browser, tmp_path: Path) -> None:
    """A session, skill, name, note or reason holds markup, scripts, links, template or terminal code | web page, malicious member | it is shown as text; no script runs, nothing is asked for, no link or form of it is there | every text is escaped and made legible in one place; a CSP without inline code"""  # noqa: E501
    user = hostile_house(tmp_path)
    with started(user) as link:
        window = Window.make(chrome)
        window.enter(link)
        todo, seen, shown = ["/"], {"/"}, 0
        while todo and len(seen) < PAGES:
            path = todo.pop(0)
            window.open(path)
            assert not window.page.evaluate("'hit' in window"), path
            found = window.page.locator(FOREIGN)
            assert found.count() == 0, f"{path}: {found.first.evaluate('e => e.outerHTML')}"
            text = window.page.content()
            assert "seven49seven" not in text and "\u202e" not in text and "\u200b" not in text, path
            assert "\x1b" not in text and "\ufeff" not in text, path
            shown += MARK in text
            for href in window.page.eval_on_selector_all(
                "main a[href]:not([download]), nav a[href]", "all => all.map(a => a.href)"
            ):
                assert href.startswith(f"{window.root}/"), f"{path} leads to {href}"
                more = href.removeprefix(window.root).partition("#")[0]
                if more not in seen and len(seen) < PAGES:
                    seen.add(more)
                    todo.append(more)
        window.clean("hostile texts")
        assert window.dialogs == [] and window.away == []
        assert shown >= 3 or "session" not in THERE, f"the texts were not shown: {seen}"
        window.context.close()


def test_a_page_on_another_port(window: Window) -> None:
    """A page on another port of this machine, which counts as the same site, posts a form, sets cookies, frames the dashboard or reads it by script | another local user, web page | 403, and nothing is read, shown in a frame or done; nobody is logged out | Origin and Sec-Fetch-Site, the token of a page, frame-ancestors, CORP; a path that others do not know"""  # noqa: E501
    target = window.root
    form = f"<form method=post action='{target}/leave'><input name=csrf value=x><button>Go</button></form>"
    with another_site(form) as address:
        page = window.context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Go").click()
        page.wait_for_url(f"{target}/leave")
        assert "comes from another site" in page.inner_text("body")
        page.close()
    inside(window)
    text = form.replace("method=post", "method=post enctype=text/plain")
    with another_site(text) as address:
        page = window.context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Go").click()
        page.wait_for_url(f"{target}/leave")
        assert "comes from another site" in page.inner_text("body")
        page.close()
    script = f"""<iframe id=frame src='{target}/'></iframe><script>
      document.cookie = 'skillclaw=0123; path=/';
      const asked = (mode) => fetch('{target}/', {{mode, credentials: 'include'}}).then(
        (answer) => answer.text().then((body) => `${{answer.type}} ${{body.length}}`), () => 'refused');
      const image = new Promise((done) => {{
        const one = new Image();
        one.onload = () => done('loaded'); one.onerror = () => done('refused');
        one.src = '{target}/static/mark.svg';
      }});
      Promise.all([asked('cors'), asked('no-cors'), image]).then((all) => {{ window.found = all; }});
    </script>"""
    with another_site(script) as address:
        page = window.context.new_page()
        page.goto(address)
        page.wait_for_function("window.found")
        assert page.evaluate("window.found") == ["refused", "refused", "refused"]
        frames = [frame for frame in page.frames if frame.parent_frame]
        assert all("SkillClaw" not in (frame.content() or "") for frame in frames)
        page.close()
    inside(window)


def test_a_rebound_name_of_the_dashboard(chrome: Browser, link: str) -> None:
    """A page's own name is made to lead to the dashboard (DNS rebinding) | web page | 403 for every page and for the login | only loopback's names are answered as Host"""  # noqa: E501
    page = chrome.new_page()
    parts = urlsplit(link)
    base = parts.path.removesuffix("/login")
    for path in ("/", "/login", "/static/app.js"):
        answer = page.goto(f"http://{REBOUND}:{parts.port}{base}{path}")
        assert answer is not None and answer.status == 403
        assert "another host" in page.inner_text("body")
    page.close()


def test_a_link_is_found_later(chrome: Browser, learned: House, link: str) -> None:
    """A link that logged somebody in is read in a history or a log, or a browser's cookie after the logout | another program of the user, another local user | it logs nobody in | a link counts once and for ten minutes, its code stands behind the #; a login ends at both ends"""  # noqa: E501
    used = another(learned.user, link)
    window = Window.make(chrome)
    window.enter(used)
    cookies = window.context.cookies()
    assert all(one["httpOnly"] and one["sameSite"] == "Strict" for one in cookies)
    assert window.page.evaluate("document.cookie") == ""
    window.page.get_by_role("button", name="Log out", exact=True).click()
    window.page.wait_for_url(f"{window.root}/login")
    late = Window.make(chrome)
    late.allowed = {403}
    late.page.goto(used)
    late.page.get_by_role("alert").wait_for()
    assert "used already" in late.page.inner_text("main")
    late.context.add_cookies(
        [
            {"name": one["name"], "value": one["value"], "domain": one["domain"], "path": one["path"]}
            for one in cookies
        ]
    )
    late.root = window.root
    late.open("/skills", 401)
    for one in (window, late):
        one.context.close()


def test_what_only_reviewers_may(learned: House, tmp_path: Path) -> None:
    """A member sends the forms of the dashboard that the owner of the group is offered | malicious member | none of them changes the group | each action is the command's own, which asks for the key's role; others' logs void what a key may not sign"""  # noqa: E501
    copy = learned.copy(tmp_path / "house")
    before = state(copy.place)
    with dashboard(home(copy.place, "ada")) as owner, dashboard(home(copy.place, "bob")) as member:
        offered = forms_of(owner, language="en")
        asked = [one for one in offered if "team" in one.path.split("/")]
        assert asked or not {"skill", "proposal", "group-hub"} & THERE
        bob = member.visitor()
        for one in asked:
            page = bob.ask("POST", member.base + one.path, one.body(bob.csrf()))
            assert page.status in (200, 303, 400, 403, 404, 409), (one.path, page.status)
    after = state(copy.place)
    assert (after.seq, after.head) == (before.seq, before.head), "the group's log is as it was"
