"""Reasoning that comes back to its provider, errors, and the odd replies that real upstreams send."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from skillclaw.wire.translate import (
    CannotTranslate,
    ReplyTranslator,
    Speech,
    translate_error,
    translate_request,
)
from skillclaw.wire.translate.seal import PREFIX

SPEECHES: tuple[Speech, ...] = ("anthropic", "chat", "responses")
DIRECTIONS = [(a, b) for a, b in itertools.product(SPEECHES, SPEECHES) if a != b]

ANTHROPIC_REPLY: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "thinking", "thinking": "I should look.\nü", "signature": "EqQBsig+/="},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"path": "a"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
RESPONSES_REPLY: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt",
    "output": [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
            "encrypted_content": "gAAAAA==",
        },
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gBBBBB=="},
        {"type": "function_call", "id": "fc", "call_id": "call_1", "name": "look", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CHAT_REPLY: dict[str, Any] = {
    "id": "x",
    "model": "deepseek",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "reasoning_content": "I should look.",
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
                ],
            },
        }
    ],
}
REPLIES = {"anthropic": ANTHROPIC_REPLY, "chat": CHAT_REPLY, "responses": RESPONSES_REPLY}


def ask(speech: Speech) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}}
    if speech == "anthropic":
        tools = [{"name": "look", "input_schema": schema}]
        body = {"max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}], "tools": tools}
        return {**body, "model": "m", "thinking": {"type": "enabled", "budget_tokens": 5000}}
    if speech == "chat":
        tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
        messages = [{"role": "user", "content": "hi"}]
        return {"model": "m", "messages": messages, "tools": tools, "reasoning_effort": "low"}
    tools = [{"type": "function", "name": "look", "parameters": schema}]
    given = [{"type": "message", "role": "user", "content": "hi"}]
    return {"model": "m", "input": given, "tools": tools, "reasoning": {"effort": "low"}}


def next_turn(speech: Speech, body: dict[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
    """The agent's next request: the answer as it got it, and the result of its call."""
    if speech == "anthropic":
        call = next(block for block in reply["content"] if block["type"] == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "found"}
        answer = {"role": "assistant", "content": reply["content"]}
        return {**body, "messages": [*body["messages"], answer, {"role": "user", "content": [result]}]}
    if speech == "chat":
        message = reply["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "found"}
        return {**body, "messages": [*body["messages"], message, result]}
    call = next(item for item in reply["output"] if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "found"}
    return {**body, "input": [*body["input"], *reply["output"], result]}


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_reasoning_comes_back_to_its_provider_as_it_was(source: Speech, target: Speech) -> None:
    body = ask(source)
    reply = json.loads(
        ReplyTranslator(source, target, body, now=1).whole(json.dumps(REPLIES[target]).encode())
    )
    again = translate_request(next_turn(source, body, reply), source, target, model="claude-sonnet-4-5")
    if target == "anthropic":
        assert again["messages"][1]["content"] == ANTHROPIC_REPLY["content"]
        assert again["thinking"]["type"] == "enabled"
    elif target == "responses":
        kept = [{k: v for k, v in item.items() if k != "status"} for item in again["input"][1:3]]
        assert kept == RESPONSES_REPLY["output"][:2]
        assert [item["type"] for item in again["input"][3:]] == ["function_call", "function_call_output"]
    else:
        message = again["messages"][1]
        assert message["reasoning_content"] == "I should look."
        assert "reasoning_details" not in message


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_reasoning_of_one_provider_is_never_given_to_another(source: Speech, target: Speech) -> None:
    body = ask(source)
    reply = json.loads(
        ReplyTranslator(source, target, body, now=1).whole(json.dumps(REPLIES[target]).encode())
    )
    following = next_turn(source, body, reply)
    for other in SPEECHES:
        if other not in (source, target):
            there = json.dumps(translate_request(following, source, other))
            assert PREFIX not in there and "I should look" not in there and "Two." not in there
            assert "found" in there


def test_an_altered_envelope_is_dropped() -> None:
    body = ask("responses")
    for envelope in (PREFIX + "!!!", PREFIX, PREFIX + "e30", "c2tpbGxjbGF3LnY5e30="):
        item = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": envelope}
        altered = {**body, "input": [*body["input"], item]}
        assert "thinking" not in json.dumps(translate_request(altered, "responses", "anthropic")["messages"])
        assert "reasoning" not in json.dumps(translate_request(altered, "responses", "chat")["messages"])


def stream(source: Speech, target: Speech, values: list[Any], *, done: bool = True) -> bytes:
    translator = ReplyTranslator(source, target, ask(source), now=1)
    out = b"".join(translator.feed(f"data: {json.dumps(value)}\n\n".encode()) for value in values)
    if done:
        out += translator.feed(b"data: [DONE]\n\n")
    return out + translator.close(True)


def events(out: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in out.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def piece(index: int | None, text: str, call_id: str = "", name: str = "") -> dict[str, Any]:
    call: dict[str, Any] = {"function": {"arguments": text, **({"name": name} if name else {})}}
    if index is not None:
        call["index"] = index
    return chunk({"tool_calls": [{**call, **({"id": call_id} if call_id else {})}]})


CALLS = {
    "interleaved": [
        piece(0, "", "a", "look"),
        piece(1, "", "b", "look"),
        piece(0, '{"p":'),
        piece(1, '{"p":2'),
        piece(0, "1}"),
        piece(1, "}"),
    ],
    "all with one index": [piece(0, '{"p":1}', "a", "look"), piece(0, '{"p":2}', "b", "look")],
    "without an index": [piece(None, '{"p":1}', "a", "look"), piece(None, '{"p":2}', "b", "look")],
    "name with every piece": [
        piece(0, '{"p":', "a", "look"),
        piece(0, "1}", "a", "look"),
        piece(1, '{"p":2}', "b", "look"),
    ],
    "name after the arguments": [
        piece(0, '{"p":', "a"),
        piece(0, "1}", "", "look"),
        piece(1, '{"p":2}', "b", "look"),
    ],
}


@pytest.mark.parametrize("source", ["anthropic", "responses"])
@pytest.mark.parametrize("name", CALLS)
def test_calls_of_chat_servers_are_told_apart(source: Speech, name: str) -> None:
    out = stream(source, "chat", [*CALLS[name], chunk({}, "stop")])
    found = events(out)
    if source == "responses":
        done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
        got = [(item["call_id"], json.loads(item["arguments"])) for item in done]
        assert sorted(got, key=str) == [("a", {"p": 1}), ("b", {"p": 2})]
        return
    texts: dict[int, str] = {}
    for event in found:
        if event["type"] == "content_block_delta":
            texts[event["index"]] = texts.get(event["index"], "") + event["delta"]["partial_json"]
    assert [json.loads(text) for _, text in sorted(texts.items())] == [{"p": 1}, {"p": 2}]
    assert [event["delta"]["stop_reason"] for event in found if event["type"] == "message_delta"] == [
        "tool_use"
    ]


def test_a_responses_upstream_that_sends_no_deltas_is_heard_all_the_same() -> None:
    out = stream("anthropic", "responses", [{"type": "response.completed", "response": RESPONSES_REPLY}])
    kinds = [e["content_block"]["type"] for e in events(out) if e["type"] == "content_block_start"]
    assert kinds == ["thinking", "redacted_thinking", "tool_use"]
    assert events(out)[-1] == {"type": "message_stop"}


def test_pings_keep_the_agent_waiting_without_a_word() -> None:
    for source in ("chat", "responses"):
        translator = ReplyTranslator(source, "anthropic", ask(source), now=1)
        assert translator.feed(b'event: ping\ndata: {"type": "ping"}\n\n') == b": ping\n\n"


def test_a_refusal_is_told_in_each_protocol() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    output = [{"type": "message", "id": "m", "role": "assistant", "content": [part]}]
    body = json.dumps({"id": "r", "status": "completed", "output": output}).encode()
    told = json.loads(ReplyTranslator("anthropic", "responses", ask("anthropic"), now=1).whole(body))
    assert told["stop_reason"] == "refusal" and told["content"] == [{"type": "text", "text": "I will not."}]
    told = json.loads(ReplyTranslator("chat", "responses", ask("chat"), now=1).whole(body))
    assert told["choices"][0]["message"]["refusal"] == "I will not."
    details = {"type": "refusal", "category": "cyber", "explanation": "Not that."}
    reply = {**ANTHROPIC_REPLY, "content": [], "stop_reason": "refusal", "stop_details": details}
    body = json.dumps(reply).encode()
    told = json.loads(ReplyTranslator("responses", "anthropic", ask("responses"), now=1).whole(body))
    assert told["output"][0]["content"] == [{"type": "refusal", "refusal": "Not that."}]


def test_a_web_search_of_the_provider_is_shown() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "uv"}}
    part = {"type": "output_text", "text": "Found."}
    output = [item, {"type": "message", "id": "m", "role": "assistant", "content": [part]}]
    body = json.dumps({"id": "r", "status": "completed", "output": output}).encode()
    told = json.loads(ReplyTranslator("anthropic", "responses", ask("anthropic"), now=1).whole(body))
    kinds = [block["type"] for block in told["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    assert told["content"][0]["input"] == {"query": "uv"}
    body = {**ANTHROPIC_REPLY, "stop_reason": "end_turn", "content": told["content"]}
    back = ReplyTranslator("responses", "anthropic", ask("responses"), now=1).whole(json.dumps(body).encode())
    search, message = json.loads(back)["output"]
    assert search["type"] == "web_search_call" and search["action"]["query"] == "uv"
    assert message["content"][0]["text"] == "Found."


ERRORS: list[tuple[Speech, Any]] = [
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}),
    ("chat", {"error": {"message": "Busy", "type": "server_error", "code": "server_is_overloaded"}}),
    (
        "responses",
        {
            "type": "response.failed",
            "response": {"id": "r", "error": {"code": "server_is_overloaded", "message": "Busy"}},
        },
    ),
    ("responses", {"type": "error", "code": "server_is_overloaded", "message": "Busy"}),
]


