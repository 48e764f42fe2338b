"""The page of skills: the list, and one skill with what each of its lines rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from dashboard_house import Dash, Node, Page, Visitor, dashboard
from hubs_at_hand import Hubs, bundle
from skills_house import EFFECT, HOSTILE, SCRIPT, deploy, house, keys, release, rests, used

from skillclaw.web.reading.sidecars import Sidecars
from skillclaw.web.reading.skills import Wish, chosen, lights


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hubs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return house(tmp_path)


@pytest.fixture
def dash(hubs: Hubs) -> Iterator[Dash]:
    with dashboard(hubs.machine.home, hubs.environ) as one:
        yield one


@pytest.fixture
def visitor(dash: Dash) -> Visitor:
    return dash.visitor()


def names(page: Page) -> list[str]:
    return [one.find("a")[0].text for one in page.html.find("th", cls="named")]


def row(page: Page, name: str) -> Node:
    (found,) = [line for line in page.html.find("tr") if any(one.text == name for one in line.find("a"))]
    return found


def test_without_a_skill_it_says_what_to_do(visitor: Visitor) -> None:
    page = visitor.get("/skills")
    assert (page.status, "No skills yet." in page.text) == (200, True)
    assert "skillclaw evolve" in page.text


def test_the_list_shows_stage_effect_use_evidence_and_what_is_installed(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs)
    release(
        hubs, hubs.machine.hub, bundle("git", "- Pull."), {"Pull.": rests(3, 3)}, stage="canary", share=0.5
    )
    hubs.machine.hub.promote("git", effect=EFFECT)
    hubs.release(hubs.team, bundle("notes", "- Take notes."))
    hubs.sync()
    hubs.edit("git", "Pull", "Pull often")
    used(hubs, "deploy", 7, read=3)
    used(hubs, "deploy", 2, read=2, days=45)
    page = visitor.get("/skills")
    assert names(page) == ["deploy", "git", "notes"]
    git = row(page, "git").text
    assert "stable" in git
    assert "+20 [+5, +35] points of success" in git
    assert "3 sessions · 3 people codex" in git
    assert "edited" in git
    told = row(page, "deploy").text
    assert "canary on 50% of the days" in told
    assert "not measured" in told
    assert "read in 3 of 7 sessions" in told
    assert "How to work with deploy in this project." in told
    notes = row(page, "notes").text
    assert "team" in notes
    assert "no evidence" in notes
    assert "in no session" in notes


def test_it_is_searched_filtered_and_sorted(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs)
    release(
        hubs, hubs.machine.hub, bundle("git", "- Pull."), {"Pull.": rests(3, 3)}, stage="canary", share=0.5
    )
    hubs.machine.hub.promote("git", effect=EFFECT)
    hubs.release(hubs.team, bundle("notes", "- Take notes."))
    hubs.machine.hub.archive("git")
    assert names(visitor.get("/skills")) == ["deploy", "notes"]
    assert names(visitor.get("/skills", stage="archived")) == ["git"]
    assert names(visitor.get("/skills", stage="all", sort="effect"))[0] == "git"
    assert names(visitor.get("/skills", hub="team")) == ["notes"]
    assert names(visitor.get("/skills", agent="codex")) == ["deploy"]
    assert names(visitor.get("/skills", q="FRIDAY push")) == ["deploy"]
    assert "No skill is like that." in visitor.get("/skills", q="nowhere").text
    used(hubs, "notes", 3)
    used(hubs, "deploy", 2, read=1)
    assert names(visitor.get("/skills", sort="use")) == ["deploy", "notes"]


def test_the_youngest_come_first_by_age(hubs: Hubs) -> None:
    source = hubs.machine.hubs.source("personal")
    hubs.release(hubs.machine.hub, bundle("deploy", "- Do it."))
    (one,) = lights(hubs.machine, hubs.machine.hubs.source(source.name), Sidecars())
    rows = [replace(one, name=f"n{day}", began=f"2026-11-{day:02d}T00:00:00Z") for day in (3, 9, 6)]
    assert [row.name for row in chosen(rows, Wish(sort="age"))] == ["n9", "n6", "n3"]
    worth = [
        replace(row, effect=msgspec.structs.replace(EFFECT, difference=d))
        for row, d in zip(rows, (0.1, -0.3, 0.2), strict=True)
    ]
    assert [row.name for row in chosen([one, *worth], Wish(sort="effect"))] == ["n6", "n3", "n9", "deploy"]


def test_it_is_paged(hubs: Hubs, visitor: Visitor) -> None:
    for number in range(53):
        hubs.release(hubs.machine.hub, bundle(f"skill-{number:02d}", "- Do it."))
    page = visitor.get("/skills")
    assert len(names(page)) == 50
    assert "1 to 50 of 53" in page.text
    (link,) = page.html.find("a", rel="next")
    later = visitor.get(link.attrs["href"])
    assert names(later) == ["skill-50", "skill-51", "skill-52"]
    assert names(visitor.get(later.html.one("a", rel="prev").attrs["href"]))[0] == "skill-00"


def test_a_line_shows_what_it_rests_on(hubs: Hubs, visitor: Visitor) -> None:
    _, second = deploy(hubs)
    hubs.sync()
    used(hubs, "deploy", 4, read=2)
    page = visitor.get("/skills/personal/deploy")
    assert page.status == 200
    line = next(one for one in page.html.find("li", cls="line") if one.text.startswith("Run the checks."))
    chip = line.one("a", cls="chip")
    assert chip.text == "5 sessions"
    tip = page.html.one(id=chip.attrs["aria-describedby"])
    assert "of 2 people. Of those who did what it says, 5 succeeded and 1 failed." in tip.text
    panel = page.html.one("article", id=chip.attrs["href"].removeprefix("#"))
    assert "3.4 [1.2, 9.6]" in panel.text
    assert [one.text for one in panel.find("code")] == [key[:12] for key in reversed(keys(*range(5)))]
    own = next(one for one in page.html.find("li", cls="line") if "Friday" in one.text)
    assert own.one("a", cls="chip").text == "no evidence"
    assert "read it, of 4 that were offered it" in page.text
    assert "Not enough data yet" in page.text
    assert second[:12] in page.text
    assert "Released as a canary, which each client has on 50% of the days" in page.text


def test_forgotten_sessions_support_nothing(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs)
    for key in keys(0, 1, 2, 3, 4):
        hubs.machine.hub.commit("tombstone", {"key": key}, role="owner")
    assert "no evidence" in row(visitor.get("/skills"), "deploy").text
    page = visitor.get("/skills/personal/deploy")
    assert not [one for one in page.html.find("a", cls="chip") if one.text != "no evidence"]
    for key in keys(0, 1):
        assert key[:12] not in page.body


def test_hostile_text_is_inert_and_legible(hubs: Hubs, visitor: Visitor) -> None:
    hubs.release(hubs.machine.hub, bundle("evil", HOSTILE))
    for path in (
        "/skills/personal/evil",
        "/skills/personal/evil/diff",
        "/skills/personal/evil/edit",
        "/skills",
    ):
        page = visitor.get(path)
        assert page.status == 200
        main = page.html.one("main")
        assert (
            not main.find("script") + main.find("img") + main.find("b") + main.find("i") + main.find("style")
        )
        assert not [one for one in main.find() if any(name.startswith("on") for name in one.attrs)]
        assert not [one for one in main.find() if "style" in one.attrs]
        assert not [one for one in main.find("a") if "evil.example" in one.attrs.get("href", "")]
        assert "\u202e" not in page.body
        assert ">49<" not in page.body
    page = visitor.get("/skills/personal/evil")
    assert "{{7*7}}" in page.text
    assert "[U+202E]" in page.text
    assert "shop (https://evil.example/?a=1)" in page.text
    assert page.html.find("td", cls="right")


def test_other_files_are_shown_as_text(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs, SCRIPT)
    page = visitor.get("/skills/personal/deploy")
    more, run = page.html.find("details", cls="other")
    assert "A line of another file." in more.text
    assert "executable" in run.text
    assert "echo {{7*7}} <script>" in run.text


def test_versions_stand_side_by_side(hubs: Hubs, visitor: Visitor) -> None:
    first, second = deploy(hubs)
    page = visitor.get("/skills/personal/deploy/diff")
    changed = [line for line in page.html.find("tr", cls="changed") if "Run the" in line.text]
    assert [one.text for one in changed[0].find("del")] == ["tests"]
    assert [one.text for one in changed[0].find("ins")] == ["checks"]
    assert "references/more.md added" in page.text
    back = visitor.get("/skills/personal/deploy/diff", old=second[:10], new=first[:10])
    assert "references/more.md removed" in back.text
    assert visitor.get("/skills/personal/deploy/diff", new="zzz").status == 404
    assert "Nothing differs." in visitor.get("/skills/personal/deploy/diff", old=first, new=first).text


def test_provenance_is_looked_at_when_asked(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs)
    page = visitor.get("/skills/personal/deploy/provenance")
    assert "Its bytes have the hash" in page.text
    assert "5 not here" in page.text  # the sessions that it cites were never on this machine


def test_what_is_not_there_says_so(hubs: Hubs, visitor: Visitor) -> None:
    deploy(hubs)
    page = visitor.get("/skills/personal/nothing")
    assert page.status == 404
    assert "There is no skill named" in page.text
    assert visitor.get("/skills/elsewhere/deploy").status == 400


def test_it_speaks_chinese(hubs: Hubs, dash: Dash) -> None:
    deploy(hubs)
    visitor = dash.visitor(language="zh")
    assert "学到了什么" in visitor.get("/skills").text
    page = visitor.get("/skills/personal/deploy")
    assert "5 个会话" in page.text
    assert "来自 2 人。" in page.text
