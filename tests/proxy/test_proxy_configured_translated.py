"""An agent on an upstream of another protocol, over real HTTP."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from front import TOKEN, front, upstream

KEY = "sk-upstream-key-0123456789"
PATHS = {"anthropic": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}
PAIRS = [(a, b) for a in PATHS for b in PATHS if a != b]
HEADERS = [
    ("x-api-key", TOKEN),
    ("User-Agent", "agent/1"),
    ("anthropic-beta", "x"),
    ("X-Stainless-Lang", "js"),
]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)


def request(protocol: str, stream: bool) -> dict[str, Any]:
    user = [{"role": "user", "content": "Say hello."}]
    if protocol == "anthropic":
        return {"model": "claude-x", "max_tokens": 99, "system": "Be.", "messages": user, "stream": stream}
    if protocol == "chat":
        return {
            "model": "claude-x",
            "messages": [{"role": "system", "content": "Be."}, *user],
            "stream": stream,
        }
    return {"model": "claude-x", "instructions": "Be.", "input": user, "stream": stream}


def whole(protocol: str) -> dict[str, Any]:
    if protocol == "anthropic":
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "small",
            "content": [{"type": "text", "text": "Hello there."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }
    if protocol == "chat":
        message = {"role": "assistant", "content": "Hello there."}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
    part = {"type": "output_text", "text": "Hello there.", "annotations": []}
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "r1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "small",
        "output": [item],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    }


def events(protocol: str) -> list[bytes]:
    def named(kind: str, **more: Any) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **more}).encode())

    if protocol == "anthropic":
        start = {**whole(protocol), "content": [], "stop_reason": None}
        return [
            named("message_start", message=start),
            named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            named("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello "}),
            named("content_block_delta", index=0, delta={"type": "text_delta", "text": "there."}),
            named("content_block_stop", index=0),
            named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2}),
            named("message_stop"),
        ]
    if protocol == "chat":

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            tree = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "small"}
            return b"data: " + json.dumps({**tree, "choices": [choice]}).encode() + b"\n\n"

        first, second = {"role": "assistant", "content": "Hello "}, {"content": "there."}
        return [chunk(first), chunk(second), chunk({}, "stop"), b"data: [DONE]\n\n"]
    done = whole(protocol)
    item = done["output"][0]
    at = {"output_index": 0, "item_id": "m1", "content_index": 0}
    return [
        named("response.created", response={**done, "status": "in_progress", "output": []}),
        named("response.output_item.added", output_index=0, item={**item, "content": []}),
        named("response.content_part.added", **at, part={**item["content"][0], "text": ""}),
        named("response.output_text.delta", **at, delta="Hello "),
        named("response.output_text.delta", **at, delta="there."),
        named("response.output_text.done", **at, text="Hello there."),
        named("response.output_item.done", output_index=0, item=item),
        named("response.completed", response=done),
    ]


def streaming(pieces: list[bytes], end: bytes = b"0\r\n\r\n") -> Any:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for piece in pieces:
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        sock.sendall(end)
        if not end:
            sock.close()

    return script


def said(protocol: str, data: bytes, stream: bool) -> str:
    """The text of an answer in the agent's protocol."""
    if not stream:
        tree = json.loads(data)
        if protocol == "anthropic":
            return "".join(block.get("text", "") for block in tree["content"])
        if protocol == "chat":
            return str(tree["choices"][0]["message"]["content"])
        return "".join(part["text"] for item in tree["output"] for part in item.get("content", []))
    lines = [line[6:] for line in data.decode().splitlines() if line.startswith("data: {")]
    out = []
    for tree in map(json.loads, lines):
        if protocol == "anthropic" and tree["type"] == "content_block_delta":
            out.append(tree["delta"].get("text", ""))
        elif protocol == "chat" and tree.get("choices"):
            out.append(tree["choices"][0]["delta"].get("content") or "")
        elif protocol == "responses" and tree["type"] == "response.output_text.delta":
            out.append(tree["delta"])
    return "".join(out)


