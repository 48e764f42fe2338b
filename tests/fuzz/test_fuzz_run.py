"""The runner finds what it has to find: crash, hang, slowness, a full memory, a death; nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")
PLANTED = Path(__file__).with_name("planted")
SEEDS = {"crash": b"fuz", "hang": b"g", "slow": b"x" * 300, "memory": b"\x05", "dies": b"j", "fine": b"x"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def run(place: Path, name: str, engine: str, seconds: float) -> tuple[int, dict[str, Any], str]:
    """One run over a planted target, whose seed shows nothing yet; exit status, its row, what was printed."""
    (place / "corpora" / name).mkdir(parents=True)
    (place / "corpora" / name / "seed").write_bytes(SEEDS[name])
    (place / "tmp").mkdir()
    done = subprocess.run(
        [
            sys.executable,
            str(RUN),
            "--targets",
            str(PLANTED),
            "--corpora",
            str(place / "corpora"),
            "--engine",
            engine,
            "--target",
            name,
            "--cpu-minutes",
            str(seconds / 60),
            "--work",
            str(place / "work"),
            "--json",
            str(place / "rows.json"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"HOME": str(place), "TMPDIR": str(place / "tmp")},
    )
    assert not list((place / "tmp").iterdir()), "a target's files stayed"
    rows = json.loads((place / "rows.json").read_text("utf-8"))["rows"]
    return done.returncode, rows[0], done.stdout + done.stderr


@pytest.mark.parametrize("name", ["crash", "hang", "slow", "memory", "dies"])
def test_what_is_planted_is_found_kept_and_short(name: str, tmp_path: Path) -> None:
    status, row, printed = run(tmp_path, name, "both", 20 if name == "slow" else 8)
    assert status == 1, printed
    kinds = {finding.partition(":")[0] for finding in row["findings"]}
    assert kinds & ({"hang", "slow"} if name in ("hang", "slow") else {name.replace("dies", "died")}), row
    folder = tmp_path / "work" / name / row["engine"] / "findings"
    kept = [path for path in folder.iterdir() if path.suffix != ".json"]
    assert kept
    if name == "crash":
        assert kept[0].read_bytes() == b"fuzz"
        assert "_deeper" in row["findings"][0]


def test_a_documented_error_is_no_finding(tmp_path: Path) -> None:
    status, row, printed = run(tmp_path, "fine", "hypothesis", 3)
    assert (status, row["findings"]) == (0, []), printed
    assert row["executions"] > 100


def test_a_name_that_is_no_target_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(RUN), "--target", "nothing"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "sse" in done.stderr
