"""Recorded exchanges become sessions: every message, call and result once, however often it was re-sent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import atif
import pytest

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.keys import anonymous_native_id, session_key
from skillclaw.trajectory.model import (
    Step,
    Trajectory,
    encode,
    meta,
    result_meta,
    step_meta,
    text_of,
)

FIXTURES = Path(__file__).parents[1] / "wire" / "fixtures"
START = 1795444696.0


def recorded(name: str) -> list[Exchange]:
    exchanges = []
    for one in json.loads((FIXTURES / name).read_text("utf-8")):
        request, response = one.pop("request"), one.pop("response")
        exchanges.append(
            Exchange(
                **{
                    **one,
                    "request_headers": [(k, v) for k, v in one["request_headers"]],
                    "response_headers": [(k, v) for k, v in one["response_headers"]],
                },
                request_body=json.dumps(request).encode() if request else b"",
                response_body=response.encode(),
            )
        )
    return exchanges


def valid(trajectories: list[Trajectory]) -> list[Trajectory]:
    for one in trajectories:
        atif.Trajectory.model_validate_json(encode(one))
    return trajectories


def only(exchanges: list[Exchange]) -> Trajectory:
    (found,) = valid(assemble(exchanges))
    return found


def calls(steps: list[Step]) -> list[str]:
    return [call.tool_call_id for step in steps for call in step.tool_calls or []]


def said(trajectory: Trajectory, source: str = "user") -> list[str]:
    return [
        text_of(s.message)
        for s in trajectory.steps
        if s.source == source and not step_meta(s).injected and step_meta(s).kind == "turn"
    ]


def chat(
    messages: list[dict[str, Any]], answer: dict[str, Any] | str | None, at: float, **rest: Any
) -> Exchange:
    """One chat exchange of an agent that sends no id; `answer` None is an upstream error."""
    headers = rest.pop("headers", [])
    extra = rest.pop("extra", {})
    message = {"role": "assistant", "content": answer} if isinstance(answer, str) else answer
    body: dict[str, Any] = {"error": {"message": "busy"}}
    if message:
        body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    return Exchange(
        id=f"{int(at * 1000):016x}",
        agent="generic",
        method="POST",
        path="/v1/chat/completions",
        started=START + at,
        finished=START + at + 0.5,
        request_headers=headers,
        status=200 if message else 529,
        request_body=json.dumps({"model": "m", "messages": messages, **extra}).encode(),
        response_body=json.dumps(body).encode(),
        **rest,
    )


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_claude_code_session_with_sub_agent_side_request_and_compaction():
    found = only(recorded("claude-code.json"))
    known = meta(found)
    assert known.key == session_key("claude-code", "b2ac24e8-fd39-4885-aa4e-5ee36f4406c7")
    assert (known.source, known.project, known.revision) == ("wire", "proj", 1)
    assert (found.session_id, found.agent.version) == ("b2ac24e8-fd39-4885-aa4e-5ee36f4406c7", "2.1.197")
    assert known.env["os"] == "linux"
    assert said(found) == [
        "Please read sample.txt and count",
        "Now do it again, please",
        "And after compaction",
    ]
    kinds = [(step_meta(s).kind, s.source) for s in found.steps if step_meta(s).kind != "turn"]
    assert kinds[:2] == [("side", "user"), ("side", "agent")]
    assert ("compaction", "agent") in kinds
    ids = calls(found.steps)
    assert len(ids) == len(set(ids))
    answered = [r.source_call_id for s in found.steps if s.observation for r in s.observation.results]
    assert Counter(answered).most_common(1)[0][1] == 1
    (sub,) = found.subagent_trajectories or []
    assert said(sub) == ["Count the files here"]
    refs = [
        r.subagent_trajectory_ref
        for s in found.steps
        for r in (s.observation.results if s.observation else [])
        if r.subagent_trajectory_ref
    ]
    assert [ref.trajectory_id for known_refs in refs for ref in known_refs or []] == [sub.trajectory_id]
    assert [u.name for u in known.skills] == ["uv-install"] and known.skills[0].offered
    stamps = [s.timestamp for s in found.steps if s.timestamp]
    assert stamps == sorted(stamps) and stamps[0].endswith("Z")
    agents = [s for s in found.steps if s.source == "agent"]
    # The recording leaves out exchanges: three answers are known from later requests alone.
    told = [s for s in agents if s.metrics]
    assert len(told) == len(agents) - 3 and agents[1].reasoning_content == "I think about it."
    assert found.final_metrics is not None
    assert found.final_metrics.total_prompt_tokens == 164 * len(told)


def test_codex_session_with_exit_codes_and_sub_agent():
    found = only(recorded("codex.json"))
    results = [r for s in found.steps if s.observation for r in s.observation.results]
    assert [(result_meta(r).exit_code, result_meta(r).is_error) for r in results[:3]] == [
        (0, False),
        (3, True),
        (0, False),
    ]
    assert said(found) == ["Please read sample.txt and count the files"]
    (sub,) = found.subagent_trajectories or []
    assert results[3].subagent_trajectory_ref is not None
    assert results[3].subagent_trajectory_ref[0].trajectory_id == sub.trajectory_id
    assert [u.read_step for u in meta(found).skills if u.name == "uv-install"] == [
        next(s.step_id for s in found.steps if s.tool_calls and "SKILL.md" in str(s.tool_calls[0].arguments))
    ]


def test_codex_compaction_doubles_nothing():
    found = only(recorded("codex-compaction.json"))
    assert len(calls(found.steps)) == 2
    assert said(found)[-1] == "Again, with $uv-install please"
    assert sum("Another language model" in text_of(s.message) for s in found.steps) == 1
    texts = [text_of(s.message) for s in found.steps if s.source != "agent"]
    assert len(texts) == len(set(texts))


def test_a_cut_stream_and_its_error_stay():
    found = only(recorded("claude-code-cut.json"))
    partial = [s for s in found.steps if text_of(s.message) == "Let "]
    assert len(partial) == 1
    failed = [s for s in found.steps if s.tool_calls and "exit 3" in str(s.tool_calls[0].arguments)][-1]
    assert failed.observation is not None
    assert result_meta(failed.observation.results[0]).exit_code == 3


def test_order_of_arrival_does_not_matter():
    exchanges = recorded("claude-code.json")
    assert assemble(list(reversed(exchanges))) == assemble(exchanges)


def test_anonymous_conversations_are_told_apart_and_put_together():
    a = [user("build it")]
    b = [user("test it")]
    exchanges = [
        chat(a, "built", 0),
        chat(b, "tested", 1),
        chat([*a, agent("built"), user("again")], "built twice", 2),
        chat([*b, agent("tested"), user("more")], "more tests", 3),
        chat(a, "built otherwise", 4),
    ]
    found = valid(assemble(exchanges))
    assert sorted(said(t) for t in found) == [["build it"], ["build it", "again"], ["test it", "more"]]
    first = next(t for t in found if said(t) == ["build it", "again"])
    native = anonymous_native_id("build it", "2026-11-23T14:38")
    assert (first.session_id, meta(first).key) == (native, session_key("generic", native))


def test_retries_leave_one_answer_as_a_turn():
    a = [user("build it")]
    cut = chat(a, "bui", 1, complete=False)
    found = only(
        [chat(a, None, 0), cut, chat(a, "built", 2), chat([*a, agent("built"), user("ok")], "yes", 3)]
    )
    assert said(found) == ["build it", "ok"]
    assert said(found, "agent") == ["built", "yes"]
    side = [text_of(s.message) for s in found.steps if step_meta(s).kind == "side"]
    assert side == ["The call failed. HTTP 529: busy", "bui"]


def test_a_rewind_keeps_what_happened():
    a = [user("one"), agent("1"), user("two")]
    found = only([chat(a[:1], "1", 0), chat(a, "2", 1), chat([*a[:2], user("three")], "3", 2)])
    assert said(found) == ["one", "two", "three"] and said(found, "agent") == ["1", "2", "3"]


def test_equal_words_and_equal_calls_said_twice_stay_two():
    def call(number: str) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": number, "function": {"name": "bash", "arguments": '{"command": "make"}'}}],
        }

    def result(number: str, text: str) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": number, "content": text}

    # This gateway counts its call ids anew in every answer.
    talk = [user("go on"), call("call_0"), result("call_0", "fails"), call("call_0")]
    talk += [result("call_0", "works"), agent("done"), user("go on")]
    found = only(
        [
            chat(talk[:1], talk[1], 0),
            chat(talk[:3], talk[3], 1),
            chat(talk[:5], "done", 2),
            chat(talk, "ok", 3),
        ]
    )
    assert said(found) == ["go on", "go on"]
    results = [
        text_of(r.content)
        for s in found.steps
        if s.tool_calls and s.observation
        for r in s.observation.results
    ]
    assert results == ["fails", "works"]
    assert len(set(calls(found.steps))) == 2


def test_rewritten_call_ids_still_find_their_results():
    given = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_ead5", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}],
    }
    sent = json.loads(json.dumps(given).replace("call_ead5", "callead5"))
    result = {"role": "tool", "tool_call_id": "callead5", "content": "a.txt"}
    found = only([chat([user("list")], given, 0), chat([user("list"), sent, result], "done", 1)])
    (step,) = [s for s in found.steps if s.tool_calls]
    assert step.observation is not None
    assert step.observation.results[0].source_call_id == "call_ead5"


def test_a_foreign_conversation_under_one_id_is_a_sub_agent():
    session = [("x-session-id", "s")]
    tools = {"tools": [{"function": {"name": "bash"}}]}
    main = [{"role": "system", "content": "You are the agent."}, user("build")]
    helper = [{"role": "system", "content": "You look after memory."}, user("remember")]
    title = [{"role": "system", "content": "Name it."}, user("build")]
    found = only(
        [
            chat(main, "ok", 0, headers=session, extra=tools),
            chat(helper, "noted", 1, headers=session, extra=tools),
            chat(title, "Building", 2, headers=session),
            chat([*main, agent("ok"), user("more")], "done", 3, headers=session, extra=tools),
        ]
    )
    assert said(found) == ["build", "more"]
    assert [said(t) for t in found.subagent_trajectories or []] == [["remember"]]
    assert [text_of(s.message) for s in found.steps if step_meta(s).kind == "side"][-1] == "Building"


def test_what_joins_late_is_told_without_times():
    talk = [user("one"), agent("1"), user("two")]
    found = only([chat(talk, "2", 5)])
    stamps = [s.timestamp is not None for s in found.steps]
    assert stamps == [False, False, True, True]


def test_probes_and_counts_alone_are_no_session():
    probe = chat([user("quota")], "ok", 0, headers=[("x-session-id", "s")], extra={"max_tokens": 1})
    assert assemble([probe]) == []


def test_images_are_named_by_hash():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    found = only([chat([{"role": "user", "content": [{"type": "text", "text": "see"}, picture]}], "ok", 0)])
    message = found.steps[0].message
    assert isinstance(message, list) and message[1].source is not None
    assert message[1].source.path == "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert b"aGVsbG8" not in encode(found)


@pytest.mark.timeout(60)
def test_a_long_session_is_one_session():
    talk: list[dict[str, Any]] = [user("start")]
    exchanges = []
    for turn in range(150):
        number = f"call_{turn:012d}"
        function = {"name": "bash", "arguments": json.dumps({"command": f"make {turn}"})}
        given = {"role": "assistant", "content": None, "tool_calls": [{"id": number, "function": function}]}
        exchanges.append(chat(talk, given, float(turn)))
        talk = [*talk, given, {"role": "tool", "tool_call_id": number, "content": f"line {turn}\n" * 50}]
    found = only(exchanges)
    assert len(calls(found.steps)) == 150


def run_of(call: str, at: float, again: str = "") -> list[Exchange]:
    """A task done with one call, whose id the client may send `again` under another name."""

    def asks(call_id: str) -> dict[str, Any]:
        function = {"name": "sh", "arguments": '{"command": "make test"}'}
        made = {"id": call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": "", "tool_calls": [made]}

    first = [user("run the tests")]
    then = [
        *first,
        asks(again or call),
        {"role": "tool", "tool_call_id": again or call, "content": "1 failed"},
    ]
    last = [*then, agent("One test fails."), user("thanks")]
    return [
        chat(first, asks(call), at),
        chat(then, "One test fails.", at + 2),
        chat(last, "You are welcome.", at + 4),
    ]


def test_the_same_task_done_twice_is_two_sessions():
    """The same words, the same call, the same result: only the ids of the calls differ, or nothing at all."""
    for second in ("call_bbbbbbbbbbbbbbbb", "call_aaaaaaaaaaaaaaaa"):
        for later in (600.0, 1.0):
            made = [*run_of("call_aaaaaaaaaaaaaaaa", 0.0), *run_of(second, later)]
            found = valid(assemble(made))
            assert len(found) == 2
            for one in found:
                assert len(calls(one.steps)) == 1
                assert said(one) == ["run the tests", "thanks"]
                assert said(one, "agent").count("One test fails.") == 1


def test_a_client_that_renames_its_calls_is_still_in_one_session():
    (found,) = valid(assemble(run_of("call_aaaaaaaaaaaaaaaa", 0.0, again="call00001")))
    assert said(found) == ["run the tests", "thanks"]


@pytest.mark.parametrize("key", [None, "my-agent-v3", "main", "0a" * 32])
def test_a_cache_key_that_all_sessions_share_joins_none(key: str | None) -> None:
    """And those that it does not tell apart go on as any other that names none."""
    system = {"role": "system", "content": "You are an agent."}
    extra = {"prompt_cache_key": key} if key else {}
    made = []
    for number, task in enumerate(["fix the login", "write a poem", "deploy it"]):
        first = [system, user(task)]
        made.append(chat(first, f"done: {task}", number * 9000.0, extra=extra))
        then = [*first, agent(f"done: {task}"), user("thanks")]
        made.append(chat(then, "bye", number * 9000.0 + 5, extra=extra))
    found = valid(assemble(made))
    assert sorted(map(said, found)) == [
        ["deploy it", "thanks"],
        ["fix the login", "thanks"],
        ["write a poem", "thanks"],
    ]


def test_a_cache_key_that_is_an_id_is_the_session() -> None:
    extra = {"prompt_cache_key": "e64786d7-ac00-4c17-8a04-412d5ee71c7c"}
    found = only([chat([user(text)], "done", at, extra=extra) for at, text in ((0.0, "one"), (5.0, "two"))])
    assert found.session_id == extra["prompt_cache_key"]
