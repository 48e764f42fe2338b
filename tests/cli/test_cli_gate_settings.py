"""Settings of the gate as users give them: what is refused says what is wanted, what is missing is told."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest
from cli import fails, ok, ok_json, skillclaw
from team import found, joined

import skillclaw as package
from skillclaw import settings_needs
from skillclaw.evolve.replay import executing
from skillclaw.evolve.replay.plan import ReplayPlan
from skillclaw.evolve.replay.replayer import Replayer
from skillclaw.gate.replay.deciding import LEAST_CASES
from skillclaw.settings_evolve import ModelSettings
from skillclaw.settings_gate import ReplaySettings
from skillclaw.settings_needs import replay_needs

pytestmark = pytest.mark.live


def test_hours_that_are_none_are_told_in_words(tmp_path: Path) -> None:
    for wrong in ("night", "22-25", "22", "7"):
        told = fails("config", "set", "gate.votes.hours", wrong, home=tmp_path, code=2)
        assert "hours of the day" in told and "22-7" in told and "regex" not in told
    for right in ("22-7", "0-24", ""):
        ok("config", "set", "gate.votes.hours", right, home=tmp_path)
    file = next(tmp_path.rglob("config.toml"))
    file.write_text('[gate.votes]\nhours = "late"\n', "utf-8")
    assert "such as 22-7" in fails("status", home=tmp_path)


def test_votes_without_a_model_say_that_nothing_is_tried(tmp_path: Path) -> None:
    enable = ("config", "set", "gate.votes.enabled", "true")
    assert "evolve.model.name" in skillclaw(*enable, home=tmp_path).stderr
    assert skillclaw(*enable[:-1], "false", home=tmp_path).stderr == ""
    ok("config", "set", "evolve.model.name", "m", home=tmp_path)
    assert skillclaw(*enable, home=tmp_path).stderr == ""


def test_a_case_is_tried_five_times_at_least(tmp_path: Path) -> None:
    for few in ("0", "1", "4"):
        assert "5" in fails("config", "set", "gate.replay.repeats", few, home=tmp_path, code=2)
    ok("config", "set", "gate.replay.repeats", "5", home=tmp_path)


def set_(home: Path, key: str, value: str) -> str:
    """What is said beside the result."""
    return " ".join(skillclaw("config", "set", key, value, home=home).stderr.split())


@pytest.mark.slow
def test_a_replay_that_the_limits_leave_no_room_for_is_told_with_what_to_set(tmp_path: Path) -> None:
    assert set_(tmp_path, "gate.replay.mode", "decision") == "", "100 calls are enough for three decisions"
    for mode, need in (("executable", 120), ("both", 240)):
        said = set_(tmp_path, "gate.replay.mode", mode)
        assert f"may take {need} calls for 3 cases" in said
        assert "gate.replay.max_calls is 100 and evolve.budget.calls is 100" in said
    (checked,) = ok_json("config", "check", home=tmp_path)["notes"]
    assert checked == said
    assert " ".join(checked.split()) in " ".join(ok("config", "check", home=tmp_path).split())
    todo = [line.split() for line in said.partition("come to an end: ")[2].split(";")]
    assert [words[:3] for words in todo] == [["skillclaw", "config", "set"]] * 2
    assert set_(tmp_path, *todo[0][3:]).startswith("Trying one change"), "the budget is short still"
    assert set_(tmp_path, *todo[1][3:]) == ""
    assert "day_calls is 200" in set_(tmp_path, "evolve.budget.day_calls", "200")
    assert set_(tmp_path, "evolve.budget.day_calls", "0") == "", "no limit"
    assert "evolve.budget.calls is 480" in set_(tmp_path, "gate.replay.max_calls", "600")
    assert set_(tmp_path, "gate.replay.mode", "off") == ""
    assert ok_json("config", "check", home=tmp_path)["notes"] == []


def test_what_a_replay_needs_is_what_the_replay_counts_with() -> None:
    assert (settings_needs.CASES, settings_needs.CALLS["executable"]) == (LEAST_CASES, executing.CALLS)
    for repeats in (5, 9):
        both = ReplaySettings(mode="both", repeats=repeats)
        for mode in ("decision", "executable", "both"):
            need = replay_needs(msgspec.structs.replace(both, mode=mode))
            for calls, enough in ((need, True), (need - 2, False)):
                given = msgspec.structs.replace(both, mode=mode, max_calls=calls)
                plan = ReplayPlan(settings=given, model=ModelSettings())
                tries = Replayer(plan, None, Path())  # type: ignore[arg-type]
                decisions = tries.most if mode != "executable" else LEAST_CASES
                left = calls - (tries.decisions if mode == "both" else 0)
                runs = left // (2 * repeats * executing.CALLS) if mode != "decision" else LEAST_CASES
                assert (min(decisions, runs) >= LEAST_CASES) is enough, (mode, calls)


def test_a_group_of_one_is_told_what_two_reviewers_mean(tmp_path: Path) -> None:
    found(tmp_path)
    two, ada = ("hub", "settings", "reviewers", "2"), tmp_path / "ada"
    assert "Only 1 may approve here" in skillclaw(*two, home=ada).stderr
    assert skillclaw(*two[:-1], "1", home=ada).stderr == ""
    joined(tmp_path, "rev", "--role", "reviewer")
    assert skillclaw(*two, home=ada).stderr == ""


def test_sessions_are_kept_as_long_as_a_canary_is_measured(tmp_path: Path) -> None:
    found(tmp_path)
    for few in ("1", "29"):
        told = fails("hub", "settings", "retention_days", few, home=tmp_path / "ada")
        assert "30 at least" in told and "canary" in told
    ok("hub", "settings", "retention_days", "30", home=tmp_path / "ada")


SOURCE = Path(package.__file__).parent


@pytest.mark.parametrize("part", ["cli", "server", "hub", "gate", "evolve", "library", "agents", "journal"])
def test_no_text_sends_people_to_a_file_that_is_not_installed(part: str) -> None:
    for path in sorted((SOURCE / part).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                said = node.value.replace("such as docs/", "")
                assert "docs/" not in said, f"{path}:{node.lineno}"
