"""Whatever stands in histories of Gemini CLI, Qwen Code and Cline: valid sessions, or a clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_agents_fuzz import check, mutated

from skillclaw.agents import Env, sniff
from skillclaw.errors import SkillClawError

SAMPLES = Path(__file__).parent / "samples"
SESSIONS = {
    "gemini-cli": "gemini-cli/tmp/proj/chats/session-2026-11-26T08-52-37227c0d.jsonl",
    "qwen-code": "qwen-code/projects/-home-dev-proj/chats/cec39b3c-91df-4ea0-a3f2-eb6bfdc2d978.jsonl",
    "cline": "cline/sessions/1795683394559_qpn8f/1795683394559_qpn8f.messages.json",
}
QUICK = settings(
    max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def env(tmp_path: Path) -> Env:
    made = make_env(tmp_path)
    for name in SESSIONS:
        shutil.copytree(SAMPLES / name, made.home / name)
    return made


def looked(path: Path) -> None:
    try:
        sniff(path)
    except SkillClawError as error:
        assert error.what


@pytest.mark.slow
@pytest.mark.parametrize("agent", SESSIONS)
@QUICK
@given(data=st.data())
def test_odd_values_lost_and_repeated_lines(env: Env, agent: str, data: st.DataObject) -> None:
    path = env.home / SESSIONS[agent]
    whole = (SAMPLES / SESSIONS[agent]).read_text("utf-8")
    draw: Any = data.draw
    if path.suffix == ".jsonl":
        lines = mutated(draw, [json.loads(line) for line in whole.splitlines()])
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    else:
        held = json.loads(whole)
        held["messages"] = mutated(draw, held["messages"])
        odd = mutated(draw, [held, held, held])[0] if draw(st.booleans()) else held
        path.write_text(json.dumps(odd), "utf-8")
    check(agent, path, env)
    looked(path)


@pytest.mark.parametrize("agent", SESSIONS)
@QUICK
@given(data=st.data())
def test_torn_files(env: Env, agent: str, data: st.DataObject) -> None:
    path = env.home / SESSIONS[agent]
    whole = (SAMPLES / SESSIONS[agent]).read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(
        whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + data.draw(st.integers(0, 20)) :]
    )
    check(agent, path, env)
    looked(path)
