"""Codex with its default model: tools in an input item, scripts, messages between its agents."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.trajectory.model import text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded
from skillclaw.wire.translate import (
    CannotTranslate,
    ReplyTranslator,
    Speech,
    lost,
    translate_request,
)

FIXTURE = Path(__file__).parent / "fixtures" / "codex-default-model.json"
TARGETS: tuple[Speech, ...] = ("anthropic", "chat")
NAMES = [
    "functions.exec",
    "functions.wait",
    "functions.request_user_input",
    "functions.request_user_input_async",
    "clock.sleep",
    "collaboration.followup_task",
    "collaboration.interrupt_agent",
    "collaboration.list_agents",
    "collaboration.send_message",
    "collaboration.spawn_agent",
    "collaboration.wait_agent",
]


def exchanges() -> list[dict[str, Any]]:
    """The first request of a run, that of its sub-agent, and the run's last, each with its answer."""
    found: list[dict[str, Any]] = json.loads(FIXTURE.read_text("utf-8"))
    return found


def decoded(one: dict[str, Any]) -> Decoded:
    call = Call(
        method=one["method"],
        path=one["path"],
        request_headers=[(name, value) for name, value in one["request_headers"]],
        request_body=json.dumps(one["request"]).encode(),
        status=one["status"],
        response_headers=[(name, value) for name, value in one["response_headers"]],
        response_body=one["response"].encode(),
    )
    found = decode(call)
    assert found is not None
    return found


def functions(target: Speech, there: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The functions that the upstream is offered: name -> its schema and description."""
    found: dict[str, dict[str, Any]] = {}
    for tool in there["tools"]:
        known = tool if target == "anthropic" else tool["function"]
        schema = known["input_schema" if target == "anthropic" else "parameters"]
        assert known["name"] not in found
        found[known["name"]] = {"schema": schema, "description": known.get("description", "")}
    return found


def said(target: Speech, calls: list[tuple[str, Any]]) -> bytes:
    """An upstream's answer that calls these functions."""
    if target == "anthropic":
        blocks = [
            {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": told}
            for n, (name, told) in enumerate(calls)
        ]
        head = {"type": "message", "id": "msg_1", "role": "assistant", "model": "claude"}
        return json.dumps({**head, "content": blocks, "stop_reason": "tool_use", "usage": {}}).encode()
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(told)}}
        for n, (name, told) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()


