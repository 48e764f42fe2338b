"""The first page: what runs, what was learned, what waits, what is wrong, how it goes."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from dashboard_house import Dash, Visitor, dashboard
from home_data import busy_home, put_sessions
from hubs_at_hand import bundle

from skillclaw.server.up import runfile
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.web.reading import running
from skillclaw.web.reading.week import KINDS
from skillclaw.web.site.language import words
from skillclaw.web.site.tour import STOPS


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory):
    hubs = busy_home(tmp_path_factory.mktemp("busy"))
    with dashboard(hubs.machine.home, {**hubs.environ}) as dash:
        yield hubs, dash


@pytest.fixture
def visitor(busy) -> Visitor:
    return busy[1].visitor()


def test_what_was_learned_this_week_is_told_in_a_sentence_each(visitor: Visitor) -> None:
    lines = [one.text for one in visitor.get("/").html.one("ul", cls="learned").find("li")]
    assert any("run-tests" in one and "A new skill was released. It is tried first" in one for one in lines)
    assert any("run-tests" in one and "A better text was released" in one for one in lines)
    assert any("run-tests" in one and "It proved itself and is stable." in one for one in lines)
    assert any("bad-one" in one and "It was rolled back." in one for one in lines)
    assert any("team-skill" in one and "(team)" in one for one in lines)


def test_what_others_wrote_stays_text(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.body
    assert "alert(1)" not in "".join(one.text for one in page.html.find("script"))


def test_success_of_each_day_stands_in_the_picture_and_in_a_table(visitor: Visitor) -> None:
    page = visitor.get("/")
    today = datetime.now(UTC).date()
    rows = {
        row.one("th").text: [one.text for one in row.find("td")]
        for row in page.html.one("table", id="days").one("tbody").find("tr")
    }
    assert rows[today.isoformat()] == ["9", "6", "2", "1", "75% [41%, 93%]"]
    assert set(rows) == {today.isoformat(), (today - timedelta(days=3)).isoformat()}
    assert len(page.html.find("rect", cls="good")) == 2
    longer = visitor.get("/", days="90").html.one("table", id="days")
    assert (today - timedelta(days=60)).isoformat() in longer.text
    assert "In these days 70%" in page.text
    assert "All sessions 50%" in page.text


def test_nothing_runs_and_that_is_said_with_the_command(visitor: Visitor) -> None:
    page = visitor.get("/")
    assert "SkillClaw does not run" in page.text
    assert "skillclaw up -d" in page.text


def test_proposals_that_need_people_wait(busy, visitor: Visitor) -> None:
    hubs, dash = busy
    one = Proposal(
        id="p-held",
        action="create",
        skill="held-skill",
        base=None,
        engine="extractive",
        why="",
        bundle=bundle("held-skill", "- x"),
    )
    hubs.machine.hub.propose(one)
    hubs.machine.hub.record_verdicts(
        one.id, [Verdict(check="approval", verdict="hold", reason="People.")], "held"
    )
    dash.app.site.house.fresh()
    waiting = visitor.get("/").html.one("section", id="waiting").text
    assert "1 proposal needs people" in waiting
    assert "held-skill" in waiting


def test_sessions_that_no_cycle_read_are_told(busy, visitor: Visitor) -> None:
    assert (
        "No cycle has read the sessions as they are now."
        in visitor.get("/").html.one("section", id="waiting").text
    )


def test_a_hub_that_is_gone_is_wrong_and_hides_nothing_else(busy, visitor: Visitor) -> None:
    hubs, dash = busy
    gone = hubs.team_folder.with_name("away")
    hubs.team_folder.rename(gone)
    try:
        dash.app.site.house.fresh()
        page = visitor.get("/")
        wrong = page.html.one("section", id="wrong")
        assert "Hub team cannot be read." in wrong.text
        assert "skillclaw sync" in wrong.text
        assert "run-tests" in page.html.one("ul", cls="learned").text
    finally:
        gone.rename(hubs.team_folder)
        dash.app.site.house.fresh()


def test_what_runs_and_what_fails_there_is_told(busy, visitor: Visitor) -> None:
    hubs, _ = busy
    pid, created = runfile.pid_of_self()
    noted = runfile.Running(
        pid=pid,
        created=created,
        port=0,
        started="2026-11-20T08:00:00Z",
        version="1",
        agreed=True,
        errors={"evolve": "The disk is full."},
        last={"sync": "2026-11-21T09:00:00Z"},
    )
    runfile.write_running(hubs.machine.home, noted)
    try:
        page = visitor.get("/")
        assert "since 2026-11-20 08:00" in page.html.one("section", id="running").text
        assert "Last sync: 2026-11-21 09:00" in page.html.one("section", id="running").text
        wrong = page.html.one("section", id="wrong").text
        assert "Trouble with evolve." in wrong
        assert "The disk is full." in wrong
    finally:
        runfile.forget_running(hubs.machine.home)


def test_agents_come_behind_the_page_and_have_a_page_of_their_own(visitor: Visitor) -> None:
    page = visitor.get("/")
    later = page.html.one("section", id="at-hand")
    where = later.one("a").attrs["href"]
    assert later.find("div")[0].attrs["hx-get"] == where
    whole = visitor.get(where)
    assert "Agents on this machine" in whole.html.one("h1").text
    part = visitor.ask("GET", where, headers={"HX-Request": "true"})
    assert part.status == 200
    assert "<html" not in part.body


def test_an_edited_copy_is_told(busy, visitor: Visitor) -> None:
    hubs, dash = busy
    hubs.sync()
    hubs.edit("run-tests", "npm ci", "npm install")
    dash.app.site.house._kept.clear()
    assert "run-tests" in visitor.get("/agents").text


def test_in_chinese(busy) -> None:
    page = busy[1].visitor(language="zh-CN").get("/")
    for text in ("正在运行", "等您处理", "本周学到的", "成功率变化", "发布了新技能"):
        assert text in page.text
    known = re.sub(r"[A-Za-z0-9_/.<>()=-]+", "", page.html.one("section", id="learned").text)
    assert "released" not in known


def test_who_is_new_is_shown_three_ways_to_begin(tmp_path: Path) -> None:
    with dashboard(tmp_path / ".skillclaw") as dash:
        page = dash.visitor().get("/")
        first = page.html.one("section", cls="first")
        for text in (
            "Run the demo",
            "Import past sessions",
            "Start, connect and import",
            "skillclaw up --demo",
        ):
            assert text in first.text
        put_sessions(dash.home, {0: (1, 0, 0)})
        assert not dash.visitor().get("/").html.find("section", cls="first")


def test_every_heading_follows_in_order(visitor: Visitor) -> None:
    body = visitor.get("/").body
    levels = [int(one) for one in re.findall(r"<h([1-6])", body)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_damaged_session_store_is_told_and_does_not_break_the_dashboard(tmp_path: Path) -> None:
    home = tmp_path / ".skillclaw"
    home.mkdir()
    (home / "sessions.db").write_bytes(b"no database at all" * 100)
    with dashboard(home) as dash:
        page = dash.visitor().get("/")
        assert page.status == 503
        assert "damaged" in page.text
        assert isinstance(dash, Dash)


def test_texts_that_are_chosen_by_what_happened_have_their_chinese() -> None:
    tree = ast.parse(Path(running.__file__).read_text("utf-8"))
    wrong = {
        one.value.value
        for one in ast.walk(tree)
        if isinstance(one, ast.keyword) and one.arg == "what" and isinstance(one.value, ast.Constant)
    }
    tour = {text for _, *texts in STOPS for text in texts}
    assert len(wrong) >= 8
    assert sorted((wrong | tour | set(KINDS.values())) - set(words("zh"))) == []
