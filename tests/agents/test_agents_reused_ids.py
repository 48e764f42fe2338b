"""Providers whose ids are unique in one answer alone ("call_0"): every call and result stays its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env
from cli import ok, ok_json

from skillclaw.agents.history.pieces import Pieces
from skillclaw.agents.history.steps import Transcript
from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import ResultMeta, Step, Trajectory, text_of

RUNS = [("ls", "a b"), ("python -m pytest", "FAILED 3 tests\nExit code: 1"), ("ls", "a b c"), ("ls", "a b c")]


def told(steps: list[Step]) -> list[tuple[str, str, str]]:
    """Each call's id and command, and its result."""
    found = []
    for step in steps:
        results = step.observation.results if step.observation else []
        said = {one.source_call_id: text_of(one.content) for one in results}
        for call in step.tool_calls or []:
            found.append((call.tool_call_id, str(call.arguments["command"]), said[call.tool_call_id]))
    return found


ALL = [
    (own, command, said)
    for own, (command, said) in zip(("call_0", "call_0-2", "call_0-3", "call_0-4"), RUNS, strict=True)
]


def test_a_history_tells_each_of_them() -> None:
    out = Transcript()
    for command, said in RUNS:
        draft = out.add("agent", None)
        for _ in range(2):  # what is told again before its result is one call
            out.call(draft, "call_0", "exec", {"command": command})
        call = out.call_of("call_0")
        assert call is not None and call.arguments == {"command": command}
        for _ in range(2):
            out.result("call_0", said, ResultMeta(), None)
    steps, _ = out.finish()
    assert told(steps) == ALL


def test_a_history_in_the_form_of_an_api_tells_each_of_them() -> None:
    out = Transcript()
    pieces = Pieces(out)
    for command, said in RUNS:
        own = pieces.call(out.add("agent", None), "call_0", "exec", {"command": command})
        out.result(own, said, ResultMeta(), None)
    steps, _ = out.finish()
    assert told(steps) == ALL


def test_an_id_of_a_provider_s_own_told_again_is_a_copy() -> None:
    out = Transcript()
    for _ in range(2):
        out.call(out.add("agent", None), "toolu_0123456789ab", "exec", {"command": "ls"})
        out.result("toolu_0123456789ab", "a b", ResultMeta(), None)
    steps, _ = out.finish()
    assert told(steps) == [("toolu_0123456789ab", "ls", "a b")]


def exchanges() -> list[Exchange]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "test it"}]
    made = []
    for n, (command, said) in enumerate(RUNS):
        function = {"name": "exec", "arguments": json.dumps({"command": command})}
        answer = {
            "role": "assistant",
            "tool_calls": [{"id": "call_0", "type": "function", "function": function}],
        }
        made.append(
            Exchange(
                id=f"{n:016x}",
                agent="generic",
                method="POST",
                path="/v1/chat/completions",
                started=1_795_444_690.0 + 10 * n,
                finished=1_795_444_691.0 + 10 * n,
                complete=True,
                request_body=json.dumps({"model": "m", "messages": messages}).encode(),
                status=200,
                response_headers=[("content-type", "application/json")],
                response_body=json.dumps(
                    {"choices": [{"message": answer, "finish_reason": "tool_calls"}]}
                ).encode(),
            )
        )
        messages += [answer, {"role": "tool", "tool_call_id": "call_0", "content": said}]
    return made


def test_the_wire_names_them_as_a_history_does() -> None:
    (session,) = assemble(exchanges())
    assert told(session.steps[: len(RUNS)])[: len(RUNS) - 1] == ALL[:-1]


@pytest.mark.live
def test_a_file_that_grew_rewrites_nothing_that_was_imported(tmp_path: Path) -> None:
    def document(count: int) -> dict[str, Any]:
        steps: list[dict[str, Any]] = [{"step_id": 1, "source": "user", "message": "test it"}]
        for n, (command, said) in enumerate(RUNS[:count], 2):
            call = {"tool_call_id": "call_0", "function_name": "exec", "arguments": {"command": command}}
            results = [{"source_call_id": "call_0", "content": said}]
            steps.append(
                {"step_id": n, "source": "agent", "message": f"step {n}", "tool_calls": [call]}
                | {"observation": {"results": results}}
            )
        agent = {"name": "mine", "version": "1"}
        return {"schema_version": "ATIF-v1.5", "session_id": "s1", "agent": agent, "steps": steps}

    make_env(tmp_path)
    for count in range(1, len(RUNS) + 1):
        (tmp_path / "s.json").write_text(json.dumps(document(count)), "utf-8")
        ok("import", str(tmp_path / "s.json"), home=tmp_path)
        (row,) = ok_json("sessions", "list", home=tmp_path)
        stored = ok_json("sessions", "show", row["id"], home=tmp_path)
        steps = [step for step in stored["steps"] if step["source"] == "agent"]
        assert [
            (call["tool_call_id"], call["arguments"]["command"], result["content"])
            for step in steps
            for call, result in zip(step["tool_calls"], step["observation"]["results"], strict=True)
        ] == ALL[:count]


def test_sessions_within_have_ids_of_their_own() -> None:
    from skillclaw.agents.atif_files import _with_own_ids
    from skillclaw.trajectory.model import ATIF_VERSION, Agent, Observation, Result, ToolCall

    def step(n: int) -> Step:
        call = ToolCall(tool_call_id="0", function_name="exec", arguments={"command": f"c{n}"})
        return Step(
            step_id=n,
            source="agent",
            message="",
            tool_calls=[call],
            observation=Observation(results=[Result(source_call_id="0", content=f"r{n}")]),
        )

    agent = Agent(name="mine", version="1")
    inner = Trajectory(schema_version=ATIF_VERSION, agent=agent, steps=[step(1), step(2)])
    outer = Trajectory(
        schema_version=ATIF_VERSION, agent=agent, steps=[step(1), step(2)], subagent_trajectories=[inner]
    )
    made = _with_own_ids(outer)
    assert told(made.steps) == [("0", "c1", "r1"), ("0-2", "c2", "r2")]
    assert told((made.subagent_trajectories or [])[0].steps) == [("0", "c1", "r1"), ("0-2", "c2", "r2")]
