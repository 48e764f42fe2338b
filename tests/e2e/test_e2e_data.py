"""All recorded WorkBench and tau-bench sessions through the whole loop: ATIF in, skills with evidence out.

The data sets are large and not part of the project; their folder is given: make e2e DATA=...
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli import ok, ok_json


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("E2E_DATA") or "nowhere")
    if not (folder / "workbench" / "trajectories.jsonl.gz").exists():
        pytest.skip("the data sets are not here; give their folder: make e2e DATA=/path/to/data")
    return folder


@pytest.mark.timeout(600)
def test_all_recorded_sessions_become_skills_with_evidence(data: Path, tmp_path: Path) -> None:
    total = 0
    for name in ("workbench", "tau-bench"):
        source = data / name / "trajectories.jsonl.gz"
        out = tmp_path / f"{name}.jsonl"
        made = ok_json("bench", "convert", name, str(source), str(out), home=tmp_path, timeout=300)
        report = ok_json("import", str(out), home=tmp_path, timeout=300)
        assert (report["imported"], report["skipped"], report["failed"]) == (made["sessions"], 0, [])
        total += made["sessions"]
    assert total == 6120
    assert ok_json("import", str(tmp_path / "workbench.jsonl"), home=tmp_path, timeout=300)["imported"] == 0

    report = ok_json("evolve", home=tmp_path, timeout=300)
    assert report["sessions"] == total
    assert report["released"]
    assert report["spent"]["tokens"] == 0
    measured = 0
    for row in report["released"]:
        assert "description:" in ok("skills", "show", row["skill"], home=tmp_path)
        for item in ok_json("skills", "evidence", row["skill"], home=tmp_path):
            assert item["sessions"], item
            assert item["users"] >= 1
            if item["odds_ratio"] is not None:
                low, high = item["ci"]
                assert low <= item["odds_ratio"] <= high
                measured += 1
    assert measured > 0
    assert ok_json("evolve", home=tmp_path, timeout=300)["released"] == []


@pytest.mark.timeout(600)
def test_mined_procedures_hold_on_sessions_that_were_not_learnt_from(data: Path, tmp_path: Path) -> None:
    report = ok_json(
        "bench",
        "mine",
        "--workbench",
        str(data / "workbench" / "trajectories.jsonl.gz"),
        "--seeds",
        "0",
        home=tmp_path,
        timeout=500,
    )["workbench"]
    assert report["paired_baseline"]["templates"] >= 57
    assert report["least_users"] >= 2
    assert report["match_success"] >= 0.72
    assert report["ratio"] >= 3.2
    low, _ = report["paired_baseline"]["ci"]
    assert low > 0, "better than the plain rule, the most frequent successful sequence, on the same sessions"
    assert report["arguments"]["coverage"] >= 0.5
    assert report["transfer"]["lessons"]["or_ci"][0] > 1
