"""The engine `llm` as a user runs it: sessions imported, a model named, a cycle, and what it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, Raw
from cli import ok, ok_json
from evidence import NAMES, sessions
from llm_script import honest, model
from skills_ref.validator import validate


def ready(home: Path, name: str, server: ChatModel | None, **more: str) -> None:
    """A home with the evidence of the set `name` and the scripted model."""
    ok("import", *map(str, sessions(name)), home=home)
    settings = {
        "evolve.engine": "llm",
        "evolve.model.name": "m",
        "evolve.model.url": server.url if server else "http://127.0.0.1:9",
        "evolve.model.timeout": "20",
        **more,
    }
    for key, value in settings.items():
        ok("config", "set", key, value, home=home)


def written(home: Path, names: list[str]) -> dict[str, str]:
    return {name: ok("skills", "show", name, home=home) for name in names}


@pytest.mark.slow
def test_a_cycle_with_a_model_and_the_same_again_without_it(tmp_path: Path) -> None:
    home = tmp_path / "one"
    tape = tmp_path / "tape"
    with model(honest) as server:
        ready(home, "claude-code", server)
        plan = ok_json("evolve", "--dry-run", home=home)
        assert server.seen == []
        first = ok_json("evolve", "--record", str(tape), home=home)
        asked = len(server.seen)
        assert 0 < asked <= sum(one["calls"] for one in plan["forecast"])
        assert ok_json("evolve", home=home)["spent"]["calls"] == 0
        assert len(server.seen) == asked
    assert {one["stage"] for one in plan["forecast"]} >= {"digest", "draft", "review"}
    made = [one for one in first["proposals"] if one["verdict"] == "passed"]
    assert made
    assert first["spent"]["calls"] == asked
    assert {one["stage"] for one in first["spent"]["stages"]} >= {"digest", "draft"}
    shown = written(home, [one["skill"] for one in made])
    assert all("since it worked for others." in text for text in shown.values())
    for one in made:
        lines = ok_json("skills", "evidence", one["skill"], home=home)
        assert lines
        assert all(line["sessions"] for line in lines)
    again = tmp_path / "two"
    ready(again, "claude-code", None)
    second = ok_json("evolve", "--replay", str(tape), home=again)
    assert [one["id"] for one in second["proposals"]] == [one["id"] for one in first["proposals"]]
    assert second["spent"]["calls"] == 0
    assert written(again, list(shown)) == shown


@pytest.mark.e2e
def test_a_model_that_fails_is_told_of_and_the_skills_come_all_the_same(tmp_path: Path) -> None:
    with model(lambda stage, prompt: Raw(b'{"error":{"message":"no"}}', 401)) as server:
        ready(tmp_path, "claude-code", server)
        report = ok_json("evolve", home=tmp_path)
        assert len(server.seen) == 1
    assert report["proposals"]
    told = [note for note in report["notes"] if "extractive" in note]
    assert len(told) == 1
    assert "llm" in told[0]
    assert "401" in told[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_set_of_evidence_gives_grounded_valid_skills(name: str, tmp_path: Path) -> None:
    with model(honest) as server:
        ready(tmp_path, name, server, **{"evolve.budget.calls": "0", "evolve.budget.tokens": "0"})
        report: dict[str, Any] = ok_json("evolve", home=tmp_path)
    assert report["proposals"], report["notes"]
    for one in report["proposals"]:
        assert one["verdict"] == "passed", (one, report["notes"])
        text = ok("skills", "show", one["skill"], home=tmp_path)
        folder = tmp_path / "check" / one["skill"]
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(text, encoding="utf-8")
        assert validate(folder) == []
        for line in ok_json("skills", "evidence", one["skill"], home=tmp_path):
            assert line["sessions"], (one["skill"], line)
    assert "grounding" not in json.dumps(report["notes"])