def answered(target: Speech, body: dict[str, Any], calls: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """What Codex gets when the upstream calls these functions."""
    whole = ReplyTranslator("responses", target, body, now=1).whole(said(target, calls))
    items: list[dict[str, Any]] = json.loads(whole)["output"]
    return items


def test_the_session_shows_what_was_offered_called_and_told() -> None:
    first, child, last = map(decoded, exchanges())
    assert [one.kind for one in (first, child, last)] == ["turn"] * 3
    assert [tool["function"]["name"] for tool in first.tools] == NAMES
    assert first.tools[0]["function"]["description"].startswith("Run JavaScript code")
    # A sub-agent cannot ask the user.
    assert len(child.tools) == len(NAMES) - 1
    assert not any("additional_tools" in text_of(item.content) for item in first.request)
    assert [item.name for item in last.request if item.kind == "call"] == [
        "functions.exec",
        "functions.exec",
        "functions.exec",
        "collaboration.spawn_agent",
        "collaboration.wait_agent",
    ]
    results = [item for item in last.request if item.kind == "result"]
    assert [item.is_error for item in results] == [True, None, True, None, None]
    # What a script tells by `notify` comes as one more output of its call.
    assert text_of(results[1].content).endswith("done\nhalf way")
    assert child.identity.parent == child.identity.root == last.identity.thread
    task, report = child.request[-1], last.request[-1]
    assert (task.role, task.injected) == ("user", False)
    assert text_of(task.content).endswith("Sender: /root\nPayload:\nCount the files.")
    assert (report.role, report.injected) == ("user", True)
    assert "FINAL_ANSWER" in text_of(report.content)
    (call,) = first.response
    assert (call.name, call.raw) == (
        "functions.exec",
        'text(await tools.exec_command({cmd: "cat no-such-file.txt"}))',
    )


@pytest.mark.parametrize("target", TARGETS)
def test_its_tools_are_offered_as_functions(target: Speech) -> None:
    body = exchanges()[0]["request"]
    offered = functions(target, translate_request(body, "responses", target))
    assert list(offered) == [name.replace(".", "__") for name in NAMES]
    script = offered["functions__exec"]
    assert script["description"].startswith("Run JavaScript code") and "PRAGMA_LINE" in script["description"]
    assert script["schema"]["required"] == ["input"]
    spawn = offered["collaboration__spawn_agent"]
    assert spawn["schema"]["properties"]["message"] == {
        "type": "string",
        "description": "Initial plain-text task for the new agent.",
    }
    assert "managing sub-agents" in spawn["description"]
    assert lost(body, "responses", target) == []


@pytest.mark.parametrize("target", TARGETS)
def test_calls_come_back_as_codex_runs_them(target: Speech) -> None:
    body = exchanges()[0]["request"]
    script = "// @exec: {}\ntext('ü')"
    calls: list[tuple[str, Any]] = [
        ("functions__exec", {"input": script}),
        ("functions__wait", {"cell_id": "1"}),
        ("collaboration__list_agents", {}),
        # As the prompt of Codex writes them, and as it reads itself.
        ("functions.exec", {"input": script}),
        ("exec", {"input": script}),
        ("functions.collaboration.list_agents", {}),
        ("exec_command", {"cmd": "ls"}),
    ]
    items = answered(target, body, calls)
    kept = [
        {key: value for key, value in item.items() if key not in ("id", "call_id", "status")}
        for item in items
    ]
    run = {"type": "custom_tool_call", "name": "exec", "namespace": "functions", "input": script}
    agents = {
        "type": "function_call",
        "name": "list_agents",
        "namespace": "collaboration",
        "arguments": "{}",
    }
    assert kept == [
        run,
        {
            "type": "function_call",
            "name": "wait",
            "namespace": "functions",
            "arguments": kept[1]["arguments"],
        },
        agents,
        run,
        run,
        agents,
        {"type": "function_call", "name": "exec_command", "arguments": kept[6]["arguments"]},
    ]
    assert json.loads(kept[1]["arguments"]) == {"cell_id": "1"}


@pytest.mark.parametrize("target", TARGETS)
def test_its_history_is_told_with_each_result_behind_its_call(target: Speech) -> None:
    body = exchanges()[2]["request"]
    there = translate_request(body, "responses", target)
    if target == "anthropic":
        blocks = [block for message in there["messages"] for block in message["content"]]
        calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
        results = [block["content"] for block in blocks if block["type"] == "tool_result"]
        shown = [one if isinstance(one, str) else "\n".join(part["text"] for part in one) for one in results]
        last = there["messages"][-1]
        report = last["content"][-1]["text"]
    else:
        made = [c["function"] for m in there["messages"] for c in m.get("tool_calls", [])]
        calls = [(one["name"], json.loads(one["arguments"])) for one in made]
        shown = [m["content"] for m in there["messages"] if m["role"] == "tool"]
        last = there["messages"][-1]
        report = last["content"]
    assert [name for name, _ in calls] == [
        "functions__exec",
        "functions__exec",
        "functions__exec",
        "collaboration__spawn_agent",
        "collaboration__wait_agent",
    ]
    assert calls[1][1] == {"input": 'notify("half way"); text("done")'}
    assert len(shown) == len(calls)
    assert "No such file" in shown[0]
    # What `notify` gave came as a second output of the same call.
    assert "done" in shown[1] and shown[1].endswith("half way")
    assert "Error: bad" in shown[2]
    assert last["role"] == "user" and report.endswith("Payload:\nsub-agent report: found 3")


def test_more_of_a_result_after_the_agent_spoke_again_changes_nothing_that_it_saw() -> None:
    body = exchanges()[0]["request"]
    call = {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "namespace": "functions"}
    output = {"type": "custom_tool_call_output", "call_id": "c1"}
    wait = {"type": "function_call", "call_id": "c2", "name": "wait", "namespace": "functions"}
    history = [
        *body["input"],
        {**call, "input": "slow()"},
        {**output, "output": "Script running with cell ID 1"},
        {**wait, "arguments": '{"cell_id": "1"}'},
    ]
    before = translate_request({**body, "input": history}, "responses", "chat")["messages"]
    given = [
        {**output, "output": "late news"},
        {"type": "function_call_output", "call_id": "c2", "output": "finished"},
    ]
    after = translate_request({**body, "input": [*history, *given]}, "responses", "chat")["messages"]
    assert after[: len(before) - 1] == before[:-1]
    one = {**exchanges()[0], "request": {**body, "input": [*history, *given]}}
    shown = [(item.kind, text_of(item.content), item.injected) for item in decoded(one).request[-5:]]
    assert shown == [
        ("call", "", False),
        ("result", "Script running with cell ID 1", False),
        ("call", "", False),
        ("text", "late news", True),
        ("result", "finished", False),
    ]
    assert [message["role"] for message in after[-2:]] == ["tool", "user"]
    assert after[-2]["content"] == "finished" and after[-1]["content"].endswith("late news")


@pytest.mark.parametrize("target", TARGETS)
def test_a_task_that_openai_sealed_is_said_to_be_so(target: Speech) -> None:
    body = exchanges()[1]["request"]
    plain = json.dumps(translate_request(body, "responses", target))
    assert "Count the files." in plain
    sealed = "gAAAAABo" + "Qx-_" * 40 + "=="
    body["input"][-1]["content"][1]["encrypted_content"] = sealed
    told = json.dumps(translate_request(body, "responses", target))
    assert sealed not in told and "encrypted by OpenAI" in told


def test_tools_of_a_later_item_take_the_place_of_those_by_their_name() -> None:
    function = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    more = [
        {"type": "additional_tools", "role": "developer", "tools": [{**function, "description": text}]}
        for text in ("old", "new")
    ]
    user = {"type": "message", "role": "user", "content": "hi"}
    body = {
        "model": "m",
        "tools": [{**function, "name": "first"}, {"type": "computer_use_preview"}],
        "input": [more[0], user, more[1]],
    }
    there = translate_request(body, "responses", "anthropic")
    assert [(tool["name"], tool.get("description", "")) for tool in there["tools"]] == [
        ("first", ""),
        ("look", "new"),
    ]
    assert lost(body, "responses", "anthropic") == ["tool computer_use_preview"]
    inner = {"type": "namespace", "name": "hosted", "tools": [{"type": "file_search"}]}
    only = {"type": "additional_tools", "tools": [inner]}
    with pytest.raises(CannotTranslate, match="file_search"):
        translate_request({"model": "m", "input": [only, user]}, "responses", "anthropic")
    with pytest.raises(CannotTranslate, match="compacted"):
        translate_request({"model": "m", "input": [{"type": "compaction_trigger"}]}, "responses", "chat")


def test_sound_that_a_tool_gave_does_not_end_the_conversation() -> None:
    body = exchanges()[2]["request"]
    output = next(item for item in body["input"] if item["type"] == "custom_tool_call_output")
    output["output"].append({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})
    told = json.dumps(translate_request(body, "responses", "anthropic"))
    assert "(sound, which this model is not given)" in told and "AAAA" not in told


TITLE = {
    "type": "object",
    "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 36}},
    "required": ["title"],
    "additionalProperties": False,
}


def test_the_thread_in_which_codex_asks_for_a_title_is_no_turn() -> None:
    one = exchanges()[0]
    told = {"request_kind": "turn", "thread_source": "thread_title"}
    headers = [pair for pair in one["request_headers"] if pair[0] != "x-codex-turn-metadata"]
    titled = {**one, "request_headers": [*headers, ["x-codex-turn-metadata", json.dumps(told)]]}
    assert (decoded(one).kind, decoded(titled).kind) == ("turn", "side")


def test_a_title_can_be_asked_of_a_claude() -> None:
    """Anthropic refuses bounds in the schema of an answer, and objects that are open."""
    body = exchanges()[0]["request"]
    choice = {"anyOf": [{"type": "null"}, {"type": "array", "items": TITLE, "maxItems": 3}]}
    many = {"type": "object", "description": "All.", "properties": {"maxItems": choice}}
    cases = [(TITLE, ["title"]), (many, ["maxItems", "anyOf", 1, "items", "properties", "title"])]
    for schema, place in cases:
        form = {"type": "json_schema", "strict": True, "name": "codex_output_schema", "schema": schema}
        before = json.dumps(schema)
        there = translate_request({**body, "text": {"format": form}}, "responses", "anthropic")
        told = there["output_config"]["format"]["schema"]
        assert json.dumps(schema) == before and told["additionalProperties"] is False
        title: Any = told["properties"]
        for step in place:
            title = title[step]
        assert title == {"type": "string", "description": "(minLength: 1, maxLength: 36)"}
    assert told["properties"]["maxItems"]["anyOf"][1]["description"] == "(maxItems: 3)"
    chats = translate_request({**body, "text": {"format": form}}, "responses", "chat")
    assert chats["response_format"]["json_schema"]["schema"] == many


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@settings(max_examples=examples(80), deadline=None)
@given(
    target=st.sampled_from(TARGETS),
    spaces=st.dictionaries(
        st.just("") | names, st.dictionaries(names, st.booleans(), min_size=1, max_size=3), min_size=1
    ),
    told=words,
    split=st.booleans(),
)
def test_any_tool_of_an_item_is_offered_called_and_told_again(
    target: Speech, spaces: dict[str, dict[str, bool]], told: str, split: bool
) -> None:
    """Whatever is offered so can be called, and its call and result are told under the same name."""
    tools: list[dict[str, Any]] = []
    flat: list[tuple[str, str, bool]] = []
    for space, inner in spaces.items():
        made = [
            {"type": "custom", "name": name}
            if custom
            else {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}}
            for name, custom in inner.items()
        ]
        tools += [{"type": "namespace", "name": space, "tools": made}] if space else made
        flat += [(space, name, custom) for name, custom in inner.items()]
    groups = [[tool] for tool in tools] if split else [tools]
    more = [{"type": "additional_tools", "role": "developer", "tools": group} for group in groups]
    user = {"type": "message", "role": "user", "content": "hi"}
    body = {"model": "m", "input": [*more, user]}
    offered = list(functions(target, translate_request(body, "responses", target)))
    assert len(offered) == len(flat)
    for wire, (space, name, custom) in zip(offered, flat, strict=True):
        (item,) = answered(target, body, [(wire, {"input": told})])
        assert (item.get("namespace", ""), item["name"]) == (space, name)
        assert item["type"] == ("custom_tool_call" if custom else "function_call")
        assert custom is False or item["input"] == told
        kind = item["type"] + "_output"
        result = {"type": kind, "call_id": item["call_id"], "output": "found"}
        again = translate_request({**body, "input": [*body["input"], item, result]}, "responses", target)
        if target == "anthropic":
            (called,) = [b for m in again["messages"] for b in m["content"] if b["type"] == "tool_use"]
            arguments = called["input"]
        else:
            (called,) = itertools.chain.from_iterable(
                [c["function"] for c in m.get("tool_calls", [])] for m in again["messages"]
            )
            arguments = json.loads(called["arguments"])
        assert (called["name"], arguments) == (wire, {"input": told})
