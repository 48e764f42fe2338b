"""What a running daemon tells others, and what is left of one that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from skillclaw.server import runfile


def running(pid: int, created: float) -> runfile.Running:
    return runfile.Running(pid=pid, created=created, port=1, started="", version="", agreed=False, ready=True)


def test_a_process_that_got_the_old_ones_number_is_not_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    own = psutil.Process().create_time()
    runfile.write_running(tmp_path, running(os.getpid(), own))
    assert runfile.read_running(tmp_path) is not None
    runfile.write_running(tmp_path, running(os.getpid(), own - 100))
    assert runfile.read_running(tmp_path) is None


def test_a_torn_or_missing_file_says_that_nothing_runs(tmp_path: Path) -> None:
    assert runfile.read_running(tmp_path) is None
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "up.json").write_text('{"pid": 1, "cre', "utf-8")
    assert runfile.read_running(tmp_path) is None


def test_stop_is_asked_for_once(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    runfile.request_stop(tmp_path)
    assert runfile.stop_requested(tmp_path)
    assert not runfile.stop_requested(tmp_path)
