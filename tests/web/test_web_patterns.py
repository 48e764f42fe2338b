"""Patterns of the last cycle: table, map, a cluster, one pattern with its failing and working episodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from dashboard_house import Dash, Page, dashboard

HOSTILE = "<script>alert(1)</script> {{7*7}} \u202eevil"
FIX = (
    Ran("npm test", 1, f"Error: cannot find module 'left-pad' {HOSTILE}"),
    Ran("npm ci", 0, "added 1 package"),
    Ran("npm test", 0, "ok"),
)
VAIN = (*FIX[:2], Ran("npm test", 1, "Error: cannot find module 'left-pad'"))


@dataclass
class House:
    user: Path
    dash: Dash
    cycle: dict[str, Any]

    def pattern(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.cycle["patterns"] if one["kind"] == kind)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    user = tmp_path_factory.mktemp("user")
    made = [
        session(who, n, f"run the tests {HOSTILE}", FIX) for who in ("ada", "bob", "cyd") for n in range(3)
    ]
    made += [session("dan", n, "run the tests please", VAIN, outcome="failure") for n in range(2)]
    ok("import", str(write(user / "s.jsonl", made)), home=user)
    with dashboard(user / ".skillclaw", {}) as dash:
        nothing = dash.visitor().get("/patterns")
        assert "No cycle has looked at the sessions of this machine as they are now." in nothing.text
        yield House(user, dash, ok_json("evolve", home=user))


def rows(page: Page) -> list[str]:
    return [one.text for one in page.html.find("a", data_row="")]


def test_the_table_has_every_pattern_of_the_cycle_filtered_and_ordered(house: House) -> None:
    own = house.dash.visitor()
    page = own.get("/patterns")
    found = house.cycle["patterns"]
    assert len(rows(page)) == len(found) > 0
    assert "What the last cycle found in 11 sessions" in page.text
    for kind in {one["kind"] for one in found}:
        wanted = sum(one["kind"] == kind for one in found)
        assert len(rows(own.get("/patterns", kind=kind))) == wanted
    assert "No pattern fits that." in own.get("/patterns", q="nothing like it").text
    assert sorted(rows(own.get("/patterns", sort="sessions"))) == sorted(rows(page))
    assert "released" in page.text, "what became of it, as the log has it by now"
    assert "修复" in house.dash.visitor(language="zh").get("/patterns").text


def test_one_pattern_shows_failing_and_working_episodes_with_its_figures(house: House) -> None:
    recovery = house.pattern("recovery")
    own = house.dash.visitor()
    page = own.get(f"/patterns/personal/{recovery['id']}")
    assert page.status == 200
    working = page.html.one("div", id="working")
    assert "Working (9)" in working.text
    (first, *_) = working.find("article")
    assert "success" in first.text
    cited = " ".join(one.text for one in first.find("li", cls="cited"))
    assert "npm test" in cited
    assert "cannot find module" in cited
    assert "npm ci" in cited
    failing = page.html.one("div", id="failing")
    assert "dan" not in failing.text, "people are not named"
    assert failing.find("article"), page.text
    assert "failure" in failing.find("article")[0].text
    assert "the same request, done another way" in failing.text
    assert "No session is held out for replay." in page.text
    assert "Lines of" in page.text
    more = own.get(page.html.find("a", rel="next")[0].attrs["href"].partition("#")[0])
    assert more.html.one("div", id="working").text != working.text


def test_the_map_opens_clusters_with_their_requests_sessions_and_patterns(house: House) -> None:
    own = house.dash.visitor()
    map_ = own.get("/patterns/personal/map")
    circles = map_.html.one("svg", cls="map").find("circle")
    table = map_.html.one("details").find("a")
    assert len(circles) == len(table) > 0
    (link,) = {one.attrs["href"] for one in map_.html.one("svg", cls="map").find("a")} & {
        table[0].attrs["href"]
    }
    cluster = own.get(link)
    assert "run the tests" in cluster.text
    assert cluster.html.find("section", aria_labelledby="sessions")[0].find("li")
    assert rows(cluster)
    assert own.get("/patterns").html.one("div", id="map").attrs["hx-get"].endswith("/patterns/personal/map")


def test_hostile_text_of_sessions_is_text(house: House) -> None:
    own = house.dash.visitor()
    pages = [own.get("/patterns"), own.get("/patterns/personal/map")]
    pages += [own.get(f"/patterns/personal/{one['id']}") for one in house.cycle["patterns"]]
    pages += [own.get(one.attrs["href"]) for one in pages[1].html.one("details").find("a")]
    assert any("<script>alert(1)</script>" in page.text for page in pages), "it is told as it was"
    for page in pages:
        assert page.status == 200
        assert "<script>alert" not in page.body
        assert "\u202e" not in page.body


def test_what_is_not_there_is_told(house: House) -> None:
    own = house.dash.visitor()
    for path in ("personal/0000", "personal/cluster/0000", "nohub/map", "nohub/0000"):
        assert own.get(f"/patterns/{path}").status == 404, path


def test_what_tells_of_forgotten_sessions_is_shown_no_more(tmp_path: Path) -> None:
    made = [session(who, n, "run the tests", FIX) for who in ("ada", "bob") for n in range(3)]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    ok("evolve", home=tmp_path)
    with dashboard(tmp_path / ".skillclaw", {}) as dash:
        own = dash.visitor()
        assert rows(own.get("/patterns"))
        ok("sessions", "forget", "--all", "--yes", home=tmp_path)
        page = own.get("/patterns")
        assert not rows(page)
        assert "No cycle has looked" in page.text
