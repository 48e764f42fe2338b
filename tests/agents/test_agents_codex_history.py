"""Codex's rollouts: what a session holds, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import atif
import pytest
import zstandard
from agents_material import CHILD, THREAD, Codex, make_env, read_one

from skillclaw.agents import Env, adapters, sniff
from skillclaw.errors import BadInputError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, call_meta, encode, meta, result_meta, step_meta

ADAPTER = adapters()["codex"]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def read(path: Path, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = read_one(ADAPTER, path, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


def session() -> Codex:
    log = Codex()
    log.says("developer", "<skills_instructions>\n- deploy: Ships it. (file: r0/deploy/SKILL.md)\n")
    log.says("user", "<environment_context>\n  <cwd>/srv/shop</cwd>\n</environment_context>")
    log.says("user", "list the files")
    log.item(type="reasoning", summary=[{"type": "summary_text", "text": "think"}], encrypted_content="zzz")
    log.call("c1", "exec_command", {"cmd": "ls /none"})
    log.line(
        "token_usage_record", {"usage": {"input_tokens": 100, "cached_input_tokens": 64, "output_tokens": 10}}
    )
    log.output(
        "c1", "Chunk ID: 1\nProcess exited with code 2\nOutput:\nno such file\nProcess exited with code 0"
    )
    log.call("c2", "exec_command", {"cmd": "cat ~/.codex/skills/deploy/SKILL.md"})
    log.event(type="item_completed", item={"type": "CommandExecution", "id": "c2", "exit_code": 0})
    log.output("c2", "body")
    log.says("assistant", "Done.")
    return log


def test_a_session_with_calls_results_usage_and_place(env: Env) -> None:
    made, skipped = read(session().save(env), env)
    assert skipped == {}
    assert [(s.source, step_meta(s).injected) for s in made.steps] == [
        ("system", True),
        ("user", True),
        ("user", False),
        ("agent", False),
        ("agent", False),
        ("agent", False),
    ]
    call = made.steps[3]
    assert (call.reasoning_content, call.model_name, call.reasoning_effort) == ("think", "gpt-x", "medium")
    assert call.metrics is not None and call.metrics.cached_tokens == 64
    assert call.observation is not None and made.steps[4].observation is not None
    assert result_meta(call.observation.results[0]).exit_code == 2
    second = result_meta(made.steps[4].observation.results[0])
    assert (second.exit_code, second.is_error, second.taint) == (0, False, "skill")
    (skill,) = meta(made).skills
    assert (skill.name, skill.offered, skill.read_step) == ("deploy", True, 5)
    assert meta(made).key == session_key("codex", THREAD)
    assert (meta(made).project, meta(made).env) == ("shop", {"git_branch": "main"})


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_compressed_rollouts(env: Env, suffix: str) -> None:
    import gzip

    path = session().save(env)
    plain, _ = read(path, env)
    pack = zstandard.compress if suffix == ".zst" else gzip.compress
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(pack(path.read_bytes()))
    path.unlink()
    assert [f.path for f in ADAPTER.histories(env)] == [packed]
    assert read(packed, env)[0] == plain
    packed.write_bytes(packed.read_bytes()[:-12])
    assert read_one(ADAPTER, packed, env).skipped


@pytest.mark.parametrize(
    ("output", "code", "failed"),
    [
        ("Exit code: 1\nWall time: 0.1 seconds\nOutput:\nx", 1, True),
        (json.dumps({"output": "x", "metadata": {"exit_code": 3}}), 3, True),
        ({"content": "x", "success": False}, None, True),
        ([{"type": "input_text", "text": "x"}], None, None),
        ("Process running with session ID 5\nOutput:\nProcess exited with code 9", None, None),
        ("just text", None, None),
    ],
)
def test_forms_of_results(env: Env, output: object, code: int | None, failed: bool | None) -> None:
    log = Codex()
    log.says("user", "go")
    log.call("c1", "shell", {"command": ["x"]})
    log.output("c1", output)
    made, _ = read(log.save(env), env)
    assert made.steps[1].observation is not None
    found = result_meta(made.steps[1].observation.results[0])
    assert (found.exit_code, found.is_error) == (code, failed)


def test_input_that_is_no_json(env: Env) -> None:
    log = Codex()
    log.says("user", "patch")
    log.item(type="custom_tool_call", name="apply_patch", input="*** Begin Patch", call_id="c1")
    log.item(type="custom_tool_call_output", call_id="c1", output="Exit code: 0\nOutput:\nSuccess")
    log.item(type="function_call", name="f", arguments="{oops", call_id="c2")
    made, _ = read(log.save(env), env)
    patch, broken = made.steps[1].tool_calls, made.steps[2].tool_calls
    assert patch and patch[0].arguments == {"input": "*** Begin Patch"}
    assert broken and call_meta(broken[0]).raw_arguments == "{oops"


def test_sub_agents_count_with_their_root(env: Env) -> None:
    log = session()
    log.item(
        type="function_call", name="spawn_agent", namespace="multi_agent_v1", arguments="{}", call_id="c9"
    )
    item = {"type": "CollabAgentToolCall", "tool": "spawn_agent", "id": "c9", "receiver_thread_ids": [CHILD]}
    log.event(type="item_completed", item=item)
    log.output("c9", json.dumps({"agent_id": CHILD}))
    path = log.save(env)
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": THREAD, "depth": 1}}}
    child = Codex(CHILD, session_id=THREAD, source=spawn, thread_source="subagent")
    child.says("user", "look around")
    child.says("assistant", "nothing there")
    sub = child.save(env)
    (listed,) = ADAPTER.histories(env)
    assert (listed.path, listed.size) == (path, path.stat().st_size + sub.stat().st_size)
    made, skipped = read(path, env)
    assert skipped == {}
    (inner,) = made.subagent_trajectories or []
    assert (inner.trajectory_id, [s.message for s in inner.steps]) == (
        CHILD,
        ["look around", "nothing there"],
    )
    call = made.steps[-1]
    assert call.tool_calls and call.tool_calls[0].function_name == "multi_agent_v1.spawn_agent"
    assert call.observation is not None
    (ref,) = call.observation.results[0].subagent_trajectory_ref or []
    assert ref.trajectory_id == CHILD
    assert read_one(ADAPTER, sub, env).skipped == {"sub-agent sessions, read with their root": 1}
    sub.unlink()
    assert read(path, env)[1] == {"sub-agents whose rollout is gone": 1}


def test_compaction_abort_and_roll_back(env: Env) -> None:
    log = session()
    log.line(
        "compacted",
        {"message": "Another language model started to solve this problem", "replacement_history": []},
    )
    log.says("user", "wrong way")
    log.says("assistant", "on it")
    log.event(type="thread_rolled_back", num_turns=1)
    log.says("user", "right way")
    log.event(type="turn_aborted", reason="interrupted")
    made, skipped = read(log.save(env), env)
    tail = [(s.source, s.message, step_meta(s).kind) for s in made.steps[-3:]]
    assert tail == [
        ("system", "Another language model started to solve this problem", "compaction"),
        ("user", "right way", "turn"),
        ("system", "Turn aborted: interrupted", "turn"),
    ]
    assert skipped == {"steps of turns that were rolled back": 2}


def test_a_fork_marks_what_it_copied(env: Env) -> None:
    log = Codex(forked_from_id="019b0000-0000-7000-8000-00000000000f")
    log.line("session_meta", {"id": "019b0000-0000-7000-8000-00000000000f", "cwd": "/other"})
    log.event(type="task_started", started_at=1_000_000_000)
    log.says("user", "old question")
    log.says("assistant", "old answer")
    log.event(type="task_started", started_at=1_772_359_200)
    log.says("user", "new question")
    log.says("assistant", "new answer")
    made, _ = read(log.save(env), env)
    assert made.session_id == THREAD
    assert [bool(s.is_copied_context) for s in made.steps] == [True, True, False, False]


def test_older_forms(env: Env) -> None:
    path = Codex().path(env)
    path.parent.mkdir(parents=True)
    first = {"id": THREAD, "timestamp": "2025-06-01T00:00:00Z", "instructions": None, "git": {"branch": "x"}}
    lines = [first, {"record_type": "state"}]
    lines.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]})
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    made, skipped = read(path, env)
    assert (made.session_id, [s.message for s in made.steps], skipped) == (THREAD, ["hi"], {})
    assert sniff(path) == "codex"
    log = Codex()
    log.event(type="user_message", message="typed")
    log.says("assistant", "ok")
    assert [s.message for s in read(log.save(env), env)[0].steps] == ["typed", "ok"]


def test_words_that_only_events_hold_stand_where_they_were_typed(env: Env) -> None:
    log = Codex()
    for question, answer in (("one", "first"), ("two", "second"), ("three", "third")):
        log.event(type="user_message", message=question)
        log.says("assistant", answer)
    log.event(type="user_message", message="no")
    log.says("assistant", "gone")
    log.event(type="thread_rolled_back", num_turns=1)
    log.event(type="user_message", message="four")
    made, skipped = read(log.save(env), env)
    assert [(s.source, s.message) for s in made.steps] == [
        ("user", "one"),
        ("agent", "first"),
        ("user", "two"),
        ("agent", "second"),
        ("user", "three"),
        ("agent", "third"),
        ("user", "four"),
    ]
    assert skipped == {"steps of turns that were rolled back": 1}


def test_thoughts_of_a_turn_that_was_ended_are_not_the_next_ones(env: Env) -> None:
    log = Codex()
    for question, thought, end in (
        ("one", "of one", {"type": "turn_aborted", "reason": "interrupted"}),
        ("two", "of two", {"type": "thread_rolled_back", "num_turns": 1}),
        ("three", "of three", None),
    ):
        log.says("user", question)
        log.item(type="reasoning", summary=[{"type": "summary_text", "text": thought}])
        if end is not None:
            log.event(**end)
    log.says("assistant", "ok")
    steps = read(log.save(env), env)[0].steps
    assert [(s.source, s.message, s.reasoning_content) for s in steps] == [
        ("user", "one", None),
        ("agent", "", "of one"),
        ("system", "Turn aborted: interrupted", None),
        ("user", "three", None),
        ("agent", "ok", "of three"),
    ]


def test_damage_is_counted_and_told(env: Env) -> None:
    log = session()
    log.line("telepathy", {})
    log.item(type="dream")
    path = log.save(env)
    with path.open("ab") as file:
        file.write(b'{"type":"response_item","payl')
    assert read(path, env)[1] == {
        "lines of unknown type item dream": 1,
        "lines of unknown type telepathy": 1,
        "torn last lines (still being written)": 1,
    }
    path.write_text("hello\nworld\n", "utf-8")
    with pytest.raises(BadInputError, match="not a rollout of Codex"):
        read_one(ADAPTER, path, env)
    Codex().save(env)
    assert read_one(ADAPTER, path, env).skipped == {"empty sessions": 1}


def test_skillclaws_own_sessions_are_left_out(env: Env) -> None:
    log = Codex(cwd=str(env.skillclaw_home / "evolve"))
    log.says("user", "evolve")
    path = log.save(env)
    assert ADAPTER.histories(env) == []
    assert read_one(ADAPTER, path, env).skipped == {"SkillClaw's own sessions": 1}
