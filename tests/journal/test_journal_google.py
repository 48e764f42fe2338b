"""Gemini CLI, Qwen Code, Cline: what the proxy recorded and what the agent's history says are one session.

Both are of the same runs of the real agents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import atif
import pytest
from recorded import recorded

from skillclaw.agents import Env, HistoryFile, adapters
from skillclaw.journal.assemble import assemble
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

SAMPLES = Path(__file__).parents[1] / "agents/samples"
FILES = {
    "gemini-cli": (
        "gemini-cli-resumed.json",
        "gemini-cli/tmp/proj/chats/session-2026-11-26T08-52-37227c0d.jsonl",
    ),
    "qwen-code": (
        "qwen-code.json",
        "qwen-code/projects/-home-dev-proj/chats/cec39b3c-91df-4ea0-a3f2-eb6bfdc2d978.jsonl",
    ),
    "cline": ("cline.json", "cline/sessions/1795683308714_wucwu/1795683308714_wucwu.messages.json"),
    "cline with a sub-agent": (
        "cline.json",
        "cline/sessions/1795683394559_qpn8f/1795683394559_qpn8f.messages.json",
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    made = SessionStore(tmp_path)
    yield made
    made.close()


def views(name: str) -> tuple[Trajectory, Trajectory]:
    """A session as the proxy saw it, and as its history has it."""
    fixture, sample = FILES[name]
    agent = name.partition(" ")[0]
    env = Env(home=Path("/home/dev"), environ={}, cwd=Path("/"))
    file = HistoryFile(path=SAMPLES / sample, size=1, mtime=1.0)
    history = adapters()[agent].read_history(file, env).trajectory
    assert history is not None
    words = said(history, "user")[0]
    return next(one for one in assemble(recorded(fixture)) if said(one, "user")[0] == words), history


def said(trajectory: Trajectory, source: str) -> list[str]:
    return [
        text_of(step.message)
        for step in trajectory.steps
        if step.source == source and step_meta(step).kind == "turn" and not step_meta(step).injected
    ]


def calls(trajectory: Trajectory) -> list[str]:
    return [call.tool_call_id for step in trajectory.steps for call in step.tool_calls or []]


def results(trajectory: Trajectory) -> list[tuple[str, int | None]]:
    return [
        (result.source_call_id or "", result_meta(result).exit_code)
        for step in trajectory.steps
        if step.observation
        for result in step.observation.results
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("first", ["wire", "history"])
def test_both_are_one_session_with_everything_once(store: SessionStore, name: str, first: str) -> None:
    wire, history = views(name)
    given = [wire, history] if first == "wire" else [history, wire]
    for one in given:
        store.put(one)
    (made,) = store.trajectories()
    atif.Trajectory.model_validate_json(encode(made))
    for source in ("user", "agent"):
        assert Counter(said(made, source)) == Counter(said(wire, source))
    assert sorted(calls(made)) == sorted(calls(wire)) == sorted(calls(history))
    assert sorted(results(made)) == sorted(results(history))
    assert max(Counter(results(made)).values()) == 1
    subs = made.subagent_trajectories or []
    assert len(subs) == len(wire.subagent_trajectories or [])
    for sub in subs:
        assert max(Counter(calls(sub)).values()) == 1
        assert said(sub, "user") == ["Helper: run the pwd job"]
    named = [
        ref.trajectory_id
        for step in made.steps
        if step.observation
        for result in step.observation.results
        for ref in result.subagent_trajectory_ref or []
    ]
    assert named == [sub.trajectory_id for sub in subs]
    assert meta(made).project == "proj"
    for one in given:
        assert store.put(one) in ("same", "older")