ENDS = {"anthropic": b"message_stop", "chat": b"[DONE]", "responses": b"response.completed"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("agent", "protocol"), PAIRS)
def test_question_and_answer_are_translated(
    tmp_path: Path, make_upstream: Any, replying: Any, agent: str, protocol: str, stream: bool
) -> None:
    plain = replying(json.dumps(whole(protocol)).encode(), b"Content-Type: application/json\r\nX-Own: 1\r\n")
    up = make_upstream(streaming(events(protocol)) if stream else plain)
    table = upstream(up.url, protocol, key="env:UPSTREAM_KEY", models={"claude-*": "small"})
    with front(tmp_path, {"one": table}) as proxy:
        reply = proxy.ask("POST", f"/a{PATHS[agent]}?beta=true", request(agent, stream), HEADERS)
    assert (reply.status, reply.whole) == (200, True)
    assert said(agent, reply.body, stream) == "Hello there."
    assert (ENDS[agent] in reply.body) is stream
    assert ("event-stream" in reply.get("content-type")) is stream
    assert reply.get("x-own") == ("" if stream else "1")
    (seen,) = up.seen
    assert seen.line == f"POST {PATHS[protocol]} HTTP/1.1".encode()
    sent = json.loads(seen.body)
    assert (sent["model"], bool(sent.get("stream"))) == ("small", stream)
    assert b"Be." in seen.body
    assert b"Say hello." in seen.body
    assert TOKEN.encode() not in seen.head + seen.body
    assert [seen.get(b"user-agent"), seen.get(b"accept-encoding")] == [[b"agent/1"], [b"identity"]]
    assert not seen.get(b"x-stainless-lang")
    assert bool(seen.get(b"anthropic-version")) is (protocol == "anthropic")


@pytest.mark.parametrize(("agent", "protocol"), PAIRS)
def test_a_whole_answer_is_streamed_to_an_agent_that_wants_a_stream(
    tmp_path: Path, make_upstream: Any, replying: Any, agent: str, protocol: str
) -> None:
    up = make_upstream(replying(json.dumps(whole(protocol)).encode(), b"Content-Type: application/json\r\n"))
    with front(tmp_path, {"one": upstream(up.url, protocol)}) as proxy:
        reply = proxy.ask("POST", f"/a{PATHS[agent]}", request(agent, True), HEADERS)
    assert said(agent, reply.body, True) == "Hello there."
    assert ENDS[agent] in reply.body


@pytest.mark.parametrize(("agent", "protocol"), PAIRS)
def test_a_stream_that_breaks_is_never_a_whole_answer(
    tmp_path: Path, make_upstream: Any, agent: str, protocol: str
) -> None:
    up = make_upstream(streaming(events(protocol)[:3], end=b""))
    with front(tmp_path, {"one": upstream(up.url, protocol)}) as proxy:
        reply = proxy.ask("POST", f"/a{PATHS[agent]}", request(agent, True), HEADERS)
    assert not reply.whole
    assert b"response.completed" not in reply.body
    assert b"message_stop" not in reply.body
    assert proxy.cuts == ["the upstream broke the answer off: ClientPayloadError"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("agent", "protocol"), PAIRS[:1])
def test_an_event_without_end_is_given_up(
    tmp_path: Path, make_upstream: Any, agent: str, protocol: str
) -> None:
    begun = events(protocol)[:3]
    up = make_upstream(streaming([*begun, b"data: ", *[b"x" * (1 << 20)] * 70], end=b""))
    with front(tmp_path, {"one": upstream(up.url, protocol)}) as proxy:
        reply = proxy.ask("POST", f"/a{PATHS[agent]}", request(agent, True), HEADERS)
    assert not reply.whole
    assert b"An event of the upstream's stream is too large." in reply.body
    assert proxy.cuts == ["an event of the upstream's answer is too large"]


