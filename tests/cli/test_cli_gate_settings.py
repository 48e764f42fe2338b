"""Settings of the gate as users give them: what is refused says what is wanted, what is missing is told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from cli import fails, ok, skillclaw
from team import found, joined

import skillclaw as package


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
