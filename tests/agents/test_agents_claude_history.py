"""Claude Code's histories: what a session holds, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import atif
import pytest
from agents_material import SESSION, Claude, make_env, read_one, text, use, write_lines

from skillclaw.agents import Env, adapters, sniff
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

ADAPTER = adapters()["claude-code"]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def read(path: Path, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = read_one(ADAPTER, path, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


def test_a_session_with_calls_results_usage_and_place(env: Env) -> None:
    log = Claude()
    log.user("fix the test")
    log.said("m1", {"type": "thinking", "thinking": "look first", "signature": "x"})
    log.said("m1", text("Running it."))
    log.said("m1", use("t1", "Bash", command="make test"))
    log.result("t1", "Exit code 2\nno rule", error=True, toolUseResult="Error: Exit code 2\nno rule")
    log.said("m2", use("t2", "Bash", command="pytest"))
    log.result("t2", "ok", toolUseResult={"stdout": "ok", "stderr": "", "interrupted": False})
    log.said("m3", text("Done."))
    made, skipped = read(log.save(env), env)
    assert skipped == {}
    assert [step.source for step in made.steps] == ["user", "agent", "agent", "agent"]
    first = made.steps[1]
    assert (first.message, first.reasoning_content, first.model_name) == (
        "Running it.",
        "look first",
        "claude-x",
    )
    assert first.metrics is not None
    assert (first.metrics.prompt_tokens, first.metrics.cached_tokens, first.metrics.completion_tokens) == (
        16,
        5,
        7,
    )
    assert first.tool_calls is not None and first.tool_calls[0].arguments == {"command": "make test"}
    assert first.observation is not None and made.steps[2].observation is not None
    failed = result_meta(first.observation.results[0])
    assert (failed.exit_code, failed.is_error) == (2, True)
    worked = result_meta(made.steps[2].observation.results[0])
    assert (worked.exit_code, worked.is_error) == (0, False)
    known = meta(made)
    assert known.key == session_key("claude-code", SESSION)
    assert (known.source, known.project, known.env) == ("history", "shop", {"git_branch": "main"})
    assert (made.session_id, made.agent.version, made.agent.model_name) == (SESSION, "2.1.197", "claude-x")


def test_text_of_the_host_is_told_from_the_users(env: Env) -> None:
    log = Claude()
    log.user("<local-command-caveat>Caveat</local-command-caveat>", isMeta=True)
    log.user("<command-name>/init</command-name>\n<command-args></command-args>")
    log.user([text("please deploy\n<system-reminder>\nbe brief\n</system-reminder>")])
    log.user([text("[Request interrupted by user]")])
    log.said("m1", text("ok"))
    made, _ = read(log.save(env), env)
    words = [(text_of(s.message), step_meta(s).injected) for s in made.steps if s.source == "user"]
    assert [word for word, injected in words if not injected] == ["please deploy"]
    assert len(words) == 5
    assert any("be brief" in word for word, injected in words if injected)


def test_what_the_user_typed_meanwhile_is_his(env: Env) -> None:
    log = Claude()
    log.user("go")
    log.add(
        "attachment", attachment={"type": "queued_command", "prompt": "not that one", "commandMode": "prompt"}
    )
    log.said("m1", text("ok"))
    made, _ = read(log.save(env), env)
    assert [s.message for s in made.steps if s.source == "user"] == ["go", "not that one"]


def test_a_rewound_branch_is_left_out_and_counted(env: Env) -> None:
    log = Claude()
    start = log.user("first")
    log.said("m1", text("one"))
    log.user("wrong way")
    log.said("m2", text("two"))
    log.user("right way", parent=start)
    log.said("m3", text("three"))
    made, skipped = read(log.save(env), env)
    assert [s.message for s in made.steps] == ["first", "right way", "three"]
    assert skipped == {"lines of a branch that was rewound": 3}


def test_results_of_parallel_calls_belong_to_the_session(env: Env) -> None:
    log = Claude()
    log.user("both")
    one = log.said("m1", use("t1", "Read", file_path="/a"))
    two = log.said("m1", use("t2", "Read", file_path="/b"))
    log.result("t1", "A", parent=one)
    log.result("t2", "B", parent=two)
    log.said("m2", text("read"))
    made, skipped = read(log.save(env), env)
    assert skipped == {}
    assert made.steps[1].observation is not None
    assert [r.content for r in made.steps[1].observation.results] == ["A", "B"]
    assert [result_meta(r).taint for r in made.steps[1].observation.results] == ["file", "file"]


def test_skills_offered_invoked_and_read(env: Env) -> None:
    log = Claude()
    log.add(
        "attachment", attachment={"type": "skill_listing", "content": "- deploy: x", "names": ["deploy", "b"]}
    )
    log.user("ship it")
    log.said("m1", use("t1", "Skill", skill="deploy"))
    log.result("t1", "Launching skill: deploy")
    body = "Base directory for this skill: /h/.claude/skills/deploy\n\n# Deploy"
    log.user([text(body)], isMeta=True, sourceToolUseID="t1")
    log.said("m2", text("done"))
    made, _ = read(log.save(env), env)
    uses = {u.name: u for u in meta(made).skills}
    assert uses["b"].offered and uses["b"].invoked_step is None
    assert (uses["deploy"].offered, uses["deploy"].invoked_step, uses["deploy"].read_step) == (True, 2, 3)
    assert step_meta(made.steps[2]).injected
    assert made.steps[1].observation is not None
    assert result_meta(made.steps[1].observation.results[0]).taint == "skill"


def test_a_compaction_keeps_what_was_before_it(env: Env) -> None:
    log = Claude()
    log.user("long task")
    last = log.said("m1", text("half"))
    log.add(
        "system",
        parent=None,
        logicalParentUuid=last,
        subtype="compact_boundary",
        content="Conversation compacted",
    )
    log.user("This session is being continued from ...", isCompactSummary=True)
    log.user("go on")
    log.said("m2", text("done"))
    made, _ = read(log.save(env), env)
    assert [s.message for s in made.steps][:2] == ["long task", "half"]
    assert [step_meta(s).kind for s in made.steps] == [
        "turn",
        "turn",
        "compaction",
        "compaction",
        "turn",
        "turn",
    ]


def test_sub_agents_count_with_their_root(env: Env) -> None:
    log = Claude()
    log.user("delegate")
    log.said("m1", use("t1", "Agent", prompt="look"))
    log.result("t1", "found", toolUseResult={"agentId": "abc", "status": "completed"})
    log.said("m2", text("done"))
    path = log.save(env)
    sub = Claude(isSidechain=True, agentId="abc")
    sub.user("look")
    sub.said("s1", use("x1", "Bash", command="ls"))
    sub.result("x1", "Exit code 1", error=True)
    for event in sub.events:
        event["isSidechain"] = True
    file = write_lines(path.with_suffix("") / "subagents/agent-abc.jsonl", sub.events)
    (listed,) = ADAPTER.histories(env)
    assert listed.path == path
    assert listed.size == path.stat().st_size + file.stat().st_size
    made, _ = read(path, env)
    assert made.subagent_trajectories is not None
    (child,) = made.subagent_trajectories
    assert (child.trajectory_id, len(child.steps)) == ("abc", 2)
    assert made.steps[1].observation is not None
    (ref,) = made.steps[1].observation.results[0].subagent_trajectory_ref or []
    assert ref.trajectory_id == "abc"
    alone = read_one(ADAPTER, file, env)
    assert alone.trajectory is None and alone.skipped == {"sub-agent sessions, read with their root": 1}


def test_sub_agents_of_older_versions(env: Env) -> None:
    log = Claude()
    log.user("delegate")
    log.said("m1", use("t1", "Task", prompt="look"))
    inline = {"isSidechain": True, "parentUuid": None, "uuid": "s1", "sessionId": SESSION, "type": "user"}
    log.events.append({**inline, "message": {"role": "user", "content": "look"}})
    log.result("t1", "found")
    log.said("m2", text("done"))
    path = log.save(env)
    beside = Claude(agentId="old")
    beside.user("older look")
    write_lines(path.parent / "agent-old.jsonl", beside.events)
    assert [f.path for f in ADAPTER.histories(env)] == [path]
    made, _ = read(path, env)
    assert [sub.trajectory_id for sub in made.subagent_trajectories or []] == ["old", "s1"]


def test_damage_is_counted_and_told(env: Env) -> None:
    log = Claude()
    log.user("hello")
    log.said("m1", text("hi"))
    path = log.save(env)
    lines = path.read_text("utf-8").splitlines()
    unknown = json.dumps({"type": "telepathy", "sessionId": SESSION})
    path.write_text(
        "\n".join([lines[0], "{broken", "[1]", unknown, unknown, lines[1], '{"type":"us']), "utf-8"
    )
    made, skipped = read(path, env)
    assert [s.message for s in made.steps] == ["hello", "hi"]
    assert skipped == {
        "corrupt lines (not JSON)": 1,
        "corrupt lines (no JSON object)": 1,
        "lines of unknown type telepathy": 2,
        "torn last lines (still being written)": 1,
    }


def test_pictures_leave_their_hash(env: Env) -> None:
    log = Claude()
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}
    log.user([text("see"), picture])
    log.said("m1", text("ok"))
    made, _ = read(log.save(env), env)
    parts = made.steps[0].message
    assert isinstance(parts, list) and parts[1].source is not None
    assert parts[1].source.path.startswith("sha256:2cf24dba5fb0a30e")
    assert b"aGVsbG8" not in encode(made)


def test_a_fork_marks_what_it_copied(env: Env) -> None:
    log = Claude()
    log.events.append(
        {
            "type": "queue-operation",
            "sessionId": SESSION,
            "timestamp": "2026-03-01T10:00:03.500Z",
            "content": "x",
        }
    )
    log.user("old question")
    log.said("m1", text("old answer"))
    log.count = 10
    log.user("new question")
    log.said("m2", text("new answer"))
    made, _ = read(log.save(env), env)
    assert [bool(s.is_copied_context) for s in made.steps] == [True, True, False, False]


def test_error_texts_of_the_client_are_not_the_models(env: Env) -> None:
    log = Claude()
    log.user("hello")
    log.said("m1", text("API Error: 500"), isApiErrorMessage=True)
    made, _ = read(log.save(env), env)
    assert made.steps[1].source == "system" and step_meta(made.steps[1]).injected


def test_empty_foreign_and_unreadable_files(env: Env, tmp_path: Path) -> None:
    path = env.home / ".claude/projects/p/x.jsonl"
    write_lines(path, [{"type": "mode", "mode": "normal", "sessionId": SESSION}])
    assert read_one(ADAPTER, path, env).skipped == {"empty sessions": 1}
    assert sniff(path) == "claude-code"
    path.write_bytes(b"")
    assert read_one(ADAPTER, path, env).skipped == {"empty sessions": 1}
    path.write_text('{"a": 1}\n{"b": 2}\n', "utf-8")
    with pytest.raises(BadInputError, match="not a history of Claude Code"):
        read_one(ADAPTER, path, env)
    with pytest.raises(StorageError):
        read_one(ADAPTER, tmp_path / "none.jsonl", env)


def test_skillclaws_own_sessions_are_left_out(env: Env) -> None:
    own = env.skillclaw_home / "work"
    log = Claude(cwd=str(own))
    log.user("evolve")
    log.said("m1", text("ok"))
    munged = "".join(c if c.isalnum() else "-" for c in str(own))
    path = write_lines(env.home / ".claude/projects" / munged / f"{SESSION}.jsonl", log.events)
    assert ADAPTER.histories(env) == []
    assert read_one(ADAPTER, path, env).skipped == {"SkillClaw's own sessions": 1}


def test_the_project_is_the_repository(env: Env) -> None:
    inner = env.cwd / "shop/src/deep"
    inner.mkdir(parents=True)
    (env.cwd / "shop/.git").mkdir()
    for cwd, project in ((str(inner), "shop"), (str(env.home), ""), (r"C:\work\till", "till")):
        log = Claude(cwd=cwd)
        log.user("hi")
        assert meta(read(log.save(env), env)[0]).project == project


def test_other_folders_by_environment(env: Env, tmp_path: Path) -> None:
    env = make_env(tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "cc"))
    log = Claude()
    log.user("hi")
    write_lines(tmp_path / "cc/projects/p" / f"{SESSION}.jsonl", log.events)
    found = ADAPTER.detect(env, versions=False)
    assert (found.installed, found.sessions, found.config) == (True, 1, tmp_path / "cc/settings.json")
