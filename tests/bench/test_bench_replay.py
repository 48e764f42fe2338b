"""`skillclaw bench replay` on scripted models: the real cycle, the real gate, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_model import ChatModel, Raw
from cli import fails, ok, ok_json
from office_runs import FIND, decides, works, write_runs

from skillclaw.bench.replay.screening import Screened, screen, stays
from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_runs(tmp_path_factory.mktemp("data") / "workbench")


def bench(data: Path, home: Path, model: ChatModel, *more: str) -> list[str]:
    return [
        *("bench", "replay", "--data", str(data), "--out", str(home / "run")),
        *("--model-url", model.url, "--model", "m", "--cases", "3", "--repeats", "2", "--screen", "2", *more),
    ]


def by_skill(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["skill"]: row for row in report["skills"]}


@pytest.mark.slow
def test_the_good_skill_passes_and_the_wrong_ones_do_not(data: Path, tmp_path: Path) -> None:
    with ChatModel(decides()) as model:
        report = ok_json(*bench(data, tmp_path, model), home=tmp_path)
    skills = by_skill(report)
    assert report["done"] and report["held"] is True, skills
    assert (skills["mined"]["verdict"], skills["mined"]["won"], skills["mined"]["lost"]) == ("pass", 3, 0)
    for name in ("shuffled", "plausible", "misled"):
        assert skills[name]["verdict"] in ("hold", "reject") and not skills[name]["won"]
    texts = {name: (tmp_path / f"run/skills/{name}/SKILL.md").read_text("utf-8") for name in skills}
    assert [name for name, text in texts.items() if FIND in text] == ["mined"]
    assert len({text.split("## What goes wrong")[0] for text in texts.values()}) == 1
    assert len({len(text.splitlines()) for text in texts.values()}) == 1


@pytest.mark.slow
def test_a_wrong_skill_that_only_made_the_model_think_has_won_nothing(data: Path, tmp_path: Path) -> None:
    """As a real model did: told to do something else, it found the right tool by itself."""
    with ChatModel(decides(startled=True)) as model:
        report = ok_json(*bench(data, tmp_path, model), home=tmp_path)
    skills = by_skill(report)
    assert report["held"] is True, skills
    assert (skills["mined"]["verdict"], skills["mined"]["won"]) == ("pass", 3)
    for name in ("shuffled", "plausible", "misled"):
        told = skills[name]
        assert all(min(score["after"]) == 1.0 > max(score["before"]) for score in told["scores"])
        assert (told["verdict"], told["won"], told["tied"]) == ("hold", 0, 3)
        assert "In 3 the model did better, but by an action that the skill does not name." in told["reason"]


@pytest.mark.slow
def test_what_was_answered_before_it_was_stopped_is_not_asked_again(data: Path, tmp_path: Path) -> None:
    answer = decides()

    def breaks(request: dict[str, Any]) -> Any:
        return Raw(b'{"error":{"message":"gone"}}', 401) if len(first.seen) > 12 else answer(request)

    with ChatModel(breaks) as first:
        told = fails(*bench(data, tmp_path, first), "--json", home=tmp_path)
        assert "The same command goes on" in told
    with ChatModel(answer) as second:
        options = bench(data, tmp_path, second)
        foreseen = ok_json(*options, "--forecast", home=tmp_path)["decisions"]
        assert foreseen["candidates"] == 3 and foreseen["seconds"] and not second.seen
        report = ok_json(*options, home=tmp_path)
        asked = len(second.seen)
        again = ok_json(*options, home=tmp_path)
    prompts = {json.dumps(one, sort_keys=True) for one in first.seen[:12]}
    assert asked and not any(json.dumps(one, sort_keys=True) in prompts for one in second.seen)
    assert len(second.seen) == asked and again["skills"] == report["skills"] and report["held"] is True
    told = fails(*options, "--topic", "email", "--json", home=tmp_path)
    assert "another plan" in told and "topic" in told


@pytest.mark.slow
def test_a_model_that_heeds_no_skill_passes_none(data: Path, tmp_path: Path) -> None:
    with ChatModel(decides(follows=False)) as model:
        told = ok(*bench(data, tmp_path, model), home=tmp_path)
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert {row["verdict"] for row in report["skills"]} == {"hold"} and report["held"] is False
    assert {row["tied"] for row in report["skills"]} == {3}
    assert "changed nothing" in told and "mined" in told


@pytest.mark.slow
@needs_sandbox
def test_agents_work_on_tasks_that_nothing_was_learned_from(data: Path, tmp_path: Path) -> None:
    with ChatModel(works) as model:
        options = bench(data, tmp_path, model, "--mode", "executable")
        report = ok_json(*options, home=tmp_path)
        asked = len(model.seen)
        file = tmp_path / "run" / "runs.jsonl"
        file.write_bytes(file.read_bytes()[:-10])  # as a kill leaves it
        again = ok_json(*options, home=tmp_path)
    skills = by_skill(report)
    assert report["held"] is True, skills
    assert (skills["mined"]["won"], skills["mined"]["lost"]) == (3, 0)
    assert not any(skills[name]["won"] for name in ("shuffled", "plausible", "misled"))
    assert 0 < len(model.seen) - asked < 5, "only the last run is made again"
    for one in again["skills"]:
        assert one["scores"] == skills[one["skill"]]["scores"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.0, 0.0, 0.5], True),
        ([0.0, 0.0, 1.0], False),
        ([0.0, 0.5, 0.75, 0.0, 1.0], True),
        ([0.0, 0.0, None], False),
        ([], False),
    ],
)
def test_a_case_stays_if_the_bare_model_fails_it(scores: list[float | None], expected: bool) -> None:
    assert stays(scores) is expected


def test_without_screening_the_first_candidates_are_the_cases() -> None:
    assert screen(range(10), None, 3, lambda done, total, what: None) == ([0, 1, 2], [])


def test_screening_ends_when_there_are_enough() -> None:
    looked: list[int] = []

    def tried(number: int) -> Screened:
        looked.append(number)
        scores: list[float | None] = [float(number % 2)] * 3
        return Screened(case=str(number), name="", kind="decision", scores=scores, stays=stays(scores))

    quiet: Callable[[int, int | None, str], None] = lambda done, total, what: None  # noqa: E731
    kept, seen = screen(range(10), tried, 3, quiet)
    assert kept == [0, 2, 4] and looked == [0, 1, 2, 3, 4] and [one.stays for one in seen].count(True) == 3


@pytest.mark.slow
def test_without_a_model_it_says_what_is_missing(data: Path, tmp_path: Path) -> None:
    told = fails(
        "bench", "replay", "--data", str(data), "--out", str(tmp_path / "run"), home=tmp_path, code=2
    )
    assert "--model-url" in told and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_other_instances_can_be_held_out(data: Path, tmp_path: Path) -> None:
    tasks = {}
    for held in ("8-10", "1-3"):
        home = tmp_path / held
        with ChatModel(decides()) as model:
            report = ok_json(*bench(data, home, model), "--held-out", held, home=home)
        assert report["held"] is True and report["plan"]["held_out"][0] == int(held.partition("-")[0])
        tasks[held] = {one["name"] for one in report["screening"]}
    assert tasks["8-10"] and tasks["1-3"] and not tasks["8-10"] & tasks["1-3"]


@pytest.mark.slow
@pytest.mark.parametrize("said", ["8", "3-1", "0-3", "8-11", "1-10", "a-b", "8-10-12", "²-3"])
def test_what_names_no_instances_is_refused(said: str, data: Path, tmp_path: Path) -> None:
    with ChatModel(decides()) as model:
        told = fails(*bench(data, tmp_path, model), "--held-out", said, home=tmp_path, code=2)
    assert "--held-out" in told and not (tmp_path / "run").exists()
