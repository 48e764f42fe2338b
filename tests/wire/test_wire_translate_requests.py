"""Requests reach an upstream of another protocol with everything that it can be told."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.trajectory.model import text_of
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Item
from skillclaw.wire.translate import (
    CannotTranslate,
    ReplyTranslator,
    Speech,
    lost,
    path_of,
    translate_request,
)

FIXTURES = Path(__file__).parent / "fixtures"
SPEECHES: tuple[Speech, ...] = ("anthropic", "chat", "responses")
DIRECTIONS = [(a, b) for a, b in itertools.product(SPEECHES, SPEECHES) if a != b]
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
PIXEL = "iVBORw0KGgo="


def items(speech: Speech, body: dict[str, Any]) -> list[Item]:
    call = Call(method="POST", path=path_of(speech), request_body=json.dumps(body).encode(), status=200)
    found = decode(call)
    assert found is not None
    return found.request


def conversation(speech: Speech, body: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Who said what, called what, got what: texts of one speaker joined, ids left out."""
    out: list[tuple[Any, ...]] = []
    for item in items(speech, body):
        if item.kind == "reasoning":
            continue
        said: tuple[Any, ...] = (item.role, item.kind, item.name, item.arguments)
        text = re.sub(r"\s+", "", text_of(item.content))
        if out and item.kind == "text" and out[-1][:4] == said:
            out[-1] = (*said, out[-1][4] + text)
        else:
            out.append((*said, text))
    return out


# --- requests of an agent, made of the same turns in each protocol

Turn = tuple[str, Any]


