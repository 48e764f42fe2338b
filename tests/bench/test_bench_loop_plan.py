"""What a run will do, for suites of every kind, and the model that plays a script."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_house import write_small_house

from skillclaw.bench.loop.forecast import forecast, plan_forecast
from skillclaw.bench.loop.plan import Plan, choose_unseen, held_out_draws, screen_draws, stream_draws
from skillclaw.bench.loop.scripted import scripted_model
from skillclaw.bench.suites import Suite
from skillclaw.bench.suites.house import House
from skillclaw.bench.suites.metaclaw import MetaClawSuite
from skillclaw.bench.suites.workbench import WorkBenchSuite
from skillclaw.errors import UsageError

CHECKOUTS = Path(__file__).parent / "checkouts"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(write_small_house(tmp_path_factory.mktemp("house")))


@pytest.fixture(scope="module")
def workbench() -> WorkBenchSuite:
    return WorkBenchSuite()


def plan(suite: Suite, **changes: Any) -> Plan:
    templates = tuple(template.id for template in suite.templates())
    values: dict[str, Any] = {
        "suite": suite.name,
        "source": "",
        "templates": templates,
        "unseen": choose_unseen(suite, templates, 0),
        "agent": "scripted",
        "model": "scripted",
        "temperature": 0.0,
        "seed": 0,
        "users": 4,
        "days": 3,
        "stream": 4,
        "held_out": 1,
        "screen": 2,
        "threshold": 0.2,
    }
    return Plan(**(values | changes))


def ask(base: str, seed: int, *messages: tuple[str, str]) -> dict[str, Any]:
    body = {"seed": seed, "messages": [{"role": role, "content": text} for role, text in messages]}
    request = urllib.request.Request(
        f"{base}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        message: dict[str, Any] = json.load(answer)["choices"][0]["message"]
    return message


def test_the_scripted_model_knows_the_stream_of_every_choice_of_templates(house: House) -> None:
    # After the screening fewer templates share the stream, so that each is drawn more often than planned.
    made = plan(house, users=4, stream=10, days=3)
    with scripted_model(house, alone=0, informed=1) as base:
        for draw in stream_draws(made, house, made.templates[:1])[0]:
            said = ask(base, draw.seed, ("user", house.draw(draw.template, draw.seed).instruction))
            assert said.get("tool_calls"), said


def test_the_scripted_model_is_told_by_skills_and_users_alone(house: House) -> None:
    task = house.draw(house.templates()[0].id, 3)
    with scripted_model(house, alone=0, informed=1) as base:

        def command(*messages: tuple[str, str]) -> str:
            call = ask(base, 3, *messages)["tool_calls"][0]["function"]
            text: str = json.loads(call["arguments"])["command"]
            return text

        instruction = ("user", task.instruction)
        rule = "No, parcel needs --depot north here, always."
        assert "--depot" not in command(("system", "You work."), instruction)
        assert "--depot" in command(("user", f"<skill-context>{rule}</skill-context>"), instruction)
        assert "--depot" in command(instruction, ("assistant", "Done."), ("user", rule))
        assert "--depot" not in command(instruction, ("assistant", rule), ("user", "Well?"))
        assert "--depot" not in command(
            instruction, ("assistant", "Done."), ("user", "No, ledger is --sealed.")
        )


def test_the_scripted_model_succeeds_as_often_as_it_should(house: House) -> None:
    task = house.draw(house.templates()[0].id, 3)
    rule = "No, parcel needs --depot north here, always."
    with scripted_model(house, alone=0.25, informed=0.75) as base:
        for messages, rate in (((),), 0.25), (((("system", rule),)), 0.75):
            given = [m for m in messages if m]
            won = sum(
                "--depot" in json.dumps(ask(base, seed, *given, ("user", task.instruction)))
                for seed in range(200)
            )
            assert abs(won / 200 - rate) < 0.1


@pytest.mark.parametrize("days", [0, 1, 3])
def test_a_task_of_a_checkout_is_worked_on_or_measured_once(days: int) -> None:
    suite = MetaClawSuite(CHECKOUTS / "metaclaw")
    made = plan(suite, days=days, screen=0)
    assert len(made.templates) == 6 and len(made.unseen) == 3
    measured = [draw.template for day in held_out_draws(made, suite, made.templates) for draw in day]
    work = {draw.template for day in stream_draws(made, suite, made.templates) for draw in day}
    assert measured == (sorted(made.unseen, key=made.templates.index) if days else [])
    assert not work & set(made.unseen) and not work & set(measured)
    told = forecast(made, suite, [], made.templates)
    worked_on = sum(map(len, stream_draws(made, suite, made.templates)))
    assert told.attempts == 3 * len(measured) + worked_on


def test_no_user_is_given_the_same_task_twice_in_a_day() -> None:
    suite = MetaClawSuite(CHECKOUTS / "metaclaw")
    made = plan(suite, days=3, screen=0, stream=10)
    for day in stream_draws(made, suite, made.templates):
        assert day and max(Counter((draw.user, draw.template, draw.seed) for draw in day).values()) == 1


def test_a_plan_that_cannot_be_carried_out_is_refused_before_it_starts(
    workbench: WorkBenchSuite, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="too few instances"):
        plan_forecast(tmp_path / "results.jsonl", plan(workbench, days=4), workbench)
    with pytest.raises(UsageError, match="too few instances"):
        plan_forecast(tmp_path / "results.jsonl", plan(workbench, screen=7), workbench)
    rounds = MetaClawSuite(CHECKOUTS / "metaclaw")
    with pytest.raises(UsageError, match="fewer tasks to measure"):
        plan_forecast(tmp_path / "results.jsonl", plan(rounds, days=4, screen=0), rounds)


def test_instances_of_a_numbered_suite_serve_one_purpose(workbench: WorkBenchSuite) -> None:
    made = plan(workbench, stream=20)
    screen = {(draw.template, draw.seed) for draw in screen_draws(made, workbench)}
    days = stream_draws(made, workbench, made.templates[:3])
    stream = {(draw.template, draw.seed) for day in days for draw in day}
    measured = [(d.template, d.seed) for day in held_out_draws(made, workbench, made.templates) for d in day]
    assert len(stream) == 3 * 5 and len(set(measured)) == len(measured) == 3 * 69
    assert not screen & stream and not set(measured) & (screen | stream)


def test_a_screening_that_is_short_of_time_has_tried_every_template_and_category(house: House) -> None:
    made = plan(house, screen=3)
    found = screen_draws(made, house)
    categories = {template.id: template.category for template in house.templates()}
    assert len(found) == 3 * 4
    assert all(
        {draw.template for draw in found[start : start + 4]} == set(made.templates) for start in (0, 4, 8)
    )
    assert all(len({categories[d.template] for d in found[at : at + 2]}) == 2 for at in range(0, 12, 2))


def test_no_instance_is_measured_on_two_days(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import skillclaw.bench.loop.plan as module

    # Seeds from so few that days drawn apart from each other would meet.
    monkeypatch.setattr(module, "SEEDS", 300)
    made = plan(house, days=6, held_out=4)
    measured = [(d.template, d.seed) for day in held_out_draws(made, house, made.templates) for d in day]
    assert len(set(measured)) == len(measured) == 6 * 4 * 4
