"""Outcomes are measured without the label as input, and the weights in the code are those of the fit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.datasets import read_rows
from skillclaw.bench.outcomes import Judged, figures, fit, judge, measure_outcomes, summary
from skillclaw.trajectory.outcomes import BASE, RULES

QUERY = "Delete the customer Lee from the crm"
FIND = {
    "tool": "crm.search_customers",
    "args": {"name": "Lee"},
    "thought": "",
    "observation": '[{"customer_id": "00000042"}]',
}


def run(template: int, instance: int, *, right: bool, success: bool) -> dict[str, Any]:
    """A WorkBench run that deletes the customer it found, or one that nobody named."""
    customer = "00000042" if right else "00000077"
    delete = {
        "tool": "crm.delete_customer",
        "args": {"customer_id": customer},
        "thought": "",
        "observation": "Customer deleted." if right else "Customer not found.",
    }
    return {
        "session_id": f"{template}-{instance}-{right}",
        "template_id": f"t{template}",
        "task_id": f"t{template}-{instance:02}",
        "query": QUERY,
        "model": "m",
        "toolset": "all",
        "steps": [FIND, delete],
        "final_output": "The customer was deleted.",
        "success": success,
        "reward": float(success),
    }


def rows() -> list[dict[str, Any]]:
    return [
        run(template, instance, right=right, success=right)
        for template in range(3)
        for instance in range(1, 11)
        for right in (True, False)
    ]


def test_seven_tasks_of_each_template_are_learnt_from_and_three_held_out() -> None:
    judged = judge("workbench", rows())
    assert sum(j.learning for j in judged) == 42
    assert not {j.task for j in judged if j.learning} & {j.task for j in judged if not j.learning}


def test_tau_bench_is_split_by_the_last_digit_of_the_task() -> None:
    some = [
        {
            "session_id": f"s{task}",
            "domain": "retail",
            "run": "r",
            "task_id": task,
            "messages": [{"role": "user", "content": "hi"}],
            "success": True,
            "reward": 1.0,
        }
        for task in range(20)
    ]
    judged = judge("tau-bench", some)
    assert [j.learning for j in judged] == [task % 10 < 7 for task in range(20)]


def test_labels_change_nothing_that_is_predicted() -> None:
    plain = rows()
    turned = [{**r, "success": not r["success"], "reward": 1 - r["reward"]} for r in plain]
    for one, other in zip(judge("workbench", plain), judge("workbench", turned), strict=True):
        assert (one.verdict, one.p, one.rules) == (other.verdict, other.p, other.rules)
        assert one.success is not other.success


def test_figures_of_a_world_where_the_signs_are_right() -> None:
    held = measure_outcomes({"workbench": rows()})["workbench"]["held_out"]
    assert held["sessions"] == 18
    assert held["failure"]["precision"] == 1.0
    assert held["failure"]["recall"] == 1.0
    nowhere = next(s for s in held["signals"] if s["rule"] == "identifier from nowhere")
    assert (nowhere["n"], nowhere["precision"], nowhere["recall"]) == (9, 1.0, 1.0)
    assert nowhere["precision_ci"][0] < 1 < nowhere["precision_ci"][1] + 1e-9
    assert held["brier"] < held["brier_base"]
    assert "identifier from nowhere" in summary({"workbench": {"held_out": held}})


def test_what_nobody_showed_is_not_measured() -> None:
    found = figures([Judged("t", False, True, "unknown", None, frozenset())])
    assert found["accuracy"] is None
    assert found["brier"] is None
    assert found["gain"] is None
    assert "not measured" in summary({"x": {"held_out": found}})


def test_a_fit_finds_the_direction_and_shrinks_what_is_rarely_seen() -> None:
    def some(count: int, rule: str, success: bool) -> list[Judged]:
        return [Judged("t", True, success, "unknown", 0.5, frozenset({rule}))] * count

    often = [
        *some(50, "says it is done", True),
        *some(10, "says it is done", False),
        *some(40, "tool error left unresolved", False),
        *some(8, "tool error left unresolved", True),
        *some(2, "same call repeated", False),
        *some(20, "says it could not", True),
    ]
    _, weights = fit({"one": often})
    assert weights["says it is done"] > 0
    assert weights["tool error left unresolved"] < -0.5
    assert -2 < weights["same call repeated"] < 0, "two sightings are no proof"
    assert weights["says it could not"] == 0, "a refusal is never evidence of success"
    assert weights["never answered"] == 0


PROBABILITY = st.floats(0.05, 0.95)


@given(st.lists(st.tuples(PROBABILITY, st.booleans(), st.sampled_from(["success", "failure", "unknown"]))))
def test_figures_are_shares(some: list[tuple[float, bool, Any]]) -> None:
    found = figures([Judged(str(i % 3), False, y, v, p, frozenset()) for i, (p, y, v) in enumerate(some)])
    assert found["sessions"] == len(some)
    assert sum(b["n"] for b in found["calibration"]) == len(some)
    assert all(b["from"] - 1e-6 <= b["expected"] <= b["to"] + 1e-6 for b in found["calibration"])
    for share in (found["coverage"], found["accuracy"], found["brier"], found["success"]["precision"]):
        assert share is None or 0 <= share <= 1


def test_the_weights_in_the_code_are_those_of_the_fit() -> None:
    workbench, taubench = os.environ.get("E2E_WORKBENCH"), os.environ.get("E2E_TAUBENCH")
    if not workbench or not taubench:
        pytest.skip("E2E_WORKBENCH and E2E_TAUBENCH name no files of recorded runs")
    data = {"workbench": list(read_rows(Path(workbench))), "tau-bench": list(read_rows(Path(taubench)))}
    base, weights = fit({name: judge(name, some) for name, some in data.items()})
    assert base == pytest.approx(BASE, abs=0.011)
    for rule, weight in weights.items():
        assert weight == pytest.approx(RULES[rule].weight, abs=0.011), rule