def anthropic(turns: list[Turn]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for role, value in turns:
        if role == "user":
            messages.append({"role": "user", "content": [{"type": "text", "text": value}]})
            continue
        text, calls = value
        blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        results = []
        for call_id, name, told, result in calls:
            blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": told})
            results.append({"type": "tool_result", "tool_use_id": call_id, "content": result})
        messages.append({"role": "assistant", "content": blocks})
        if results:
            messages.append({"role": "user", "content": results})
    tools = [{"name": "look", "description": "Look.", "input_schema": SCHEMA}]
    head = {"model": "claude-opus-4-5", "max_tokens": 64000, "system": "Be brief.", "tools": tools}
    return {**head, "messages": messages, "stream": True}


def chat(turns: list[Turn]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for role, value in turns:
        if role == "user":
            messages.append({"role": "user", "content": value})
            continue
        text, calls = value
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        results = []
        made = []
        for call_id, name, told, result in calls:
            function = {"name": name, "arguments": json.dumps(told)}
            made.append({"id": call_id, "type": "function", "function": function})
            results.append({"role": "tool", "tool_call_id": call_id, "content": result})
        messages += [{**message, "tool_calls": made} if made else message, *results]
    function = {"name": "look", "description": "Look.", "parameters": SCHEMA}
    return {"model": "gpt", "messages": messages, "tools": [{"type": "function", "function": function}]}


def responses(turns: list[Turn]) -> dict[str, Any]:
    given_items: list[dict[str, Any]] = []
    for role, value in turns:
        if role == "user":
            part = {"type": "input_text", "text": value}
            given_items.append({"type": "message", "role": "user", "content": [part]})
            continue
        text, calls = value
        if text:
            part = {"type": "output_text", "text": text}
            given_items.append({"type": "message", "role": "assistant", "content": [part]})
        for call_id, name, told, _ in calls:
            call = {"call_id": call_id, "name": name, "arguments": json.dumps(told)}
            given_items.append({"type": "function_call", **call})
        for call_id, _, _, result in calls:
            given_items.append({"type": "function_call_output", "call_id": call_id, "output": result})
    tools = [{"type": "function", "name": "look", "description": "Look.", "parameters": SCHEMA}]
    return {"model": "gpt", "instructions": "Be brief.", "input": given_items, "tools": tools}


AGENTS = {"anthropic": anthropic, "chat": chat, "responses": responses}
text = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=20
).filter(lambda one: one.strip() != "" and not one.lstrip().startswith("{") and "<" not in one)
given_arguments = st.dictionaries(text, st.none() | st.booleans() | st.integers(-99, 99) | text, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    turns: list[Turn] = [("user", draw(text))]
    number = 0
    for _ in range(draw(st.integers(0, 4))):
        calls = []
        for given_one, result in draw(st.lists(st.tuples(given_arguments, text), max_size=3)):
            number += 1
            calls.append((f"call_{number}", "look", given_one, result))
        words = draw(text) if not calls else draw(st.just("") | text)
        turns.append(("agent", (words, calls)))
        if not calls or draw(st.booleans()):
            turns.append(("user", draw(text)))
    return turns


@settings(max_examples=examples(120), deadline=None)
@given(direction=st.sampled_from(DIRECTIONS), turns=conversations())
def test_there_and_back_keeps_the_conversation(direction: tuple[Speech, Speech], turns: list[Turn]) -> None:
    source, target = direction
    body = AGENTS[source](turns)
    before = json.dumps(body)
    there = translate_request(body, source, target, model="other")
    assert json.dumps(body) == before
    assert there["model"] == "other"
    assert conversation(target, there) == conversation(source, body)
    back = translate_request(there, target, source)
    assert conversation(source, back) == conversation(source, body)


@pytest.mark.parametrize(
    "name", ["claude-code.json", "claude-code-cut.json", "codex.json", "codex-default-model.json"]
)
def test_the_requests_of_real_clients_keep_their_words_and_calls(name: str) -> None:
    source: Speech = "responses" if name.startswith("codex") else "anthropic"
    bodies = [one["request"] for one in json.loads((FIXTURES / name).read_text("utf-8")) if one["request"]]
    assert bodies
    for body, target in itertools.product(bodies, SPEECHES):
        if target == source:
            continue
        there = translate_request(body, source, target)
        kept = json.dumps(there, ensure_ascii=False)
        assert "x-anthropic-billing-header" not in kept
        want = [item for item in items(source, body) if item.kind != "reasoning"]
        got = items(target, there)
        assert [i.arguments for i in got if i.kind == "call"] == [
            i.arguments for i in want if i.kind == "call"
        ]
        whole = re.sub(r"\s+", "", "".join(text_of(item.content) for item in got))
        for item in want:
            assert re.sub(r"\s+", "", text_of(item.content)) in whole


def test_system_messages_in_the_middle_stay_where_they_are() -> None:
    body = anthropic([("user", "one")])
    body["messages"] += [
        {"role": "system", "content": "Skills: none."},
        {"role": "assistant", "content": "ok"},
        {"role": "system", "content": [{"type": "text", "text": "Later."}]},
    ]
    body["system"] = [{"type": "text", "text": "x-anthropic-billing-header: cc=1;"}, {"text": "Be brief."}]
    chats = translate_request(body, "anthropic", "chat")["messages"]
    assert chats[0] == {"role": "system", "content": "Be brief."}
    assert chats[1]["content"] == "one\n\n<system-reminder>\nSkills: none.\n</system-reminder>"
    assert chats[3] == {"role": "user", "content": "<system-reminder>\nLater.\n</system-reminder>"}
    answers = translate_request(body, "anthropic", "responses")
    assert answers["instructions"] == "Be brief."
    assert [one["role"] for one in answers["input"]] == ["user", "developer", "assistant", "developer"]


def test_images_and_documents_go_along_and_those_of_results_follow_all_results() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    link = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
    pdf = {
        "type": "document",
        "title": "a.pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
    }
    calls = [{"type": "tool_use", "id": f"t{n}", "name": "look", "input": {}} for n in (1, 2)]
    results = [
        {"type": "tool_result", "tool_use_id": "t1", "content": [image], "is_error": False},
        {"type": "tool_result", "tool_use_id": "t2", "content": "no such file", "is_error": True},
        {"type": "text", "text": "go on"},
    ]
    body = anthropic([])
    body["messages"] = [
        {"role": "user", "content": [{"type": "text", "text": "see"}, image, link, pdf]},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]
    url = f"data:image/png;base64,{PIXEL}"
    chats = translate_request(body, "anthropic", "chat")["messages"]
    kinds = [part["type"] for part in chats[1]["content"]]
    assert kinds == ["text", "image_url", "image_url", "file"]
    assert chats[1]["content"][1]["image_url"]["url"] == url
    assert [m["role"] for m in chats[2:]] == ["assistant", "tool", "tool", "user"]
    assert chats[4]["content"] == "Error: no such file"
    assert [part["type"] for part in chats[5]["content"]] == ["text", "image_url", "text"]
    given = translate_request(body, "anthropic", "responses")["input"]
    assert [part["type"] for part in given[0]["content"]] == [
        "input_text",
        "input_image",
        "input_image",
        "input_file",
    ]
    assert given[3]["output"][0]["image_url"] == url
    back = translate_request({"model": "m", "input": given}, "responses", "anthropic")["messages"]
    assert back[0]["content"][1] == image and back[0]["content"][2] == link and back[0]["content"][3] == pdf
    assert back[2]["content"][0]["content"] == [image]
    document = {"type": "file", "file_id": "file_1"}
    for kind in ("document", "image"):
        body["messages"][0]["content"] = [{"type": kind, "source": document}]
        with pytest.raises(CannotTranslate, match="file id"):
            translate_request(body, "anthropic", "chat")


@pytest.mark.parametrize("target", ["anthropic", "responses"])
def test_every_call_has_its_result_directly_behind_it(target: Speech) -> None:
    body = chat([])
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    body["messages"] = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a", **call}, {"id": "b", **call}]},
        {"role": "tool", "tool_call_id": "b", "content": "B"},
        {"role": "user", "content": "stopped you"},
        {"role": "tool", "tool_call_id": "gone", "content": "orphan"},
    ]
    there = translate_request(body, "chat", target)
    kept = [
        (item.kind, item.call_id, text_of(item.content))
        for item in items(target, there)
        if item.role != "system"
    ]
    assert [one[:2] for one in kept[:5]] == [
        ("text", ""),
        ("call", "a"),
        ("call", "b"),
        ("result", "a"),
        ("result", "b"),
    ]
    assert "No result" in kept[3][2] and kept[4][2] == "B"
    assert "stopped you" in json.dumps(there) and "orphan" in json.dumps(there)


def test_tool_choice_and_parallel_calls_are_told() -> None:
    cases: list[tuple[dict[str, Any], Any, Any]] = [
        ({"type": "any"}, "required", "required"),
        ({"type": "none"}, "none", "none"),
        (
            {"type": "tool", "name": "look"},
            {"type": "function", "function": {"name": "look"}},
            {"type": "function", "name": "look"},
        ),
    ]
    for choice, as_chat, as_responses in cases:
        body = {**anthropic([("user", "hi")]), "tool_choice": choice}
        chats = translate_request(body, "anthropic", "chat")
        answers = translate_request(body, "anthropic", "responses")
        assert chats["tool_choice"] == as_chat and answers["tool_choice"] == as_responses
        assert translate_request(chats, "chat", "anthropic")["tool_choice"] == choice
        assert translate_request(answers, "responses", "anthropic")["tool_choice"] == choice
    body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    for target in ("chat", "responses"):
        there = translate_request(body, "anthropic", target)
        assert there["parallel_tool_calls"] is False
        back = translate_request(there, target, "anthropic")
        assert back["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_settings_are_told_where_the_model_takes_them() -> None:
    body = anthropic([("user", "hi")])
    body |= {"max_tokens": 500, "temperature": 0.5, "stop_sequences": ["END"], "metadata": {"user_id": "me"}}
    body["thinking"] = {"type": "enabled", "budget_tokens": 10000}
    chats = translate_request(body, "anthropic", "chat", model="qwen3-coder")
    assert (chats["max_tokens"], chats["temperature"], chats["stop"], chats["user"]) == (
        500,
        0.5,
        ["END"],
        "me",
    )
    assert chats["stream_options"] == {"include_usage": True} and "reasoning_effort" not in chats
    chats = translate_request(body, "anthropic", "chat", model="gpt-5.2")
    assert chats["max_completion_tokens"] == 500 and chats["reasoning_effort"] == "medium"
    assert "temperature" not in chats and "max_tokens" not in chats
    answers = translate_request({**body, "max_tokens": 1}, "anthropic", "responses", model="gpt-5.2")
    assert answers["max_output_tokens"] == 16
    assert answers["reasoning"] == {"effort": "medium", "summary": "auto"}
    assert answers["include"] == ["reasoning.encrypted_content"] and answers["store"] is False
    assert lost(body, "anthropic", "responses") == ["stop sequences"]
    # A Claude's largest max_tokens is no wish.
    assert "max_tokens" not in translate_request({**body, "max_tokens": 64000}, "anthropic", "chat")
    # The answer must fit a schema.
    closed = {**SCHEMA, "additionalProperties": False}
    body["output_config"] = {"format": {"type": "json_schema", "schema": closed}}
    chats = translate_request(body, "anthropic", "chat")
    assert chats["response_format"]["json_schema"] == {"name": "answer", "schema": closed, "strict": True}
    answers = translate_request(chats, "chat", "responses")
    assert answers["text"]["format"]["schema"] == closed
    back = translate_request(answers, "responses", "anthropic")
    assert back["output_config"]["format"] == {"type": "json_schema", "schema": closed}


def test_long_descriptions_of_tools_go_into_the_system_message_where_openai_refuses_them() -> None:
    long = "Run a command.\n\n" + "Mind the gap. " * 200
    body = anthropic([("user", "hi")])
    body["tools"] = [{"name": "Bash", "description": long, "input_schema": SCHEMA}, *body["tools"]]
    for model in ("gpt-4o", "openai/gpt-5.2", "o3-mini"):
        there = translate_request(body, "anthropic", "chat", model=model)
        first, second = (tool["function"]["description"] for tool in there["tools"])
        assert first.startswith("Run a command.\n\nThe whole description") and len(first) <= 1024
        assert second == "Look."
        assert there["messages"][0] == {"role": "system", "content": f"Be brief.\n\n# Tool Bash\n\n{long}"}
    for target, model in (("chat", "qwen3-coder"), ("responses", "gpt-5.2")):
        there = translate_request(body, "anthropic", target, model=model)
        assert long in json.dumps(there["tools"]).replace("\\n", "\n")
        assert long not in json.dumps(there).replace("\\n", "\n").replace(long, "", 1)


def test_an_anthropic_upstream_gets_max_tokens_thinking_and_cache_marks() -> None:
    body = {**responses([("user", "hi")]), "reasoning": {"effort": "high"}, "temperature": 1.5}
    old = translate_request(body, "responses", "anthropic", model="claude-sonnet-4-5-20250929")
    assert old["max_tokens"] == 32000
    assert old["thinking"] == {"type": "enabled", "budget_tokens": 24000}
    assert "temperature" not in old
    new = translate_request(body, "responses", "anthropic", model="claude-opus-4-8")
    assert new["thinking"] == {"type": "adaptive"} and new["output_config"] == {"effort": "high"}
    none = translate_request(body, "responses", "anthropic", model="claude-3-5-sonnet-20241022")
    assert "thinking" not in none and none["max_tokens"] == 8192 and none["temperature"] == 1
    assert old["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert old["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    # A budget is refused where the last answer called a tool without a thought of Anthropic's.
    body = {**body, "input": responses([("user", "hi"), ("agent", ("", [("c", "look", {}, "r")]))])["input"]}
    assert "thinking" not in translate_request(body, "responses", "anthropic", model="claude-sonnet-4-5")
    # A summary is asked for without tools, but with calls in the history.
    del body["tools"]
    bare = translate_request(body, "responses", "anthropic")
    assert [tool["name"] for tool in bare["tools"]] == ["look"] and bare["tool_choice"] == {"type": "none"}


CODEX_TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "exec_command", "parameters": SCHEMA, "strict": False},
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Patch files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: patch"},
    },
    {
        "type": "namespace",
        "name": "multi_agent_v1",
        "description": "Sub-agents.",
        "tools": [{"type": "function", "name": "spawn_agent", "parameters": {"type": "object"}}],
    },
    {"type": "local_shell"},
    {"type": "web_search"},
    {"type": "image_generation"},
]