@pytest.mark.parametrize("status", [400, 429, 500, 529])
@pytest.mark.parametrize(("agent", "protocol"), PAIRS)
def test_errors_come_in_the_agents_shape_with_the_upstreams_headers(
    tmp_path: Path, make_upstream: Any, agent: str, protocol: str, status: int
) -> None:
    body = b'{"type":"error","error":{"type":"x","message":"too many of them"}}'

    def script(sock: socket.socket, seen: Any) -> None:
        head = b"HTTP/1.1 %d No\r\nretry-after: 7\r\nContent-Type: text/x\r\nContent-Length: %d\r\n\r\n"
        sock.sendall(head % (status, len(body)) + body)

    table = upstream(make_upstream(script).url, protocol, retries=0)
    with front(tmp_path, {"one": table}) as proxy:
        reply = proxy.ask("POST", f"/a{PATHS[agent]}", request(agent, True), HEADERS)
    assert (reply.status, reply.get("retry-after")) == (status, "7")
    assert reply.get("content-type") == "application/json"
    assert "too many of them" in reply.json["error"]["message"]
    assert ("type" in reply.json) is (agent == "anthropic")


def test_an_answer_that_is_none_is_an_error(tmp_path: Path, make_upstream: Any, replying: Any) -> None:
    up = make_upstream(replying(b"<html>", b"Content-Type: text/html\r\n"))
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages", request("anthropic", False), HEADERS)
    assert (reply.status, reply.json["error"]["type"]) == (502, "api_error")


def test_what_an_upstream_cannot_be_asked_is_told(tmp_path: Path, make_upstream: Any, replying: Any) -> None:
    up = make_upstream(replying(b"{}"))
    body = {**request("responses", False), "previous_response_id": "resp_1"}
    with front(tmp_path, {"one": upstream(up.url, "anthropic")}) as proxy:
        reply = proxy.ask("POST", "/a/v1/responses", body)
        gemini = proxy.ask("POST", "/a/v1beta/models/m:generateContent", {"contents": []})
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert "The upstream one cannot be asked this." in reply.json["error"]["message"]
    assert (gemini.status, gemini.json["error"]["status"]) == (404, "NOT_FOUND")
    assert up.seen == []


def test_a_stand_in_may_speak_another_protocol(tmp_path: Path, make_upstream: Any, replying: Any) -> None:
    def busy(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 529 No\r\nContent-Length: 0\r\n\r\n")

    spare = make_upstream(streaming(events("chat")))
    tables = {
        "one": upstream(make_upstream(busy).url, "anthropic", retries=0, fallback=("two",)),
        "two": upstream(spare.url, "chat", models={"*": "small"}),
    }
    with front(tmp_path, tables) as proxy:
        reply = proxy.ask("POST", "/a/v1/messages", request("anthropic", True), HEADERS)
    assert said("anthropic", reply.body, True) == "Hello there."
    assert reply.get("x-skillclaw-tried") == "one: 529 No"
    assert json.loads(spare.seen[0].body)["model"] == "small"


def test_a_fault_of_the_translation_is_an_error_before_and_a_break_after_the_first_byte(
    tmp_path: Path, make_upstream: Any, replying: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skillclaw.wire import translate

    def fault(*_: Any) -> bytes:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr(translate.ReplyTranslator, "feed", fault)
    monkeypatch.setattr(translate.ReplyTranslator, "whole", fault)
    streamed = make_upstream(streaming(events("chat")))
    plain = make_upstream(replying(json.dumps(whole("chat")).encode(), b"Content-Type: application/json\r\n"))
    tables = {"one": upstream(streamed.url, "chat"), "two": upstream(plain.url, "chat")}
    with front(tmp_path, tables, {"a": "one", "b": "two"}) as proxy:
        broken = proxy.ask("POST", "/a/v1/messages", request("anthropic", True), HEADERS)
        error = proxy.ask("POST", "/b/v1/messages", request("anthropic", False), HEADERS)
    assert (broken.status, broken.whole) == (200, False)
    assert proxy.cuts == ["SkillClaw failed: ZeroDivisionError"]
    assert (error.status, error.json["error"]["type"]) == (500, "api_error")
