"""Replies of an upstream reach an agent of another protocol: whole, streamed, cut anywhere, broken."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded, Item
from skillclaw.wire.translate import CannotTranslate, ReplyTranslator, Speech, path_of

SPEECHES: tuple[Speech, ...] = ("anthropic", "chat", "responses")
DIRECTIONS = [(a, b) for a, b in itertools.product(SPEECHES, SPEECHES) if a != b]
NOW = 1_800_000_000


class Piece(NamedTuple):
    """What an upstream says: a thought, words, or a call (its name, and its arguments as JSON text)."""

    kind: Literal["thought", "text", "call"]
    text: str
    name: str = ""


class Said(NamedTuple):
    """A whole reply; `stop` is one of end, tool, length."""

    pieces: tuple[Piece, ...]
    stop: str = "end"


def request_of(speech: Speech, *, stream: bool = True) -> dict[str, Any]:
    """The agent's request, with the tools `look` and `write`."""
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    names = ("look", "write")
    body: dict[str, Any] = {"model": "asked", "stream": stream}
    if speech == "anthropic":
        tools = [{"name": name, "input_schema": schema} for name in names]
        return {**body, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    if speech == "chat":
        tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in names]
        options = {"include_usage": True}
        messages = [{"role": "user", "content": "hi"}]
        return {**body, "messages": messages, "tools": tools, "stream_options": options}
    tools = [{"type": "function", "name": name, "parameters": schema} for name in names]
    return {**body, "input": "hi", "tools": tools}


# --- upstreams, written from the API references alone


def sse(events: Iterable[tuple[str, dict[str, Any]]]) -> list[bytes]:
    return [f"event: {name}\ndata: {json.dumps(value)}\n\n".encode() for name, value in events]


