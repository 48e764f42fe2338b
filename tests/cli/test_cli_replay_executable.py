"""Executable replay as users run it: cycles that let an agent work on cases in a closed room, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from chat_model import ChatModel, call, results, text
from cli import fails, ok, ok_json

from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
pytestmark = [pytest.mark.live, needs_sandbox]
Answer = Callable[[dict[str, Any]], Any]
TASK = "run the test-suite of this project"
STEPS = [
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
]
CHECKED = "[ -e installed ]"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with eight sessions of four people, and three cases of its own."""
    sessions = [session(user, n, TASK, STEPS) for user in "abcd" for n in range(2)]
    ok("import", str(write(tmp_path / "s.jsonl", sessions)), home=tmp_path)
    for name in ("shop", "till", "desk"):
        add_case(tmp_path / ".skillclaw" / "cases" / name, f"{TASK}, the {name}")
    return tmp_path


def add_case(folder: Path, instruction: str, grade: str = CHECKED) -> None:
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text(f'instruction = "{instruction}"\ntimeout = 20\n', "utf-8")
    (folder / "grade.sh").write_text(grade, "utf-8")


def helped(request: dict[str, Any]) -> Any:
    """Installs first where a skill says so; else forgets it."""
    if results(request):
        return text("Done.")
    return call("bash", command="touch installed" if "npm ci" in str(request["messages"]) else "true")


def harmed(request: dict[str, Any]) -> Any:
    """Does the right thing by itself; is led astray by the skill."""
    if results(request):
        return text("Done.")
    return call("bash", command="true" if "npm ci" in str(request["messages"]) else "touch installed")


def environ(model: ChatModel, **more: str) -> dict[str, str]:
    return {
        "SKILLCLAW_EVOLVE__MODEL__NAME": "m",
        "SKILLCLAW_EVOLVE__MODEL__URL": model.url,
        "SKILLCLAW_EVOLVE__MODEL__USD_IN": "1",
        "SKILLCLAW_GATE__REPLAY__MODE": "executable",
        "SKILLCLAW_GATE__REPLAY__REPEATS": "5",
        "SKILLCLAW_GATE__POLICY": "strict",
        **more,
    }


def of_replay(report: dict[str, Any]) -> dict[str, Any]:
    (judged,) = report["proposals"]
    (reason,) = [one for one in judged["reasons"] if one["check"] == "replay"]
    return {"status": judged["verdict"], "id": judged["id"], **reason}


def test_a_skill_that_helps_on_cases_passes_and_a_second_try_costs_nothing(home: Path) -> None:
    with ChatModel(helped) as model:
        given = environ(model)
        planned = ok_json("evolve", "--dry-run", home=home, environ=given)
        assert model.seen == []
        assert any("30 runs of an agent on 3 cases, 100 calls at most" in one for one in planned["notes"])
        assert any("skillclaw config set evolve.budget.calls 240" in one for one in planned["notes"])
        report = ok_json("evolve", home=home, environ=given)
        found = of_replay(report)
        assert (found["verdict"], found["status"]) == ("pass", "held"), "strict asks a person, too"
        assert "3 of 3 cases won, 0 lost, 0 tied" in found["reason"]
        assert "It took 60 calls, 6600 tokens, $0.01" in found["reason"]
        (replay,) = report["replays"]
        assert (replay["agent"], replay["model"]) == ("minimal", "m")
        assert {one["source"] for one in replay["scores"]} == {"cases"}
        assert report["spent"]["calls"] == replay["cost"]["calls"] == len(model.seen) == 60
        day = json.loads((home / ".skillclaw" / "model-spending.json").read_text("utf-8"))
        assert [sums["calls"] for sums in day.values()] == [60]
        again = ok_json("proposals", "replay", found["id"], home=home, environ=given)
        assert again["verdict"]["verdict"] == "pass" and len(model.seen) == 60, "known already"
        assert "3 cases replayed by m: 60 calls" in ok("proposals", "show", found["id"], home=home)
    ok("proposals", "approve", found["id"], home=home)
    assert [one["stage"] for one in ok_json("skills", "list", home=home)] == ["canary"]


