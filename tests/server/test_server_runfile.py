"""What a running daemon tells others, and what is left of one that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from skillclaw.server.up import runfile


def running(pid: int, created: float) -> runfile.Running:
    return runfile.Running(pid=pid, created=created, port=1, started="", version="", agreed=False, ready=True)


def test_a_process_that_got_the_old_ones_number_is_not_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    own = psutil.Process().create_time()
    runfile.write_running(tmp_path, running(os.getpid(), own))
    assert runfile.read_running(tmp_path) is not None
    runfile.write_running(tmp_path, running(os.getpid(), own - 100))
    assert runfile.read_running(tmp_path) is None


def test_a_clock_that_is_set_makes_nobody_else_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    runfile.write_running(tmp_path, running(*runfile.pid_of_self()))
    assert runfile.read_running(tmp_path) is not None
    # Linux reckons the time of its own start anew when the clock is set, and with it that of all processes
    real = psutil.boot_time()
    for module in (psutil, getattr(psutil, "_pslinux", None)):
        if hasattr(module, "boot_time"):
            monkeypatch.setattr(module, "boot_time", lambda: real - 365 * 86400)
    assert runfile.read_running(tmp_path) is not None
    pid, created = runfile.pid_of_self()
    runfile.write_running(tmp_path, running(pid, created - 5))
    assert runfile.read_running(tmp_path) is None, "another process, of the same start of the system"


def test_what_keeps_the_proxy_from_recording_is_told_in_a_sentence() -> None:
    well = {"exchanges": 3, "dropped": 0, "last_error": "", "queue": 0}
    assert runfile.recording(well) == ""
    told = runfile.recording(
        well | {"last_error": "the journal cannot be written: No space left", "queue": 4}
    )
    assert "Recording stopped: the journal cannot be written: No space left. 4 exchanges wait" in told
    assert runfile.recording(well | {"dropped": 2}).startswith("2 exchanges were not recorded")


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


@pytest.mark.parametrize("pid", [-1, -(2**70), 2**70, 2**31])
def test_a_number_that_can_be_no_process_is_none_that_runs(tmp_path: Path, pid: int) -> None:
    (tmp_path / "run").mkdir()
    runfile.write_running(tmp_path, running(1, 1.0))
    path = tmp_path / "run" / "up.json"
    path.write_text(path.read_text().replace('"pid":1', f'"pid":{pid}'))
    assert runfile.read_running(tmp_path) is None
    assert not runfile.lives(pid, 1.0)
