"""The pages of sessions: what a user finds, reads and does there, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from atif_sessions import Ran, write
from atif_sessions import session as atif
from dashboard_house import Dash, Visitor, dashboard
from made_sessions import made, sh
from team import found, joined, sc
from team import home as home_of

from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import (
    SessionMeta,
    Signal,
    SkillUse,
    StepMeta,
    Trajectory,
    decode,
    with_step_meta,
)

HOSTILE = "<script>alert(1)</script> {{7*7}} \u202eevil <img src=x onerror=alert(2)>"


def known(number: int, **more: object) -> SessionMeta:
    given = {"key": f"{number:016x}", "user": "ana", "source": "history", "project": "till"} | more
    return msgspec.convert(msgspec.to_builtins(given), SessionMeta)


def dated(one: Trajectory, number: int) -> Trajectory:
    first = msgspec.structs.replace(one.steps[0], timestamp=f"2026-11-{1 + number % 28:02d}T09:00:00Z")
    return msgspec.structs.replace(one, steps=[first, *one.steps[1:]])


def rich() -> Trajectory:
    """A session with all that a transcript marks."""
    sub = made("look around", ("say", "I looked."), name="scout-1")
    one = made(
        "Please run the tests of <email:9c0d1e> with <secret:openai-key:3fa1c2>",
        sh("npm test", "Error: Cannot find module 'x'", 1),
        sh("npm ci", "added 5 packages", 0),
        sh("npm test", "ok " + "line\n" * 60, 0),
        ("Task", {"prompt": "look around"}, "sub:scout-1", None),
        ("say", HOSTILE),
        meta=known(
            1,
            outcome="success",
            confidence=0.8,
            masked={"secret:openai-key": 1, "email": 1},
            skills=[SkillUse(name="tidy", read_step=3), SkillUse(name="other", offered=True)],
            signals=[Signal(kind="tests", value=0.6, step=4, source="last test run passed")],
        ),
        subs=[sub],
    )
    thought = msgspec.structs.replace(one.steps[1], reasoning_content="I should try the tests.")
    side = with_step_meta(
        msgspec.structs.replace(one.steps[5], step_id=7, message="a title"), StepMeta(kind="side")
    )
    return dated(msgspec.structs.replace(one, steps=[one.steps[0], thought, *one.steps[2:], side]), 1)


@pytest.fixture
def dash(tmp_path: Path) -> Iterator[Dash]:
    home = tmp_path / ".skillclaw"
    store = SessionStore(home)
    store.put(rich())
    store.put_many(
        dated(made(f"file parcel number {n}", sh("ls"), meta=known(n, outcome="failure", project="depot")), n)
        for n in range(2, 130)
    )
    store.close()
    with dashboard(home) as one:
        yield one


@pytest.fixture
def visitor(dash: Dash) -> Visitor:
    return dash.visitor()


def keys_on(visitor: Visitor, **query: str) -> list[str]:
    page = visitor.get("/sessions", **query)
    assert page.status == 200
    return [
        link.attrs["id"].removeprefix("s-") for link in page.html.one("main").find("a") if "id" in link.attrs
    ]


def test_the_list_is_searched_narrowed_and_paged(visitor: Visitor) -> None:
    page = visitor.get("/sessions")
    while "are being read" in page.text:
        page = visitor.get("/sessions")
    assert "129 sessions: 1 succeeded, 128 failed" in page.text
    rows = page.html.one("table").find("tr")
    assert len(rows) == 51
    assert {th.text for th in rows[0].find("th")} == {
        "When", "Session", "Agent", "Project", "Steps", "Outcome", "Skills", "Shared",
    }  # fmt: skip
    seen = keys_on(visitor)
    link = page.html.one("a", rel="next")
    while link:
        page = visitor.get(link.attrs["href"])
        seen += [one.attrs["id"].removeprefix("s-") for one in page.html.find("a") if "id" in one.attrs]
        further = page.html.find("a", rel="next")
        link = further[0] if further else None
    assert len(seen) == len(set(seen)) == 129
    assert keys_on(visitor, project="till") == [f"{1:016x}"]
    assert keys_on(visitor, words="parcel 77") == [f"{77:016x}"]
    assert keys_on(visitor, skill="tidy") == [f"{1:016x}"]
    assert keys_on(visitor, outcome="success", agent="claude-code") == [f"{1:016x}"]
    assert set(keys_on(visitor, since="2026-11-28")) == {f"{n:016x}" for n in range(2, 130) if n % 28 == 27}
    assert "No session fits." in visitor.get("/sessions", words="nothing of the kind").text


def test_the_list_works_before_the_catalogue_has_read_anything(
    dash: Dash, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skillclaw.web.pages.sessions.FIRST", 0.0)
    page = visitor.get("/sessions")
    assert "0 of 129" in page.html.one("p", id="filling").text
    assert len(page.html.one("table").find("tr")) == 51
    asked = visitor.ask(
        "GET", page.html.one("p", id="filling").attrs["hx-get"], headers={"HX-Target": "filling"}
    )
    assert asked.html.one("p", id="filling").text == ""
    assert "file parcel number" in asked.text


def test_a_transcript_marks_what_a_session_holds(visitor: Visitor) -> None:
    page = visitor.get(f"/sessions/{1:016x}")
    assert page.status == 200
    assert page.html.one("h1").text == (
        "Please run the tests of masked: email with masked: secret:openai-key"
    )
    user = page.html.one("li", id="step-1")
    assert [chip.text for chip in user.find("span", cls="masked")] == [
        "masked: email",
        "masked: secret:openai-key",
    ]
    failed = page.html.one("li", id="step-2")
    assert "exit code 1" in failed.one("div", cls="wrong").text
    assert "After “npm test” failed, this worked" in failed.one("div", cls="episode-recovery").text
    assert failed.find("details")[0].text.startswith("Thinking")
    folded = page.html.one("li", id="step-4").one("details")
    assert "303 characters" in folded.one("summary").text
    assert "read skill tidy" in page.html.one("li", id="step-3").text
    assert "side request" in page.html.one("li", id="step-7").text
    assert "last test run passed" in page.text
    (link,) = page.html.one("li", id="step-5").find("a", href=f"{visitor.base}/sessions/{1:016x}?sub=1")
    sub = visitor.get(link.attrs["href"])
    assert "I looked." in sub.text
    assert "scout-1" in sub.html.one("h1").text


def test_hostile_text_is_inert(visitor: Visitor) -> None:
    page = visitor.get(f"/sessions/{1:016x}")
    assert not [one for one in page.html.find("script") if "src" not in one.attrs]
    assert "onerror" not in json.dumps([one.attrs for one in page.html.find()])
    assert "{{7*7}} [U+202E]evil" in page.html.one("li", id="step-6").text
    listed = visitor.get("/sessions", words='"><script>alert(1)</script>', agent="<b>x</b>", since="x' OR 1")
    assert listed.status == 200
    assert not listed.html.find("b")
    assert visitor.get("/sessions", after="\u202e~~'--").status == 200


def test_a_long_session_comes_in_parts(dash: Dash, visitor: Visitor) -> None:
    turns = [sh(f"make part{n}", "x" * 500) for n in range(1000)]
    store = SessionStore(dash.home)
    store.put(made("build it all", *turns, meta=known(700)))
    store.close()
    page = visitor.get(f"/sessions/{700:016x}")
    assert len(page.html.find("li", cls="step")) == 40
    assert "Part 1 of 26" in page.text
    page = visitor.get(page.html.find("a", rel="next")[0].attrs["href"])
    assert page.html.find("li", cls="step")[0].attrs["id"] == "step-41"
    assert visitor.get(f"/sessions/{700:016x}", part="999").html.find("li", id="step-1001")


def test_feedback_decides_and_is_masked(dash: Dash, visitor: Visitor) -> None:
    page = visitor.get(f"/sessions/{5:016x}")
    done = visitor.submit(page.html.one("form", id="feedback"), verdict="good", note="ask ana@corp.example")
    assert "counts as success" in done.told
    assert "You said that it went well." in done.text
    assert "ana@corp.example" not in done.body
    row = SessionStore(dash.home).rows(key=f"{5:016x}")[0]
    assert row.outcome == "success"
    wrong = visitor.post(f"/sessions/{5:016x}/feedback", {"verdict": "so-so"})
    assert "Say whether" in wrong.told


def test_a_mark_keeps_a_session_here(dash: Dash, visitor: Visitor) -> None:
    page = visitor.get(f"/sessions/{5:016x}")
    done = visitor.submit(page.html.one("form", id="share"), said="never")
    assert "never shared" in done.told
    assert [one.attrs["value"] for one in done.html.one("select", id="said").find("option", selected="")] == [
        "never"
    ]
    assert "never shared" in visitor.get(f"/sessions/{5:016x}/preview").text


def test_the_export_is_the_session(dash: Dash, visitor: Visitor) -> None:
    page = visitor.get(f"/sessions/{1:016x}/atif")
    assert page.headers["content-disposition"].startswith("attachment")
    assert decode(page.body) == SessionStore(dash.home).get(f"{1:016x}")


def test_forgetting_asks_and_leaves_nothing(dash: Dash, visitor: Visitor) -> None:
    key = f"{77:016x}"
    while "are being read" in visitor.get("/sessions").text:
        pass
    page = visitor.get(f"/sessions/{key}/forget")
    assert "Importing again does not bring it back" in page.text
    assert SessionStore(dash.home).rows(key=key)
    done = visitor.submit(page.html.one("form", id="forget"))
    assert f"Forgot {key}" in done.told
    assert "128 sessions" in done.text
    for path in dash.home.glob("*.db*"):
        assert b"parcel number 77" not in path.read_bytes(), path
    gone = visitor.get(f"/sessions/{key}")
    assert gone.status == 404
    assert "There is no such session here." in gone.text


def test_who_may_only_look_changes_nothing(dash: Dash) -> None:
    looker = dash.visitor(read_only=True)
    key = f"{5:016x}"
    page = looker.get(f"/sessions/{key}")
    assert all("disabled" in b.attrs for b in page.html.one("form", id="feedback").find("button"))
    for path, fields in (("forget", {}), ("feedback", {"verdict": "good"}), ("share", {"said": "never"})):
        assert "may look and do nothing" in looker.post(f"/sessions/{key}/{path}", fields).told
    assert SessionStore(dash.home).rows(key=key)[0].outcome == "failure"


def test_the_pages_speak_chinese(dash: Dash) -> None:
    reader = dash.visitor(language="zh")
    assert "关键词" in reader.get("/sessions").text
    page = reader.get(f"/sessions/{1:016x}")
    assert "对话与操作" in page.text
    assert "最后一次测试通过" in page.text
    assert "永久遗忘" in reader.get(f"/sessions/{1:016x}/forget").text


def test_with_a_group_the_preview_is_what_leaves_and_forgetting_takes_it_back(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    one = atif("", 1, "mail zoe@corp.example the list", [Ran("npm test", 0, "ok")], project="till")
    del one["extra"]["skillclaw"]["user"]
    sc(tmp_path, "bob", "import", str(write(tmp_path / "s.jsonl", [one])))
    (row,) = sc(tmp_path, "bob", "sessions", "list")
    key = row["id"]
    with dashboard(home_of(tmp_path, "bob"), {"HOME": str(tmp_path / "bob")}) as dash:
        visitor = dash.visitor()
        before = visitor.get(f"/sessions/{key}/preview", hub="team")
        assert "stays here" in before.text
        assert "share.hubs.team" in before.text
        sc(tmp_path, "bob", "config", "set", "share.default", "redacted")
        sc(tmp_path, "bob", "share", "allow", "--hub", "team", "--past")
        assert "may go" in visitor.get(f"/sessions/{key}/preview", hub="team").text
        printed = sc(tmp_path, "bob", "sessions", "preview", key, "--hub", "team")
        given = visitor.get(f"/sessions/{key}/preview.json", hub="team")
        assert given.body == printed["body"]
        assert "zoe@corp.example" not in given.body
        (report,) = sc(tmp_path, "bob", "share", "send")
        assert report["sent"] == 1
        (receipt,) = sc(tmp_path, "bob", "sessions", "receipts", key)
        assert (tmp_path / "group" / receipt["object"]).exists()
        assert "sent 20" in visitor.get(f"/sessions/{key}/preview", hub="team").text
        assert "Some of it was sent to a group." in visitor.get(f"/sessions/{key}").text
        page = visitor.get(f"/sessions/{key}/forget")
        assert "1 object is deleted there" in page.text
        done = visitor.submit(page.html.one("form", id="forget"))
        assert "Deleted from hubs: 1 object." in done.told
    assert not (tmp_path / "group" / receipt["object"]).exists()
