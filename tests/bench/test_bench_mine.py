"""The mining bench: the packaged slice, planted patterns, and (where given) the whole data sets."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from skillclaw.bench.datasets import read_rows
from skillclaw.bench.mine import run_mine_bench, summary
from skillclaw.bench.workbench import instances, learning, measure_workbench
from skillclaw.evolve.mine import mine
from skillclaw.trajectory.model import decode


def test_the_packaged_slice_holds_lessons_of_two_users() -> None:
    demo = files("skillclaw.bench") / "demo"
    sessions = [
        learning(decode(json.dumps(row)))
        for name in ("workbench", "tau-bench")
        for row in read_rows(Path(str(demo / f"{name}.jsonl.zst")))
    ]
    found = mine(sessions, now=datetime(2026, 1, 1, tzinfo=UTC), half_life_days=180)
    shared = [p for p in found.patterns if p.sessions >= 3 and p.users >= 2]
    assert len([p for p in shared if p.kind == "procedure"]) >= 5
    assert len([p for p in shared if p.kind == "recovery"]) >= 2
    assert len({p.topic for p in shared}) >= 4


@pytest.mark.slow
def test_without_data_only_the_planted_part_is_measured() -> None:
    result = run_mine_bench(workbench=None, taubench=None, planted=1)
    assert result["workbench"] is None
    assert result["taubench"] is None
    assert "Planted patterns" in summary(result)


def test_instances_are_numbered_within_their_template() -> None:
    rows = [{"template_id": t, "task_id": f"{t}-{i:03}"} for t in ("a", "b") for i in (4, 9, 2, 2)]
    assert instances(rows) == {"a-002": 1, "a-004": 2, "a-009": 3, "b-002": 1, "b-004": 2, "b-009": 3}


def test_workbench_in_full() -> None:
    source = os.environ.get("E2E_WORKBENCH")
    if not source:
        pytest.skip("E2E_WORKBENCH names no file of recorded runs")
    found = measure_workbench(list(read_rows(Path(source))))
    assert found["baseline"]["match_success"] == pytest.approx(0.6836, abs=1e-4)
    assert found["baseline"]["other_success"] == pytest.approx(0.2315, abs=1e-4)
    assert found["paired_baseline"]["templates"] >= 57
    assert found["paired_baseline"]["ci"][0] > 0
    assert found["least_users"] >= 2
    assert found["match_success"] >= 0.72
    assert found["ratio"] >= 3.2
    assert found["arguments"]["coverage"] >= 0.5
    assert found["transfer"]["lessons"]["or_ci"][0] > 1
    assert found["transfer"]["procedures"]["or_ci"][0] > 1
