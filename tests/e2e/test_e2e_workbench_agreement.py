"""The office of the suite `workbench` against all 5,520 recorded runs.

The data set is large and not part of the project; its folder is given: make e2e DATA=...
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillclaw.bench.suites.workbench import WorkBenchSuite, measure_agreement


@pytest.fixture(scope="module")
def workbench() -> Path:
    folder = Path(os.environ.get("E2E_DATA") or "nowhere") / "workbench"
    if not (folder / "trajectories.jsonl.gz").exists():
        pytest.skip("the data set is not here; give its folder: make e2e DATA=/path/to/data")
    return folder


@pytest.mark.timeout(300)
def test_our_office_agrees_with_all_recorded_runs(workbench: Path) -> None:
    report = measure_agreement(workbench / "trajectories.jsonl.gz", workbench / "databases")
    assert (report["sessions"]["n"], report["sessions"]["share"]) == (5520, 1.0)
    assert (report["successes"]["n"], report["successes"]["share"]) == (1308, 1.0)
    assert (report["failures_with_calls"]["n"], report["failures_with_calls"]["share"]) == (2942, 1.0)
    assert report["side_effects"]["share"] == 1.0
    assert report["steps"]["share"] >= 0.999
    assert min(tool["share"] for tool in report["observations"].values()) >= 0.99


def test_the_packaged_tasks_are_the_published_ones(workbench: Path) -> None:
    packaged, published = WorkBenchSuite(), WorkBenchSuite(workbench)
    assert packaged.templates() == published.templates()
    for template in packaged.templates():
        for seed in range(10):
            assert packaged.draw(template.id, seed) == published.draw(template.id, seed)
