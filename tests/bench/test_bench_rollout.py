"""`bench rollout`: the simulation repeats, and shows rules that are wrong for what they are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cli import ok_json

from skillclaw.bench.rollout import (
    SCENARIOS,
    Row,
    Scenario,
    _row,
    markdown,
    observed,
    run_rollout_bench,
    summary,
    upper,
)
from skillclaw.errors import UsageError
from skillclaw.gate.rollout import Rules

KEPT = Path(__file__).parents[2] / "docs" / "runs" / "rollout"


def test_rows_say_what_became_of_the_canaries(tmp_path: Path) -> None:
    found = ok_json("bench", "rollout", "--runs", "1", "--only", "harm 15, 60 a day", home=tmp_path)
    (row,) = found["rows"]
    assert row["scenario"] == "harm 15, 60 a day" and row["runs"] == 1
    assert row["rolled_back"] == 1.0 and row["promoted"] == 0.0
    told = summary({**found, "rows": [msgspec.convert(row, Row)]})
    assert told.splitlines()[1].startswith("harm 15, 60 a day") and " 100.0% " in told
    with pytest.raises(UsageError, match="no scenario 'x'"):
        run_rollout_bench(1, only=["x"])


def test_what_became_of_each_is_kept_whatever_processes_played_it(tmp_path: Path) -> None:
    out = tmp_path / "kept"
    args = ("bench", "rollout", "--runs", "2", "--only", "harm 15, 60 a day")
    two = ok_json(*args, "--jobs", "2", "--out", str(out), home=tmp_path)
    one = ok_json(*args, "--jobs", "1", home=tmp_path)
    assert one["fates"] == two["fates"] and one["rows"] == two["rows"]
    assert [end[0] for end in one["fates"]["harm 15, 60 a day"]] == ["rollback", "rollback"]
    kept = msgspec.json.decode((out / "rollout.json").read_bytes())
    assert kept["fates"] == two["fates"]
    assert "| harm 15, 60 a day | 2 | 0.0% (77.6%) | 0.0% | 100.0% |" in (out / "rollout.md").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("path", sorted(KEPT.glob("*/rollout.json")), ids=lambda path: path.parent.name)
def test_the_figures_of_the_docs_are_those_of_the_runs_that_are_kept(path: Path) -> None:
    kept = msgspec.json.decode(path.read_bytes())
    rows = [_row(name, ends) for name, ends in kept["fates"].items()]
    assert [msgspec.to_builtins(row) for row in rows] == kept["rows"]
    told = (KEPT.parents[1] / "rollout.md").read_text("utf-8")
    for line in markdown({"rows": rows}).splitlines()[2:]:
        assert line in told


def test_the_promises_hold_in_the_two_thousand_runs_that_are_kept() -> None:
    kept = msgspec.json.decode((KEPT / "promises" / "rollout.json").read_bytes())
    rows = {row["scenario"]: row for row in kept["rows"]}
    assert all(row["runs"] >= 2000 and row["promoted_upper"] <= 0.05 for row in rows.values())
    assert rows["harm 15"]["back_14_lower"] >= 0.99
    assert rows["good 20, lowers success 15"]["back_14"] >= 0.99


def test_of_some_sessions_nobody_knows_how_they_went() -> None:
    scenario = next(one for one in SCENARIOS if one.name == "harm 15, four in ten unknown")
    sessions = [one for seed in range(3) for day in observed(scenario, seed, 14) for one in day]
    unknown = sum(one.success is None for one in sessions) / len(sessions)
    assert unknown == pytest.approx(0.4, abs=0.06)


def test_the_same_seed_gives_the_same_group() -> None:
    assert observed(SCENARIOS[0], 7, 5) == observed(SCENARIOS[0], 7, 5) != observed(SCENARIOS[0], 8, 5)


def test_an_effect_is_what_the_scenario_says() -> None:
    scenario = Scenario(name="large", effect=-0.15, a_day=400)
    days = [one for seed in range(6) for day in observed(scenario, seed, 14) for one in day]
    rates = [[o.success for o in days if o.treated == arm] for arm in (True, False)]
    treated, control = (sum(map(bool, arm)) / len(arm) for arm in rates)
    assert treated - control == pytest.approx(-0.15, abs=0.03)


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    assert upper(0, 2000) == pytest.approx(1 - 0.05 ** (1 / 2000))
    assert upper(5, 5) == 1.0
    assert upper(84, 2000) == pytest.approx(0.0504, abs=3e-4)


def test_rules_that_are_wrong_promote_neutral_skills() -> None:
    """The control: with every bar lowered the promised error rate is exceeded, and that shows."""
    loose = msgspec.structs.replace(Rules(), help=0.9, left_out=0.0, sessions=1, users=1, guard=99.0)
    runs = 6
    (row,) = run_rollout_bench(runs, only=["neutral"], rules=loose)["rows"]
    assert row.promoted > 0.3
    (row,) = run_rollout_bench(runs, only=["neutral"])["rows"]
    assert row.promoted == 0.0


@pytest.mark.slow
def test_the_promises_hold_in_two_hundred_runs() -> None:
    runs = 200
    found = run_rollout_bench(runs, only=["neutral", "harm 15", "good 20"])["rows"]
    rows = {row.scenario: row for row in found}
    assert rows["neutral"].promoted_upper <= 0.05
    assert rows["harm 15"].promoted_upper <= 0.05
    # 99% are promised; fewer than 193 of 200 would come about by chance in 1 of 1,000
    assert rows["harm 15"].back_14 >= 0.965
    assert rows["good 20"].promoted > 0.7 and rows["good 20"].rolled_back < 0.05