@pytest.mark.slow
def test_a_skill_that_loses_cases_is_rejected(home: Path) -> None:
    with ChatModel(harmed) as model:
        found = of_replay(ok_json("evolve", home=home, environ=environ(model)))
    assert (found["verdict"], found["status"]) == ("reject", "rejected")
    assert "It made cases worse: 0 of 3 cases won, 3 lost" in found["reason"]
    assert ok_json("skills", "list", home=home) == []


@pytest.mark.slow
def test_where_the_budget_of_the_day_ends_the_next_cycle_tries_again(home: Path) -> None:
    with ChatModel(helped) as model:
        little = environ(model, SKILLCLAW_EVOLVE__BUDGET__DAY_CALLS="5")
        report = ok_json("evolve", home=home, environ=little)
        assert of_replay(report)["status"] == "held" and len(model.seen) == 5
        assert "5 calls of this day" in report["degraded"]
        assert ok_json("proposals", "list", home=home) == []
        assert of_replay(ok_json("evolve", home=home, environ=environ(model)))["verdict"] == "pass"


@pytest.mark.slow
def test_the_calls_of_one_proposal_end_it_for_good(home: Path) -> None:
    with ChatModel(helped) as model:
        given = environ(model, SKILLCLAW_GATE__REPLAY__MAX_CALLS="5")
        found = of_replay(ok_json("evolve", home=home, environ=given))
        assert (found["verdict"], found["status"]) == ("hold", "held")
        assert "The limit of 5 calls for one proposal is reached. 3 of 30 runs were made." in found["reason"]
        assert len(ok_json("proposals", "list", home=home)) == 1
        ok_json("proposals", "replay", found["id"], home=home, environ=given)
        assert len(model.seen) == 6


@pytest.mark.slow
def test_the_folder_of_the_settings_is_used_by_both_commands(home: Path) -> None:
    other = home / "elsewhere"
    add_case(other / "one", f"{TASK}, here")
    ok("config", "set", "gate.replay.cases", str(other), home=home)
    ok("config", "set", "gate.replay.agent", "codex", home=home)
    assert [one["name"] for one in ok_json("cases", "list", home=home)["cases"]] == ["one"]
    assert "Nothing is set for codex" in fails("cases", "run", "one", home=home, code=2)
    with ChatModel(helped) as model:
        said = fails("evolve", home=home, code=2, environ=environ(model))
        assert "Nothing is set for codex" in said
        given = environ(model, SKILLCLAW_GATE__REPLAY__AGENT="minimal")
        found = of_replay(ok_json("evolve", home=home, environ=given))
    assert found["status"] == "held" and "Only 1 held-out cases could be replayed" in found["reason"]


@pytest.mark.slow
def test_decisions_and_cases_together_are_one_result(home: Path) -> None:
    more = [session(user, n, TASK, STEPS) for user in "abcd" for n in range(2, 4)]
    ok("import", str(write(home / "more.jsonl", more)), home=home)

    def answer(request: dict[str, Any]) -> Any:
        names = [tool["function"]["name"] for tool in request.get("tools", [])]
        if "Bash" in names:  # a decision: the next action of a recorded session
            said = str(request["messages"])
            return call("Bash", command="npm ci" if "run `npm ci`" in said else "npm test")
        return helped(request)

    with ChatModel(answer) as model:
        room = {"SKILLCLAW_GATE__REPLAY__MAX_CALLS": "160", "SKILLCLAW_EVOLVE__BUDGET__CALLS": "200"}
        given = environ(model, SKILLCLAW_GATE__REPLAY__MODE="both", **room)
        report = ok_json("evolve", home=home, environ=given)
        asked = len(model.seen)
        assert report["degraded"] == ""
        (replay,) = report["replays"]
        assert {one["kind"] for one in replay["scores"]} == {"decision", "executable"}
        assert replay["cost"]["calls"] == report["spent"]["calls"] == asked <= 160
        assert of_replay(report)["verdict"] == "pass"
        ok_json("proposals", "replay", of_replay(report)["id"], home=home, environ=given)
        assert len(model.seen) == asked
    shown = ok_json("proposals", "show", of_replay(report)["id"], home=home)
    assert len(shown["replay"]["scores"]) == len(replay["scores"])
