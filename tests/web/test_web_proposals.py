"""The review queue of one's own hub: what waits comes first, all that a decision needs is there, decisions
are signed commits, and what others wrote is text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_house import LINES, proposal
from dashboard_house import Dash, Page, dashboard
from msgspec.structs import replace
from servers import until

from skillclaw.evolve.replay.remembered import Remembered
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.hub import Hub
from skillclaw.server.machine import Machine
from skillclaw.skills.records import Verdict

HELD = [
    Verdict(check="spec", verdict="pass", reason="It follows the Agent Skills specification."),
    Verdict(check="replay", verdict="n/a", reason="No replay is set up."),
    Verdict(check="approval", verdict="hold", reason="It waits for a reviewer."),
]
HOSTILE = '<script>alert(1)</script> {{7*7}} \u202eevil\u2066 <img src=x onerror="x()">'


def hub(home: Path) -> Hub:
    machine = Machine(home, {})
    machine.prepare()
    return machine.hub


def held(home: Path, number: int, *more: str, skill: str = "pip-venv", status: str = "held") -> str:
    made = proposal(number, *more, skill=skill)
    own = hub(home)
    own.propose(made)
    if status != "open":
        own.record_verdicts(made.id, HELD, status)  # type: ignore[arg-type]
    return made.id


@pytest.fixture
def dash(tmp_path: Path) -> Iterator[Dash]:
    home = tmp_path / ".skillclaw"
    targets = tmp_path / "skills"
    targets.mkdir()
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(f'[sync]\ntargets = ["{targets}"]\n')
    with dashboard(home, {**os.environ, "HOME": str(tmp_path / "user")}) as one:
        yield one


def rows(page: Page) -> list[str]:
    return [one.text for one in page.html.find("a", data_row="")]


def test_what_waits_for_people_comes_first_and_the_rest_by_filter_and_words(dash: Dash) -> None:
    held(dash.home, 1, skill="first-held")
    held(dash.home, 2, skill="was-passed", status="passed")
    held(dash.home, 3, skill="second-held")
    held(dash.home, 4, skill="not-judged", status="open")
    held(dash.home, 5, skill="was-rejected", status="rejected")
    own = dash.visitor()
    page = own.get("/proposals")
    assert rows(page) == ["first-held", "second-held", "was-rejected", "not-judged", "was-passed"]
    assert "5 proposals, 2 wait for people" in page.text
    assert "It needs 1 reviewer." in page.text
    assert "approval: It waits for a reviewer." in page.text
    assert rows(own.get("/proposals", status="waiting")) == ["first-held", "second-held"]
    assert rows(own.get("/proposals", status="open")) == ["not-judged"]
    assert rows(own.get("/proposals", q="SECOND")) == ["second-held"]
    assert "No proposal fits that." in own.get("/proposals", q="nothing like it").text
    (again,) = own.get("/proposals", q="first").html.find("a", data_row="")
    assert "It needs 1 reviewer." in own.get(again.attrs["href"]).text
    chinese = dash.visitor(language="zh").get("/proposals")
    assert "2 个等待人处理" in chinese.text
    assert "需要 1 位审核者。" in chinese.text


def test_a_long_queue_is_shown_in_parts(dash: Dash) -> None:
    for number in range(1, 28):
        held(dash.home, number, skill=f"skill-{number:02}", status="open")
    own = dash.visitor()
    first = own.get("/proposals")
    assert len(rows(first)) == 25
    (next_,) = first.html.find("a", rel="next")
    second = own.get(next_.attrs["href"])
    assert rows(second) == ["skill-02", "skill-01"]
    (back,) = second.html.find("a", rel="prev")
    assert rows(own.get(back.attrs["href"])) == rows(first)


def test_one_proposal_with_change_evidence_verdicts_and_replay(dash: Dash) -> None:
    id_ = held(dash.home, 1, "Say so.")
    scores = [
        CaseScore(case=f"{n}" * 16, kind="decision", source="recorded", before=[0.0] * 5, after=[1.0] * 5)
        for n in range(3)
    ]
    scores.append(replace(scores[0], case="9" * 16, named=[False] * 5))
    result = ReplayResult(proposal=id_, model="some-model", scores=scores, cost=Cost(calls=30, tokens=1234))
    Remembered(dash.home).put(result, ["the tests"])
    page = dash.visitor().get(f"/proposals/personal/{id_}")
    assert page.html.one("h1").text == "create: pip-venv"
    added = [one.text for one in page.html.find("td", cls="right")]
    assert f"+ 1. {LINES['step']}" in added
    lines = page.html.one("ol", cls="lines")
    assert "6 sessions, 3 people" in lines.text
    assert "This session is not on this machine." in lines.text
    assert "It rests on no session." in lines.text  # "Say so." has none
    checks = [
        one.text for one in page.html.find("th", scope="row") if one.text in ("spec", "replay", "approval")
    ]
    assert checks == ["spec", "replay", "approval"]
    assert "3 won, 0 lost, 1 tied, 0 without a result; p = 0.12" in page.text
    assert page.text.count("the model did better, but by an action that the skill does not name") == 1
    assert "30 calls, 1,234 tokens" in page.text
    assert "Model: some-model" in page.text
    assert f"skillclaw proposals replay {id_[:12]}" in page.text
    assert "pip install fails" in page.text
    keys = {
        one.attrs["data-key"]
        for tag in ("a", "button", "input", "summary")
        for one in page.html.find(tag)
        if "data-key" in one.attrs
    }
    assert {"a", "r", "u", "?"} <= keys
    assert page.html.one("input", data_key="r").attrs["name"] == "note"


def test_to_approve_releases_and_installs_and_the_note_is_in_the_log(dash: Dash) -> None:
    id_ = held(dash.home, 1)
    own = dash.visitor()
    page = own.get(f"/proposals/personal/{id_}")
    done = own.submit(page.html.one("form", id="approve"), note="It bit me too.")
    assert "Approved and released as stable." in done.told
    assert "It is decided: released." in done.text
    assert "It bit me too." in done.text
    state = hub(dash.home).state()
    assert state.proposals[id_].status == "released"
    assert list(state.proposals[id_].notes.values()) == ["It bit me too."]
    copy = dash.home.parent / "skills" / "pip-venv" / "SKILL.md"
    until(copy.is_file, lambda: str(dash.app.site.house.jobs.all()))
    again = own.post(f"/proposals/personal/{id_}/approve")
    assert "cannot be approved" in again.told
    assert not own.get(f"/proposals/personal/{id_}").html.find("form", id="approve")


def test_to_reject_keeps_the_reason_for_all_to_read(dash: Dash) -> None:
    id_ = held(dash.home, 1)
    own = dash.visitor()
    form = own.get(f"/proposals/personal/{id_}").html.one("form", id="reject")
    done = own.submit(form, note="venv is not what we use")
    assert "Rejected." in done.told
    assert "venv is not what we use" in done.text
    state = hub(dash.home).state().proposals[id_]
    assert (state.status, state.verdicts[-1].reason) == ("rejected", "venv is not what we use")
    assert not own.get(f"/proposals/personal/{id_}").html.find("form", id="reject")
    too_long = own.post(f"/proposals/personal/{held(dash.home, 2)}/reject", {"note": "x" * 501})
    assert "The note is too long." in too_long.told


def test_who_may_only_look_changes_nothing(dash: Dash) -> None:
    id_ = held(dash.home, 1)
    reader = dash.visitor(read_only=True)
    page = reader.get(f"/proposals/personal/{id_}")
    assert "disabled" in page.html.one("form", id="approve").one("button").attrs
    for what in ("approve", "reject", "vote"):
        assert "may look and do nothing" in reader.post(f"/proposals/personal/{id_}/{what}").told
    assert hub(dash.home).state().proposals[id_].status == "held"


def test_hostile_text_is_text(dash: Dash) -> None:
    made = proposal(1, HOSTILE)
    own = hub(dash.home)
    own.propose(made)
    own.record_verdicts(made.id, [Verdict(check="approval", verdict="hold", reason=HOSTILE)], "held")
    visitor = dash.visitor()
    for page in (visitor.get("/proposals"), visitor.get(f"/proposals/personal/{made.id}")):
        assert page.status == 200
        assert "<script>alert" not in page.body
        assert "onerror=" not in page.body.replace("onerror=&#34;", "")
        assert "\u202e" not in page.body
        assert "[U+202E]evil" in page.text
        assert "{{7*7}}" in page.text
    refused = visitor.submit(
        visitor.get(f"/proposals/personal/{made.id}").html.one("form", id="reject"), note=HOSTILE
    )
    assert "<script>alert" not in refused.body
    assert "\u202e" not in refused.body


def test_what_is_not_there_is_told(dash: Dash) -> None:
    own = dash.visitor()
    id_ = held(dash.home, 1)
    for path in (
        f"/proposals/personal/{id_[:8]}",
        f"/proposals/nohub/{id_}",
        "/proposals/personal/..%2f..%2fx",
    ):
        assert own.get(path).status == 404, path
    assert "There is no proposal" in own.post(f"/proposals/personal/{id_[:8]}/approve").told
