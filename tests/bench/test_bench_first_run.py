"""The measurement of the first `up`: what it runs, and what it says of it. No clock decides here."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from skillclaw.agents import Env, adapters
from skillclaw.bench import first_run
from skillclaw.bench.first_run import MOMENTS, run_first_run_bench, summary
from skillclaw.bench.histories import past_machine
from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import result_meta, text_of


def quiet(done: int, total: int | None, what: str) -> None:
    """Nobody looks."""


def test_the_made_machine_holds_what_agents_would_have_written(tmp_path: Path) -> None:
    past = past_machine(tmp_path, sessions=9, megabytes=1.0, progress=quiet)
    assert past.agents == {"claude-code": 6, "codex": 3}
    assert 1e6 < past.bytes < 2.5e6, "one long session more than asked for at the most"
    env = Env(home=tmp_path, environ={"PATH": str(tmp_path / "bin")}, cwd=tmp_path)
    calls = 0
    for name, count in past.agents.items():
        agent = adapters()[name]
        found = agent.histories(env)
        assert len(found) == count
        days = [(time.time() - file.mtime) / 86_400 for file in found]
        assert min(days) > 0 and max(days) < 30, "the days that the first `up` imports"
        for file in found:
            read = agent.read_history(file, env)
            assert read.trajectory is not None and not read.skipped
            steps = read.trajectory.steps
            assert any(step.source == "user" and text_of(step.message) for step in steps)
            for step in steps:
                given = {one.tool_call_id for one in step.tool_calls or []}
                results = step.observation.results if step.observation else []
                assert given == {one.source_call_id for one in results}
                assert all(result_meta(one) is not None for one in results)
                calls += len(given)
    assert calls > 100


def test_sizes_that_short_sessions_exceed_by_themselves_make_no_long_ones(tmp_path: Path) -> None:
    past = past_machine(tmp_path, sessions=4, megabytes=0, progress=quiet)
    assert sum(past.agents.values()) == 4 and past.bytes < 100_000


@pytest.mark.slow
def test_the_first_up_is_run_and_its_moments_are_timed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "own"))
    result = run_first_run_bench(
        sessions=12, megabytes=0, runs=1, bars={"learned": 0.0, "running": 1e9}, progress=quiet
    )
    assert (result["sessions"], result["agents"]) == (12, {"claude-code": 8, "codex": 4})
    assert [row["moment"] for row in result["rows"]] == list(MOMENTS)
    times = [row["ms"] for row in result["rows"]]
    assert times == sorted(times) and times[0] > 0
    assert [row["bar_ms"] for row in result["rows"]] == [None, None, 0.0, 1e9, None]
    assert result["looked_at"] == 12
    assert "12 sessions of 30 days (8 of claude-code, 4 of codex" in summary(result)
    assert all(row["cpu_ms"] > 0 for row in result["rows"])
    assert not (tmp_path / "own").exists(), "an agent's folder that the environment names is left alone"


@pytest.mark.skipif(os.name == "nt", reason="what stands for Python is a script")
@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("Here already: 0 sessions.\nImported 3 sessions (3 of codex).\n", "no moment 'learned'"),
        (
            "Here already: 0.\nImported 2 sessions.\nWhat 2 sessions already say\nRunning: all.\n",
            "no moment 'all'",
        ),
    ],
)
def test_a_first_up_that_shows_less_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, why: str
) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!{sys.executable}\nprint({says!r}, end='')\n", "utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setattr(first_run.sys, "executable", str(stand_in))
    with pytest.raises(SkillClawError, match=why):
        run_first_run_bench(sessions=3, megabytes=0, runs=1, bars={}, progress=quiet)
