"""The demo beside one's own data: seen, never mixed, never changed; and the tour."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from dashboard_house import Dash, dashboard
from home_data import demo_home, put_sessions


@pytest.fixture(scope="module")
def dash(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home") / ".skillclaw"
    demo_home(home)
    put_sessions(home, {0: (0, 2, 0)})
    with dashboard(home) as one:
        yield one


def test_both_are_there_and_none_shows_the_other_s(dash: Dash) -> None:
    visitor = dash.visitor()
    own = visitor.get("/")
    assert own.html.one("a", id="enter-demo").attrs["href"] == f"{dash.base}/demo/"
    assert "demo-skill" not in own.text
    assert "0%" in own.html.one("table", id="days").text
    demo = visitor.get("/demo/")
    assert "demo-skill" in demo.text
    assert "75%" in demo.html.one("table", id="days").text
    assert "Nothing here is yours" in demo.text
    assert demo.html.one("a", id="leave-demo").attrs["href"] == f"{dash.base}/"
    for link in demo.html.one("nav").find("a"):
        assert link.attrs["href"].startswith(f"{dash.base}/demo/")


def test_nothing_can_be_done_in_it(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.post("/demo/jobs/sync/begin", {"back": f"{dash.base}/demo/"})
    assert "The demo can only be looked at." in page.told
    assert page.url == f"{dash.base}/demo/"
    assert not (dash.home / "demo" / "dashboard" / "jobs").exists()
    assert not dash.app.site.house.jobs.all()


def test_it_tells_nothing_of_this_machine(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.get("/demo/")
    assert not page.html.find("section", id="at-hand")
    assert not page.html.find("section", id="running")
    assert "Settings" not in page.html.one("nav").text
    assert visitor.get("/demo/settings").url == f"{dash.base}/settings"


def test_it_is_for_who_is_logged_in(dash: Dash) -> None:
    assert dash.stranger().get("/demo/").status == 401


def test_the_tour_leads_from_page_to_page(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.get("/demo/", tour="1")
    titles = []
    while True:
        assert page.status == 200
        told = page.html.one("aside", id="tour").text
        titles.append(told)
        following = page.html.find("a", id="tour-next")
        if not following:
            break
        path, _, query = following[0].attrs["href"].partition("?")
        page = visitor.get(path, **dict(part.split("=") for part in query.split("&")))
    assert len(titles) >= 5
    assert f"Stop {len(titles)} of {len(titles)}" in titles[-1]
    assert page.html.one("a", id="tour-end").attrs["href"] == f"{dash.base}/"
    assert visitor.get("/demo/", tour="999").status == 200
    assert "演示数据" in dash.visitor(language="zh").get("/demo/", tour="1").text


def test_where_there_is_none_one_is_led_home(tmp_path: Path) -> None:
    with dashboard(tmp_path / ".skillclaw") as dash:
        visitor = dash.visitor()
        assert visitor.get("/demo/skills").url == f"{dash.base}/"
        assert not visitor.get("/").html.find("a", id="enter-demo")


def test_colours_are_chosen_for_both(dash: Dash) -> None:
    visitor = dash.visitor()
    page = visitor.post("/demo/choose", {"theme": "dark", "back": f"{dash.base}/demo/"})
    assert page.html.one("html").attrs["data-theme"] == "dark"
    assert visitor.get("/").html.one("html").attrs["data-theme"] == "dark"


@pytest.mark.slow
def test_the_whole_demo_by_its_button(tmp_path: Path) -> None:
    with dashboard(tmp_path / ".skillclaw") as dash:
        visitor = dash.visitor()
        (form,) = [one for one in visitor.get("/").html.find("form") if "Run the demo" in one.text]
        visitor.submit(form)
        until = time.monotonic() + 100
        while dash.app.site.house.jobs.running("demo") and time.monotonic() < until:
            offered = visitor.get("/").html.find("a", id="enter-demo")
            if dash.app.site.house.jobs.running("demo"):  # so it did while the page was made
                assert not offered
            time.sleep(0.3)
        assert dash.app.site.house.jobs.all()[0].state == "done"
        assert visitor.get("/").html.one("a", id="tour-start").attrs["href"] == f"{dash.base}/demo/?tour=1"
        assert "calendar-know-how" in visitor.get("/demo/").text
