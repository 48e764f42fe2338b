"""Agents' programs that are asked for their version."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil
import pytest
from agents_material import make_env

from skillclaw.agents import adapters, programs

CODEX = adapters()["codex"]


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the program")
def test_a_wrapper_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "WAIT", 1.0)
    program = tmp_path / "codex"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $! >{tmp_path}/child\nwait\n", "utf-8")
    program.chmod(0o755)
    env = make_env(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    found = CODEX.doctor(env, "http://127.0.0.1:8787/codex")
    assert "warn" in {f.level for f in found if f.subject == "Codex program"}
    child = int((tmp_path / "child").read_text())
    with contextlib.suppress(psutil.NoSuchProcess):
        left = psutil.Process(child)
        assert psutil.wait_procs([left], 10)[0] or left.status() == psutil.STATUS_ZOMBIE