def halves(text: str) -> list[str]:
    return [part for part in (text[: len(text) // 2], text[len(text) // 2 :]) if part]


def anthropic(said: Said) -> tuple[dict[str, Any], list[bytes]]:
    blocks: list[dict[str, Any]] = []
    for number, piece in enumerate(said.pieces):
        if piece.kind == "thought":
            blocks.append({"type": "thinking", "thinking": piece.text, "signature": f"sig{number}=="})
        elif piece.kind == "text":
            blocks.append({"type": "text", "text": piece.text})
        else:
            given = json.loads(piece.text)
            blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": piece.name, "input": given})
    reason = {"end": "end_turn", "tool": "tool_use", "length": "max_tokens"}[said.stop]
    usage = {"input_tokens": 30, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 50}
    head = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude", "stop_sequence": None}
    whole = {**head, "content": blocks, "stop_reason": reason, "usage": {**usage, "output_tokens": 7}}
    start = {**head, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        at = {"index": index}
        if block["type"] == "thinking":
            empty = {**block, "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": part} for part in halves(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif block["type"] == "text":
            empty = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": part} for part in halves(block["text"])]
        else:
            empty = {**block, "input": {}}
            text = said.pieces[index].text
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *halves(text))]
        events.append({"type": "content_block_start", **at, "content_block": empty})
        events += [{"type": "content_block_delta", **at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", **at})
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
    events.append({"type": "message_stop"})
    return whole, sse((event["type"], event) for event in events)


def chat(said: Said) -> tuple[dict[str, Any], list[bytes]]:
    texts = {kind: "".join(p.text for p in said.pieces if p.kind == kind) for kind in ("text", "thought")}
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": piece.name, "arguments": piece.text}}
        for n, piece in enumerate(said.pieces)
        if piece.kind == "call"
    ]
    reason = {"end": "stop", "tool": "tool_calls", "length": "length"}[said.stop]
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "total_tokens": 107,
        "prompt_tokens_details": {"cached_tokens": 50},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    message: dict[str, Any] = {"role": "assistant", "content": texts["text"] or None}
    if texts["thought"]:
        message["reasoning_content"] = texts["thought"]
    if calls:
        message["tool_calls"] = calls
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt"}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    whole = {**head, "choices": [choice], "usage": usage}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    count = 0
    for piece in said.pieces:
        if piece.kind == "call":
            call = calls[count]
            begun = {"name": piece.name, "arguments": ""}
            deltas.append({"tool_calls": [{"index": count, **call, "function": begun}]})
            deltas += [
                {"tool_calls": [{"index": count, "function": {"arguments": part}}]}
                for part in halves(piece.text)
            ]
            count += 1
        else:
            field = "content" if piece.kind == "text" else "reasoning_content"
            deltas += [{field: part} for part in halves(piece.text)]
    head = {**head, "object": "chat.completion.chunk"}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    chunks.append({**head, "choices": [], "usage": usage})
    return whole, [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


def responses(said: Said) -> tuple[dict[str, Any], list[bytes]]:
    output: list[dict[str, Any]] = []
    for number, piece in enumerate(said.pieces):
        if piece.kind == "thought":
            summary = [{"type": "summary_text", "text": piece.text}]
            secret = {"encrypted_content": f"gAAAA{number}"}
            output.append({"type": "reasoning", "id": f"rs_{number}", "summary": summary, **secret})
        elif piece.kind == "text":
            part = {"type": "output_text", "text": piece.text, "annotations": []}
            head = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed"}
            output.append({**head, "content": [part]})
        else:
            call = {"call_id": f"call_{number}", "name": piece.name, "arguments": piece.text}
            output.append({"type": "function_call", "id": f"fc_{number}", "status": "completed", **call})
    cut = said.stop == "length"
    whole: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": "gpt",
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "output": output,
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 50},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 3},
            "total_tokens": 107,
        },
    }
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(output):
        at = {"output_index": index, "item_id": item["id"]}
        text = said.pieces[index].text
        empty = {"reasoning": {"summary": []}, "message": {"content": []}}.get(
            item["type"], {"arguments": ""}
        )
        events.append(
            {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}
        )
        name, more = {
            "reasoning": ("response.reasoning_summary_text.delta", {"summary_index": 0}),
            "message": ("response.output_text.delta", {"content_index": 0}),
            "function_call": ("response.function_call_arguments.delta", {}),
        }[item["type"]]
        events += [{"type": name, **at, **more, "delta": part} for part in halves(text)]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return whole, sse((event["type"], event) for event in numbered)


UPSTREAMS = {"anthropic": anthropic, "chat": chat, "responses": responses}

LOOK = Piece("call", '{"path": "a.txt"}', "look")
WRITE = Piece("call", '{"path": "ü\\n\\"b\\"", "n": [1, 2.5, null]}', "write")
SAID = {
    "words": Said((Piece("text", "Hello, wörld."),)),
    "thought and words": Said((Piece("thought", "Hm, so."), Piece("text", "Hello."))),
    "a call": Said((Piece("thought", "I look."), Piece("text", "Looking."), LOOK), "tool"),
    "two calls": Said((Piece("text", "Both."), LOOK, WRITE), "tool"),
    "a call without arguments": Said((Piece("call", "{}", "look"),), "tool"),
    "cut at the limit": Said((Piece("text", "Hello, and"),), "length"),
    "nothing": Said(()),
}


def seen(speech: Speech, body: bytes, *, streamed: bool, complete: bool = True) -> Decoded:
    """A reply as the project's own decoder reads it."""
    kind = "text/event-stream" if streamed else "application/json"
    found = decode(
        Call(
            method="POST",
            path=path_of(speech),
            request_body=json.dumps(request_of(speech)).encode(),
            status=200,
            response_headers=[("content-type", kind)],
            response_body=body,
            complete=complete,
        )
    )
    assert found is not None
    return found


def plain(items: Iterable[Item]) -> list[tuple[Any, ...]]:
    """Items without ids and groups, which the protocols have each their own."""
    return [(item.kind, item.content, item.name, item.arguments) for item in items]


def streamed(source: Speech, target: Speech, chunks: Iterable[bytes], *, complete: bool = True) -> bytes:
    translator = ReplyTranslator(source, target, request_of(source), now=NOW)
    return b"".join(translator.feed(chunk) for chunk in chunks) + translator.close(complete)


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
@pytest.mark.parametrize("name", SAID)
def test_an_agent_reads_the_same_from_the_translation_as_the_upstream_said(
    source: Speech, target: Speech, name: str
) -> None:
    whole, chunks = UPSTREAMS[target](SAID[name])
    meant = seen(target, json.dumps(whole).encode(), streamed=False)
    translated = ReplyTranslator(source, target, request_of(source), now=NOW).whole(
        json.dumps(whole).encode()
    )
    for got in (
        seen(source, translated, streamed=False),
        seen(source, streamed(source, target, chunks), streamed=True),
    ):
        assert plain(got.response) == plain(meant.response)
        assert got.complete and not got.error
        assert got.usage is not None and meant.usage is not None
        assert (got.usage.prompt, got.usage.completion, got.usage.cached) == (100, 7, 50)
        stops = {
            "end": {"end_turn", "stop", "completed"},
            "tool": {"tool_use", "tool_calls", "completed"},
            "length": {"max_tokens", "length", "max_output_tokens"},
        }
        assert got.stop_reason in stops[SAID[name].stop]
        ids = [item.call_id for item in got.response if item.kind == "call"]
        assert ids == [item.call_id for item in meant.response if item.kind == "call"]


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_each_event_of_the_upstream_is_passed_on_at_once(source: Speech, target: Speech) -> None:
    said = Said((Piece("thought", "one two"), Piece("text", "three four"), LOOK), "tool")
    _, chunks = UPSTREAMS[target](said)
    translator = ReplyTranslator(source, target, request_of(source), now=NOW)
    for chunk in chunks:
        out = translator.feed(chunk)
        for word in ("one", "two", "three", "four", "a.txt"):
            if word.encode() in chunk and b".done" not in chunk and b"response.completed" not in chunk:
                assert word.encode() in out, (chunk, out)
    assert translator.close(True) == b""


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_a_stream_cut_after_any_event_never_looks_like_a_whole_answer(source: Speech, target: Speech) -> None:
    _, chunks = UPSTREAMS[target](SAID["two calls"])
    marks = (b"message_stop", b"[DONE]", b"response.completed")
    for count in range(len(chunks)):
        out = streamed(source, target, chunks[:count], complete=False)
        got = seen(source, out, streamed=True, complete=True)
        assert not got.complete and got.error, count
        assert not any(mark in out for mark in marks)
    # Cut inside the last event, too.
    out = streamed(source, target, [*chunks[:-1], chunks[-1][:-2]], complete=False)
    assert not seen(source, out, streamed=True).complete


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_a_stream_that_ends_early_but_cleanly_is_broken_too(source: Speech, target: Speech) -> None:
    _, chunks = UPSTREAMS[target](SAID["a call"])
    out = streamed(source, target, chunks[:4], complete=True)
    assert not seen(source, out, streamed=True).complete


@settings(max_examples=examples(60), deadline=None)
@given(
    direction=st.sampled_from(DIRECTIONS),
    name=st.sampled_from(sorted(SAID)),
    cuts=st.lists(st.integers(0, 6000), max_size=12),
    crlf=st.booleans(),
)
def test_any_split_of_a_stream_gives_the_same_bytes(
    direction: tuple[Speech, Speech], name: str, cuts: list[int], crlf: bool
) -> None:
    source, target = direction
    _, chunks = UPSTREAMS[target](SAID[name])
    data = b"".join(chunks)
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    places = sorted({min(cut, len(data)) for cut in cuts})
    parts = [data[a:b] for a, b in itertools.pairwise([0, *places, len(data)])]
    assert streamed(source, target, parts) == streamed(source, target, chunks)


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_byte_by_byte_is_the_same_stream(source: Speech, target: Speech) -> None:
    _, chunks = UPSTREAMS[target](SAID["two calls"])
    data = b"".join(chunks)
    one_by_one = [data[at : at + 1] for at in range(len(data))]
    assert streamed(source, target, one_by_one) == streamed(source, target, [data])


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: text.strip() != ""
)
arguments = st.dictionaries(
    words, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words, max_size=3
).map(json.dumps)


