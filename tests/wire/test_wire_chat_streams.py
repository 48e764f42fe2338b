"""A streamed answer of Chat Completions is read as the same answer in one piece, however it was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded, Item
from skillclaw.wire.translate import ReplyTranslator

Json = dict[str, Any]


def read(body: bytes, kind: str) -> list[Item]:
    request = {"model": "m", "messages": [{"role": "user", "content": "go"}]}
    found = decode(
        Call(
            method="POST",
            path="/v1/chat/completions",
            request_headers=[("content-type", "application/json")],
            request_body=json.dumps(request).encode(),
            status=200,
            response_headers=[("content-type", kind)],
            response_body=body,
        )
    )
    assert isinstance(found, Decoded)
    return found.response


def streamed(*deltas: Json) -> list[Item]:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    body = b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    return read(body + b"data: [DONE]\n\n", "text/event-stream")


def whole(**message: Any) -> list[Item]:
    answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    return read(json.dumps(answer).encode(), "application/json")


def function(call_id: str, name: str, arguments: Any, **more: Any) -> Json:
    return {**more, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


READ, WRITE = function("call_a", "read", '{"p":1}'), function("call_b", "write", '{"q":2}')
PATCH = {"id": "call_c", "type": "custom", "custom": {"name": "apply_patch", "input": "*** Begin"}}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
WORDS = {"type": "text", "text": "done"}


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        ([{"tool_calls": [{**READ, "index": 0}]}, {"tool_calls": [{**WRITE, "index": 0}]}], [READ, WRITE]),
        ([{"tool_calls": [READ, WRITE]}], [READ, WRITE]),
        ([{"tool_calls": [{**WRITE, "index": 1}]}, {"tool_calls": [{**READ, "index": 0}]}], [READ, WRITE]),
        (
            [
                {"tool_calls": [{**PATCH, "index": 0, "custom": {"name": "apply_patch", "input": ""}}]},
                {"tool_calls": [{"index": 0, "custom": {"input": "*** "}}]},
                {"tool_calls": [{"index": 0, "custom": {"input": "Begin"}}]},
            ],
            [PATCH],
        ),
        ([{"tool_calls": [function("call_a", "read", {"p": 1}, index=0, custom=None)]}], [READ]),
    ],
    ids=["one index", "no index", "out of order", "free text", "an object"],
)
def test_calls_are_those_of_the_whole_answer(deltas: list[Json], message: list[Json]) -> None:
    assert streamed(*deltas) == whole(content=None, tool_calls=message)


def test_a_call_of_the_old_form_is_read() -> None:
    pieces = [{"name": "read", "arguments": ""}, {"arguments": '{"p"'}, {"arguments": ":1}"}]
    found = streamed(*({"function_call": piece} for piece in pieces))
    assert found == whole(content=None, function_call={"name": "read", "arguments": '{"p":1}'})
    assert [(item.name, item.arguments) for item in found] == [("read", {"p": 1})]


def test_content_that_is_a_list_is_read() -> None:
    found = streamed({"content": [THOUGHT]}, {"content": [WORDS]}, {"content": " well"})
    assert found == whole(content=[THOUGHT, {**WORDS, "text": "done well"}])
    assert [(item.kind, item.content) for item in found] == [("reasoning", "hm"), ("text", "done well")]
    odd = {"type": "reference", "ids": [1]}
    assert streamed({"content": [WORDS, odd]}, {"content": [WORDS]}) == whole(content=[WORDS, odd, WORDS])


def test_a_free_text_call_that_the_proxy_translated_is_recorded_as_it_is() -> None:
    tool = {"type": "custom", "custom": {"name": "apply_patch", "description": "d"}}
    request = {"model": "m", "stream": True, "tools": [tool], "messages": [{"role": "user", "content": "go"}]}
    answer = {
        "id": "msg_1",
        "model": "m",
        "role": "assistant",
        "type": "message",
        "stop_reason": "tool_use",
        "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {"input": "*** Begin"}}
        ],
    }
    body = ReplyTranslator("chat", "anthropic", request, now=1).streamed(json.dumps(answer).encode())
    (call,) = read(body, "text/event-stream")
    assert (call.kind, call.name, call.raw) == ("call", "apply_patch", "*** Begin")


@given(
    st.lists(
        st.tuples(st.sampled_from(["read", "write"]), st.dictionaries(st.text(), st.text())), max_size=4
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["numbered", "alike", "none"]),
    st.data(),
)
def test_any_cut_of_any_answer_is_the_whole_one(
    asked: list[tuple[str, Json]], text: str, style: str, data: st.DataObject
) -> None:
    def cut(given: str) -> list[str]:
        places = sorted(data.draw(st.lists(st.integers(0, len(given)), max_size=4)))
        return [given[a:b] for a, b in zip([0, *places], [*places, len(given)], strict=True)]

    calls = [function(f"call_{n}", name, json.dumps(given)) for n, (name, given) in enumerate(asked)]
    deltas: list[Json] = [{"content": piece} for piece in cut(text)]
    for number, call in enumerate(calls):
        at = {"numbered": {"index": number}, "alike": {"index": 0}, "none": {}}[style]
        first, *rest = cut(call["function"]["arguments"])
        begun = function(call["id"], call["function"]["name"], first, **at)
        deltas += [{"tool_calls": [begun]}]
        deltas += [{"tool_calls": [{**at, "function": {"arguments": piece}}]} for piece in rest]
    assert streamed(*deltas) == whole(content=text, tool_calls=calls)
