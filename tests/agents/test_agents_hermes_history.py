"""Hermes' database: whole sessions, without what a compression wrote twice and what the user took back.

`samples/hermes/state.sql` is what Hermes 0.19.0 wrote (long texts of the host cut); what it sent in the same
session is the fixture of `tests/wire/test_wire_hermes.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env
from recorded import recorded

from skillclaw.agents import Env, HistoryFile, adapters
from skillclaw.agents.sniffing import sniff
from skillclaw.errors import BadInputError
from skillclaw.journal.assemble import assemble
from skillclaw.journal.merge import merge
from skillclaw.trajectory.model import (
    Trajectory,
    encode,
    meta,
    result_meta,
    step_meta,
    text_of,
)
from skillclaw.trajectory.skilluse import skills_seen

HERMES = adapters()["hermes"]
SAMPLE = Path(__file__).parent / "samples/hermes/state.sql"
ROOT, CHILD = "20261126_084018_940586", "20261126_084043_417134"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def database(env: Env, sql: str | None = None) -> Path:
    path = env.home / ".hermes/state.db"
    path.parent.mkdir(exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(SAMPLE.read_text("utf-8") if sql is None else sql)
    db.commit()
    db.close()
    return path


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path)
    yield db
    db.commit()
    db.close()


def read(env: Env, session: str = ROOT) -> Trajectory:
    (file,) = [file for file in HERMES.histories(env) if file.session == session]
    found = HERMES.read_history(file, env).trajectory
    assert found is not None
    atif.Trajectory.model_validate_json(encode(found))
    return found


def said(found: Trajectory, source: str) -> list[str]:
    return [
        text_of(step.message)
        for step in found.steps
        if step.source == source and not step_meta(step).injected and step_meta(step).kind == "turn"
    ]


def test_a_session_is_whole_and_everything_in_it_once(env: Env) -> None:
    database(env)
    found = read(env)
    asked = ["what does the owl say", "please delegate this", "and be kind", "and after compress"]
    assert said(found, "user") == asked
    assert [text for text in said(found, "agent") if text] == [
        "It says owl.",
        "Delegated fine.",
        "The child came back with 2.",
        "Asked it: hoot.",
        "Fine: and after compress",
    ]
    told = [
        (call.function_name, result_meta(result).exit_code, result_meta(result).is_error)
        for step in found.steps
        for call, result in zip(
            step.tool_calls or [], step.observation.results if step.observation else [], strict=True
        )
    ]
    assert told == [
        ("skill_view", None, None),
        ("terminal", 2, True),
        ("read_file", None, True),
        ("delegate_task", None, None),
        ("terminal", 0, False),
    ]
    assert [step_meta(step).kind for step in found.steps].count("compaction") == 1
    assert (found.session_id, meta(found).project) == (ROOT, "birds")
    assert found.final_metrics is not None and found.final_metrics.total_prompt_tokens == 1200
    assert found.steps[1].timestamp == "2026-11-26T08:40:33.971Z"
    (use,) = skills_seen(found)
    assert (use.name, use.offered, use.read_step, use.invoked_step) == ("owl-skill", True, 3, 3)


def test_a_sub_agent_stands_inside_and_is_no_session(env: Env) -> None:
    path = database(env)
    (file,) = HERMES.histories(env)
    assert file.session == ROOT and sniff(path) == "hermes"
    assert HERMES.histories_in(path, env) == [file]
    (child,) = read(env).subagent_trajectories or []
    assert child.trajectory_id == CHILD
    assert said(child, "user") == ["count the owls"]
    refs = [
        (step.tool_calls or [])[0].function_name
        for step in read(env).steps
        if step.observation and any(result.subagent_trajectory_ref for result in step.observation.results)
    ]
    assert refs == ["delegate_task"]


def test_it_is_one_session_with_what_the_proxy_recorded(env: Env) -> None:
    database(env)
    (wire,) = assemble(recorded("hermes.json"))
    history = read(env)
    assert meta(wire).key == meta(history).key
    merged = merge(wire, history)
    assert merged is not None
    asked = [
        "what does the owl say",
        "please delegate this",
        "and be kind",
        "and after compress",
        "make a skill",
    ]
    assert said(merged, "user") == asked
    assert len(merged.subagent_trajectories or []) == 1
    calls = [call.tool_call_id for step in merged.steps for call in step.tool_calls or []]
    assert len(calls) == len(set(calls))


def test_a_session_that_grows_or_shrinks_shows_it(env: Env) -> None:
    path = database(env)
    (before,) = HERMES.histories(env)
    with changing(path) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', 'more', ?)",
            (CHILD, before.mtime + 1),
        )
    (grown,) = HERMES.histories(env)
    assert grown.size > before.size and grown.mtime > before.mtime, "its sub-agent's messages count"
    with changing(path) as db:
        db.execute("UPDATE messages SET active = 0 WHERE id = (SELECT MAX(id) FROM messages)")
    (shrunk,) = HERMES.histories(env)
    assert shrunk.size < grown.size


def test_two_compressions_with_a_restart_between_repeat_nothing(env: Env) -> None:
    """After a restart what is kept has its old times; and the user may say the same twice."""
    database(env, SAMPLE.with_name("twice.sql").read_text("utf-8"))
    found = read(env, "20261126_091628_e38f66")
    assert said(found, "user") == [
        "what does the owl say",
        "hello one",
        "hello two",
        "after first",
        "hello two",
        "after second",
    ]
    assert [step_meta(step).kind for step in found.steps].count("compaction") == 2


def branch(env: Env, **session: Any) -> Path:
    """A session that began with messages of the sample's root, in the way that Hermes copies them."""
    path = database(env)
    names = ", ".join(session)
    with changing(path) as db:
        db.execute(
            f"INSERT INTO sessions (id, source, parent_session_id, started_at, {names}) "
            f"VALUES ('branch', 'cli', '{ROOT}', 1.0, {', '.join('?' * len(session))})",
            list(session.values()),
        )
        kept = "role, content, tool_call_id, tool_calls, tool_name"
        db.execute(
            f"INSERT INTO messages (session_id, {kept}, timestamp) SELECT 'branch', {kept}, timestamp + 1000 "
            "FROM messages WHERE session_id = ? AND id <= 6 ORDER BY id",
            (ROOT,),
        )
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) "
            "VALUES ('branch', 'user', 'go on', 2e9)"
        )
    return path


