"""Faults of the machine that no part of SkillClaw expected, as a user reads them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli import ok

from skillclaw.cli.trouble import machine_trouble
from skillclaw.errors import SkillClawError


@pytest.mark.parametrize(
    ("number", "what", "todo"),
    [
        (errno.ENOSPC, "The disk is full.", "Free space"),
        (errno.EDQUOT, "Your share of the disk is used up.", "Free space"),
        (errno.EROFS, "The disk cannot be written.", "--home"),
        (errno.EIO, "The disk failed.", "back up"),
        (errno.EMFILE, "Too many files are open.", "ulimit -n"),
        (errno.ENOMEM, "There is not enough memory.", "Close programs"),
    ],
)
def test_what_failed_and_what_to_do(number: int, what: str, todo: str) -> None:
    error = OSError(number, os.strerror(number), "/some/file")
    around = RuntimeError("a library's own words")
    around.__cause__ = error
    for one in (error, around):
        told = machine_trouble(one)
        assert told is not None
        assert told[0] == what and "/some/file" in told[1] and todo in told[2]


def test_what_is_no_fault_of_the_machine() -> None:
    assert machine_trouble(ValueError("no")) is None
    assert machine_trouble(FileNotFoundError(errno.ENOENT, "no such file")) is None
    assert machine_trouble(SkillClawError("it is told already")) is None
    assert machine_trouble(MemoryError()) is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_has_no_room_is_an_error_in_three_lines(tmp_path: Path) -> None:
    ok("config", "set", "proxy.port", "9000", home=tmp_path)
    env = {**os.environ, "HOME": str(tmp_path), "SKILLCLAW_HOME": str(tmp_path / ".skillclaw")}
    argv = [sys.executable, "-m", "skillclaw", "config", "show"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(argv, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: The disk is full."), done.stderr
    assert len(done.stderr.strip().splitlines()) == 3 and "Exception ignored" not in done.stderr