@st.composite
def replies(draw: st.DrawFn) -> Said:
    """Thought first, then words, then calls: the order that all three protocols can say."""
    pieces = [Piece("thought", text) for text in draw(st.lists(words, max_size=1))]
    pieces += [Piece("text", text) for text in draw(st.lists(words, max_size=1))]
    names = st.sampled_from(["look", "write"])
    calls = draw(st.lists(st.tuples(names, arguments), max_size=3))
    pieces += [Piece("call", text, name) for name, text in calls]
    return Said(tuple(pieces), "tool" if calls else "end")


@settings(max_examples=examples(80), deadline=None)
@given(direction=st.sampled_from(DIRECTIONS), said=replies())
def test_generated_replies_keep_their_words_and_calls(direction: tuple[Speech, Speech], said: Said) -> None:
    source, target = direction
    whole, chunks = UPSTREAMS[target](said)
    meant = plain(seen(target, json.dumps(whole).encode(), streamed=False).response)
    translator = ReplyTranslator(source, target, request_of(source), now=NOW)
    assert plain(seen(source, translator.whole(json.dumps(whole).encode()), streamed=False).response) == meant
    assert plain(seen(source, streamed(source, target, chunks), streamed=True).response) == meant


KEYS_TEXT = (
    "type role content text choices delta message output item response index tool_calls function "
    "arguments input error usage id name summary content_block output_index status"
)
KEYS = KEYS_TEXT.split()
VALUES_TEXT = (
    "text tool_use thinking message reasoning function_call content_block_start response.completed "
    "content_block_delta response.output_item.added response.output_item.done message_delta completed "
    "custom_tool_call redacted_thinking web_search_call server_tool_use"
)
VALUES = VALUES_TEXT.split()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner | st.sampled_from(VALUES), max_size=5)
    ),
    max_leaves=14,
)


@settings(max_examples=examples(150), deadline=None)
@given(direction=st.sampled_from(DIRECTIONS), value=json_values, others=st.lists(json_values, max_size=4))
def test_a_reply_of_any_json_never_raises_anything_else(
    direction: tuple[Speech, Speech], value: Any, others: list[Any]
) -> None:
    source, target = direction
    body = json.dumps(value).encode()
    try:
        json.loads(ReplyTranslator(source, target, request_of(source), now=NOW).whole(body))
        out = ReplyTranslator(source, target, request_of(source), now=NOW).streamed(body)
        assert seen(source, out, streamed=True).complete
    except CannotTranslate as failed:
        assert failed.what
    chunks = [f"data: {json.dumps(one)}\n\n".encode() for one in [value, *others]]
    streamed(source, target, chunks, complete=False)


@settings(max_examples=examples(50), deadline=None)
@given(direction=st.sampled_from(DIRECTIONS), data=st.binary(max_size=200))
@example(direction=("anthropic", "chat"), data=b"data:[DONE]")
def test_a_stream_of_any_bytes_is_a_broken_stream(direction: tuple[Speech, Speech], data: bytes) -> None:
    source, target = direction
    out = streamed(source, target, [data])
    assert not seen(source, out, streamed=True).complete
