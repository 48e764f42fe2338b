"""Whatever stands in a file, the readers raise nothing but SkillClawError and make nothing but valid ATIF."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import Claude, Codex, make_env, read_one, text, use
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillclaw.agents import Env, adapters, read_atif, sniff
from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import decode, encode, meta, result_meta, step_meta
from skillclaw.trajectory.render import transcript

QUICK = settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.just("\ud800 half"),
    st.just([]),
    st.just({}),
    st.just([{"type": []}, {"type": "text", "text": 5}, "x", None]),
    st.just({"subagent": {"thread_spawn": 5}}),
    st.just("data:image/png;base64,!!!"),
    st.just(2**70),
)


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def claude_events() -> list[dict[str, Any]]:
    log = Claude()
    log.add("attachment", attachment={"type": "skill_listing", "content": "- a: b"})
    log.user([text("go"), {"type": "image", "source": {"media_type": "image/png", "data": "aGk="}}])
    log.said("m1", {"type": "thinking", "thinking": "hm"}, use("t1", "Bash", command="ls"))
    log.result("t1", [text("Exit code 1")], error=True, toolUseResult={"agentId": "abc", "interrupted": True})
    log.add("system", parent=None, logicalParentUuid=log.last, subtype="compact_boundary", content="x")
    log.add("attachment", attachment={"type": "queued_command", "prompt": [text("more")]})
    log.said("m2", text("done"))
    return log.events


def codex_events() -> list[dict[str, Any]]:
    log = Codex()
    log.says("developer", "<skills_instructions>")
    log.says("user", "go")
    log.item(type="reasoning", summary=[{"text": "hm"}])
    log.call("c1", "exec_command", {"cmd": "cat a/SKILL.md"})
    log.line("token_usage_record", {"usage": {"input_tokens": 1}})
    log.event(type="item_completed", item={"type": "CommandExecution", "id": "c1", "exit_code": 1})
    log.output("c1", {"content": "x", "success": False})
    log.item(type="local_shell_call", id="c2", action={"command": ["ls"]})
    log.line("compacted", {"message": "sum"})
    log.event(type="thread_rolled_back", num_turns=1)
    log.event(type="turn_aborted", reason="x")
    return log.events


def mutated(draw: st.DrawFn, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with some values, at any depth, replaced by odd ones, some lines gone, some twice."""
    events = copy.deepcopy(events)
    for _ in range(draw(st.integers(1, 6))):
        node: Any = draw(st.sampled_from(events))
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            child = node[key]
            if isinstance(child, dict | list) and child and draw(st.booleans()):
                node = child
                continue
            node[key] = copy.deepcopy(draw(ODD))
            break
    if draw(st.booleans()):
        events.pop(draw(st.integers(0, len(events) - 1)))
    if events and draw(st.booleans()):
        events.insert(draw(st.integers(0, len(events))), draw(st.sampled_from(events)))
    return events


@st.composite
def claude_files(draw: st.DrawFn) -> bytes:
    return "\n".join(map(json.dumps, mutated(draw, claude_events()))).encode()


@st.composite
def codex_files(draw: st.DrawFn) -> bytes:
    return "\n".join(map(json.dumps, mutated(draw, codex_events()))).encode()


@st.composite
def torn(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    data = draw(files)
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=8)) + data[at + draw(st.integers(0, 20)) :]


def check(agent: str, path: Path, env: Env) -> None:
    try:
        found = read_one(adapters()[agent], path, env).trajectory
    except SkillClawError as error:
        assert error.what
        return
    if found is None:
        return
    data = encode(found)
    assert decode(data) == found
    atif.Trajectory.model_validate_json(data)
    meta(found)
    for step in found.steps:
        step_meta(step)
        for result in step.observation.results if step.observation else []:
            result_meta(result)
    transcript(found)


@QUICK
@given(
    data=st.binary(max_size=300)
    | st.sampled_from([b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"]).map(lambda m: m * 3)
)
def test_any_bytes(env: Env, data: bytes) -> None:
    path = env.cwd / "any.jsonl"
    path.write_bytes(data)
    for agent in ("claude-code", "codex"):
        check(agent, path, env)
    for look in (sniff, lambda p: list(read_atif(p))):
        try:
            look(path)
        except SkillClawError as error:
            assert error.what


@QUICK
@given(data=claude_files() | torn(claude_files()))
def test_damaged_claude_code_histories(env: Env, data: bytes) -> None:
    path = env.cwd / "c.jsonl"
    path.write_bytes(data)
    check("claude-code", path, env)


@QUICK
@given(data=codex_files() | torn(codex_files()))
def test_damaged_codex_histories(env: Env, data: bytes) -> None:
    path = Codex().path(env)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    adapters()["codex"].histories(env)
    check("codex", path, env)


@pytest.mark.parametrize("depth", [150, 3000, 100_000])
def test_endless_nesting(env: Env, depth: int) -> None:
    log = Claude()
    log.user("go")
    log.said("m1", use("t1", "Bash", command="PLACE"))
    nested = "[" * depth + "]" * depth
    path = env.cwd / "n.jsonl"
    path.write_text("\n".join(map(json.dumps, log.events)).replace('"PLACE"', nested), "utf-8")
    check("claude-code", path, env)
    path.write_text(nested, "utf-8")
    for look in (sniff, lambda p: list(read_atif(p))):
        try:
            look(path)
        except SkillClawError as error:
            assert error.what