def tool_names(target: Speech, body: dict[str, Any]) -> list[str]:
    return [str(tool["function"]["name"] if target == "chat" else tool["name"]) for tool in body["tools"]]


@pytest.mark.parametrize("target", ["anthropic", "chat"])
def test_tools_of_codex_become_functions_and_their_calls_come_back_as_they_were(target: Speech) -> None:
    history = [
        {"type": "message", "role": "user", "content": "go"},
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin\n"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done!"},
        {
            "type": "function_call",
            "call_id": "c2",
            "namespace": "multi_agent_v1",
            "name": "spawn_agent",
            "arguments": "{}",
        },
        {"type": "function_call_output", "call_id": "c2", "output": "ok"},
        {
            "type": "local_shell_call",
            "call_id": "c3",
            "status": "completed",
            "action": {"type": "exec", "command": ["ls"], "env": {}},
        },
        {"type": "local_shell_call_output", "id": "c3", "output": "a.txt"},
    ]
    body = {"model": "m", "input": history, "tools": CODEX_TOOLS, "stream": True}
    there = translate_request(body, "responses", target)
    names = ["exec_command", "apply_patch", "multi_agent_v1__spawn_agent", "local_shell"]
    assert tool_names(target, there) == names + (["web_search"] if target == "anthropic" else [])
    assert "start: patch" in json.dumps(there["tools"][1])
    calls = [item for item in items(target, there) if item.kind == "call"]
    assert [(call.name, call.arguments) for call in calls] == [
        ("apply_patch", {"input": "*** Begin\n"}),
        ("multi_agent_v1__spawn_agent", {}),
        ("local_shell", {"command": ["ls"], "env": {}}),
    ]
    assert "tool image_generation" in lost(body, "responses", target)
    said = [
        ("apply_patch", {"input": '*** Begin\n+ü "x" \\ 😀\n'}),
        ("multi_agent_v1__spawn_agent", {"message": "hi"}),
        ("local_shell", {"command": ["ls", "-l"]}),
    ]
    if target == "anthropic":
        blocks = [
            {"type": "tool_use", "id": f"t{n}", "name": name, "input": given}
            for n, (name, given) in enumerate(said)
        ]
        reply: dict[str, Any] = {"type": "message", "id": "msg_1", "model": "m", "content": blocks}
        reply |= {"stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}
    else:
        made = [
            {"id": f"t{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
            for n, (name, given) in enumerate(said)
        ]
        message = {"role": "assistant", "content": None, "tool_calls": made}
        reply = {"id": "x", "model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}]}
    back = json.loads(ReplyTranslator("responses", target, body, now=1).whole(json.dumps(reply).encode()))
    patch, spawn, shell = back["output"]
    assert (patch["type"], patch["name"], patch["input"]) == (
        "custom_tool_call",
        "apply_patch",
        said[0][1]["input"],
    )
    assert (spawn["namespace"], spawn["name"], spawn["call_id"]) == ("multi_agent_v1", "spawn_agent", "t1")
    assert shell["type"] == "local_shell_call" and shell["action"]["command"] == ["ls", "-l"]


@settings(max_examples=examples(60), deadline=None)
@given(value=st.text(max_size=30), cuts=st.lists(st.integers(0, 200), max_size=6), ascii_only=st.booleans())
def test_a_freeform_call_streams_its_input_as_it_comes(value: str, cuts: list[int], ascii_only: bool) -> None:
    arguments = json.dumps({"input": value}, ensure_ascii=ascii_only)
    places = sorted({min(cut, len(arguments)) for cut in cuts})
    parts = [arguments[a:b] for a, b in itertools.pairwise([0, *places, len(arguments)])]
    body = {"model": "m", "input": "hi", "tools": CODEX_TOOLS, "stream": True}
    translator = ReplyTranslator("responses", "chat", body, now=1)
    name = {"name": "apply_patch"}
    deltas: list[dict[str, Any]] = [{"tool_calls": [{"index": 0, "id": "c", "function": name}]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts]
    out = b""
    for delta in deltas:
        chunk = {"id": "x", "choices": [{"index": 0, "delta": delta}]}
        out += translator.feed(f"data: {json.dumps(chunk)}\n\n".encode())
    out += translator.feed(b"data: [DONE]\n\n")
    events = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: ")]
    kind = "response.custom_tool_call_input.delta"
    assert "".join(event["delta"] for event in events if event["type"] == kind) == value
    done = [event["input"] for event in events if event["type"] == "response.custom_tool_call_input.done"]
    assert done == [value]


def test_deferred_tools_of_claude_code_are_offered_once_they_were_found() -> None:
    body = anthropic([("user", "hi")])
    body["tools"] += [
        {"name": "ToolSearch", "input_schema": {"type": "object"}},
        {"name": "hidden", "input_schema": {"type": "object"}, "defer_loading": True},
    ]
    assert tool_names("chat", translate_request(body, "anthropic", "chat")) == ["look", "ToolSearch"]
    use = {"type": "tool_use", "id": "t", "name": "ToolSearch", "input": {"query": "hidden"}}
    found = [{"type": "tool_reference", "tool_name": "hidden"}]
    body["messages"] += [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": found}]},
    ]
    there = translate_request(body, "anthropic", "chat")
    assert tool_names("chat", there) == ["look", "ToolSearch", "hidden"]
    assert "hidden" in there["messages"][-1]["content"]


def test_names_and_ids_that_the_upstream_refuses_are_changed_and_come_back() -> None:
    long = "mcp__a_server_with_a_very_long_name__and_a_tool_with_a_long_name_too_x"
    body = anthropic([("user", "hi")])
    body["tools"] = [{"name": long, "input_schema": SCHEMA}]
    there = translate_request(body, "anthropic", "chat")
    name = there["tools"][0]["function"]["name"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    call = {"id": "functions.x:0", "type": "function", "function": {"name": name, "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    reply = {"id": "x", "choices": [{"message": message, "finish_reason": "tool_calls"}]}
    back = json.loads(ReplyTranslator("anthropic", "chat", body, now=1).whole(json.dumps(reply).encode()))
    use = back["content"][0]
    assert use["name"] == long and re.fullmatch(r"[a-zA-Z0-9_-]+", use["id"])
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "r"}
    body["messages"] += [
        {"role": "assistant", "content": back["content"]},
        {"role": "user", "content": [result]},
    ]
    again = translate_request(body, "anthropic", "chat")["messages"]
    assert again[2]["tool_calls"][0] == call and again[3]["tool_call_id"] == "functions.x:0"


def test_what_lies_at_the_provider_is_refused_in_one_sentence() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    cases: list[tuple[Speech, Speech, dict[str, Any]]] = [
        ("responses", "chat", {"previous_response_id": "resp_1", "input": "hi"}),
        ("responses", "anthropic", {"input": [{"type": "item_reference", "id": "x"}]}),
        ("responses", "anthropic", {"input": [{"type": "compaction", "encrypted_content": "x"}]}),
        ("responses", "chat", {"input": "hi", "tools": [{"type": "file_search"}]}),
        ("responses", "chat", {"input": "hi", "tools": [{"type": "web_search"}]}),
        (
            "anthropic",
            "chat",
            {"messages": [], "tools": [search]},
        ),
        ("anthropic", "chat", {"messages": [], "tools": [{"type": "code_execution_20250522", "name": "c"}]}),
        ("anthropic", "responses", {"messages": [], "mcp_servers": [{"url": "https://x.test"}]}),
        ("chat", "anthropic", {"messages": [], "n": 2}),
    ]
    for source, target, body in cases:
        with pytest.raises(CannotTranslate) as refused:
            translate_request(body, source, target)
        assert refused.value.what.endswith(".") and "\n" not in refused.value.what


KEYS_TEXT = (
    "type role content text messages input tools tool_choice function name arguments call_id id "
    "thinking system source data output summary signature tool_calls tool_call_id image_url max_tokens "
    "stop format reasoning_details encrypted_content input_schema parameters"
)
KEYS = KEYS_TEXT.split()
VALUES_TEXT = (
    "text user assistant system tool tool_use tool_result thinking image document message reasoning "
    "custom function function_call function_call_output custom_tool_call local_shell_call namespace "
    "image_url"
)
VALUES = VALUES_TEXT.split()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner | st.sampled_from(VALUES), max_size=6)
    ),
    max_leaves=16,
)


@settings(max_examples=examples(250), deadline=None)
@given(direction=st.sampled_from(DIRECTIONS), inner=json_values, rest=json_values)
def test_a_request_of_any_json_never_raises_anything_else(
    direction: tuple[Speech, Speech], inner: Any, rest: Any
) -> None:
    source, target = direction
    body = {**(rest if isinstance(rest, dict) else {"x": rest})}
    key = "input" if source == "responses" else "messages"
    body.setdefault(key, inner if isinstance(inner, list) else [inner])
    try:
        json.dumps(translate_request(body, source, target))
        ReplyTranslator(source, target, body, now=1).feed(b"data: {}\n\n")
    except CannotTranslate as refused:
        assert refused.what


def test_a_body_nested_without_end_is_refused() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    body = {
        "model": "m",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": "y", "z": deep}]}],
    }
    with pytest.raises(CannotTranslate):
        translate_request(body, "anthropic", "chat")