@pytest.mark.parametrize(("target", "value"), ERRORS)
def test_an_error_inside_a_stream_is_told_as_the_agent_knows_it(target: Speech, value: Any) -> None:
    for source in SPEECHES:
        if source == target:
            continue
        out = stream(source, target, [value, value], done=target == "chat")
        last = events(out)[-1]
        if source == "anthropic":
            assert last["error"] == {"type": "overloaded_error", "message": "Busy"}
        elif source == "chat":
            assert last["error"]["message"] == "Busy" and b"[DONE]" not in out
        else:
            assert last["type"] == "response.failed" and last["response"]["error"]["message"] == "Busy"
        assert out.count(b"Busy") == 1


def test_error_bodies_are_told_as_the_agent_knows_them() -> None:
    busy = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}'
    told = json.loads(translate_error(429, busy, "responses", "anthropic"))["error"]
    assert (told["code"], told["message"]) == ("rate_limit_exceeded", "Slow down")
    cases: list[tuple[int, bytes, str, str]] = [
        (
            401,
            b'{"error": {"message": "Bad key", "code": "invalid_api_key"}}',
            "authentication_error",
            "Bad key",
        ),
        (
            429,
            b'{"error": {"message": "No money", "code": "insufficient_quota"}}',
            "billing_error",
            "No money",
        ),
        (503, b"<html>gateway</html>", "overloaded_error", "<html>gateway</html>"),
        (500, b'{"detail": "oops"}', "api_error", "oops"),
        (422, b'[{"error": {"message": "in a list"}}]', "invalid_request_error", "in a list"),
        (404, b"", "not_found_error", "The upstream answered with HTTP status 404 and no words."),
    ]
    for status, body, kind, message in cases:
        told = json.loads(translate_error(status, body, "anthropic", "chat"))
        assert told == {"type": "error", "error": {"type": kind, "message": message}}
    # A full context: each agent compacts on its own provider's words.
    full = b'{"error": {"message": "Too many tokens", "code": "context_length_exceeded"}}'
    told = json.loads(translate_error(400, full, "anthropic", "responses"))
    assert told["error"]["message"] == "prompt is too long: Too many tokens"
    full = (
        b'{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9"}}'
    )
    told = json.loads(translate_error(400, full, "responses", "anthropic"))
    assert told["error"]["code"] == "context_length_exceeded"
    assert translate_error(400, busy, "anthropic", "anthropic") == busy


def test_what_is_no_reply_is_refused() -> None:
    for source, target in DIRECTIONS:
        for body in (b"", b"[]", b"<html>", b"{}", b'{"error": {"message": "no"}}', b'{"output": 3}'):
            with pytest.raises(CannotTranslate):
                ReplyTranslator(source, target, ask(source), now=1).whole(body)


def test_the_same_protocol_on_both_sides_is_left_alone() -> None:
    body = ask("chat")
    assert translate_request(body, "chat", "chat", model="other") == {**body, "model": "other"}
    translator = ReplyTranslator("chat", "chat", body)
    assert translator.feed(b"any\xff") == b"any\xff" and translator.close(False) == b""


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_a_reply_bears_the_model_that_was_asked_for_and_an_id_of_its_own(
    source: Speech, target: Speech
) -> None:
    body = {**ask(source), "model": "asked"}
    given = json.dumps(REPLIES[target]).encode()
    first = json.loads(ReplyTranslator(source, target, body, now=1).whole(given))
    following = next_turn(source, body, first)
    second = json.loads(ReplyTranslator(source, target, following, now=1).whole(given))
    assert first["model"] == second["model"] == "asked"
    assert first["id"] != second["id"]
