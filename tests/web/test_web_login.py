"""Who gets in: one-time links, browsers, what they may do."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest
from dashboard_house import Dash, dashboard

from skillclaw.web.site.login import LINK_SECONDS, Logins, make_link


@pytest.fixture(scope="module")
def dash(tmp_path_factory: pytest.TempPathFactory):
    with dashboard(tmp_path_factory.mktemp("home") / ".skillclaw") as one:
        yield one


def test_a_link_logs_one_browser_in_once(dash: Dash) -> None:
    token = make_link(dash.home)
    one, two = dash.stranger(), dash.stranger()
    body = urlencode({"token": token}).encode()
    assert one.ask("POST", f"{dash.base}/login", body).status == 303
    assert "Home" in one.get("/").text
    again = two.ask("POST", f"{dash.base}/login", body)
    assert again.status == 403
    assert "used already" in again.body
    assert two.get("/").status == 401


def test_of_many_that_bring_one_link_at_once_one_is_in(dash: Dash) -> None:
    body = urlencode({"token": make_link(dash.home)}).encode()
    found: list[int] = []

    def bring() -> None:
        found.append(dash.stranger().ask("POST", f"{dash.base}/login", body).status)

    threads = [threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [303] + [403] * 7


def test_links_grow_old_and_browsers_too(tmp_path: Path) -> None:
    now = 1_000_000.0
    logins = Logins(tmp_path, 1.0, clock=lambda: now)
    token = make_link(tmp_path, now=now)
    now += LINK_SECONDS + 1
    assert logins.enter(token) is None
    cookie = logins.enter(make_link(tmp_path, now=now))
    assert cookie is not None
    now += 3000
    assert logins.browser(cookie) is not None  # it was there: the hour begins anew
    now += 3000
    assert logins.browser(cookie) is not None
    now += 3700
    assert logins.browser(cookie) is None


def test_nothing_that_is_stored_logs_anybody_in(dash: Dash) -> None:
    make_link(dash.home)
    visitor = dash.visitor()
    stored = [path for path in (dash.home / "dashboard").rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for text in (path.name, path.read_text()):
            assert visitor.cookies["skillclaw"] not in text
            stranger = dash.stranger()
            stranger.cookies["skillclaw"] = text.strip()[:100].replace('"', "").replace(",", "")
            assert stranger.get("/").status == 401


def test_logging_out_here_and_everywhere(dash: Dash) -> None:
    one, two = dash.visitor(), dash.visitor()
    link = make_link(dash.home)
    one.post("/leave")
    assert one.get("/").status == 401
    assert two.get("/").status == 200
    three = dash.visitor()
    three.post("/leave", {"all": "1"})
    assert two.get("/").status == 401
    assert (
        dash.stranger().ask("POST", f"{dash.base}/login", urlencode({"token": link}).encode()).status == 403
    )


def test_a_browser_chooses_its_language_and_colours(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.post("/choose", {"language": "zh", "back": f"{dash.base}/skills"})
    assert page.url == f"{dash.base}/skills"
    assert page.html.one("html").attrs["lang"] == "zh-Hans"
    page = visitor.post("/choose", {"theme": "dark"})
    assert page.html.one("html").attrs["data-theme"] == "dark"
    assert dash.visitor(language="zh-CN,zh;q=0.9").get("/").html.one("html").attrs["lang"] == "zh-Hans"