def test_a_branch_marks_what_it_copied(env: Env) -> None:
    branch(env, model_config='{"_branched_from": "x"}')
    assert {file.session for file in HERMES.histories(env)} == {ROOT, "branch"}
    found = read(env, "branch")
    copied = [text_of(step.message) for step in found.steps if step.is_copied_context]
    assert "what does the owl say" in copied and "go on" not in copied
    assert "go on" in said(found, "user")


def test_rows_of_other_versions_and_damage_are_tolerated(env: Env) -> None:
    database(
        env,
        "CREATE TABLE sessions (id TEXT, source TEXT, model TEXT, model_config TEXT, parent_session_id TEXT);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content TEXT,"
        " tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL);"
        "INSERT INTO sessions VALUES ('old', 'cli', 'm', NULL, NULL);"
        "INSERT INTO messages VALUES (1, 'old', 'user', char(0) || "
        """'json:[{"type": "text", "text": "look"}, {"type": "image_url", "image_url": """
        """{"url": "data:image/png;base64,aGk="}}]', NULL, NULL, NULL, 1.7e9);"""
        """INSERT INTO messages VALUES (2, 'old', 'assistant', '', NULL, '[{"id": "call_0", "function": """
        """{"name": "terminal", "arguments": "no json"}}]', NULL, 1.7e9 + 1);"""
        "INSERT INTO messages VALUES (3, 'old', 'tool', 'first', 'call_0', NULL, 'terminal', 1.7e9 + 2);"
        """INSERT INTO messages VALUES (4, 'old', 'assistant', '', NULL, '[{"id": "call_0", "function": """
        """{"name": "terminal", "arguments": "{}"}}]', NULL, 1.7e9 + 3);"""
        "INSERT INTO messages VALUES (5, 'old', 'tool', 'second', 'call_0', NULL, 'terminal', 1.7e9 + 4);"
        "INSERT INTO messages VALUES (6, 'old', 'assistant', 'x', NULL, '{broken', NULL, 'when');"
        "INSERT INTO messages VALUES (7, 'old', 'oracle', 'x', NULL, NULL, NULL, 1.7e9 + 5);",
    )
    (file,) = HERMES.histories(env)
    result = HERMES.read_history(file, env)
    assert result.skipped == {"lines of unknown type oracle": 1}
    assert result.trajectory is not None
    parts = result.trajectory.steps[0].message
    assert isinstance(parts, list) and [part.type for part in parts] == ["text", "image"]
    results = [
        text_of(one.content)
        for step in result.trajectory.steps
        for one in (step.observation.results if step.observation else [])
    ]
    assert results == ["first", "second"], "a gateway that counts its calls anew in every answer"


def test_skillclaws_own_sessions_and_foreign_databases_are_left_out(env: Env, tmp_path: Path) -> None:
    path = database(env)
    with changing(path) as db:
        db.execute("UPDATE sessions SET cwd = ?", (str(env.home / ".skillclaw/run/x"),))
    (file,) = HERMES.histories(env)
    assert HERMES.read_history(file, env).trajectory is None
    with pytest.raises(BadInputError):
        HERMES.read_history(HistoryFile(path=path, size=0, mtime=0, session="none"), env)
    other = tmp_path / "other.db"
    with changing(other) as db:
        db.execute("CREATE TABLE messages (id INTEGER)")
    assert not HERMES.recognises(other, [])
    path.write_bytes(b"SQLite format 3\0 and then nothing")
    assert HERMES.histories(env) == []
