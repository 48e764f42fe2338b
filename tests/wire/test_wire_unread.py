"""What cannot be read says why, and what is no conversation is not taken for one."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import post

from skillclaw.wire.decode import read
from skillclaw.wire.records import Call, Decoded, Unread
from skillclaw.wire.routes import shown_path

TALK = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}
PACKED = [("content-encoding", "gzip")]


@pytest.mark.parametrize(
    ("call", "reason", "path"),
    [
        (post("/v9/chat?key=hello", TALK, {}), "unknown protocol", "/v9/chat"),
        (post("/api/generate", {"prompt": "hello there"}, {}), "unknown protocol", "/api/generate"),
        (post("/x", {"contents": [1]}, {}), "unknown protocol", "/x"),
        (post("/x", {"input": "hello there"}, {}), "unknown protocol", "/x"),
        (post("/x", TALK, {}, status=0), "unknown protocol", "/x"),
        (
            post("/model/anthropic.claude-20241022-v2:0/invoke-with-response-stream", TALK),
            "unknown protocol",
            "/model/*/invoke-with-response-stream",
        ),
        (post("/v1/messages", b"not json"), "damaged body", "/v1/messages"),
        (post("/v1/messages", b"[1]"), "damaged body", "/v1/messages"),
        (post("/v1/messages", b"junk", request_headers=PACKED), "damaged body", "/v1/messages"),
        (
            post("/v1/messages", TALK, request_headers=[("content-encoding", "lz9")]),
            "unknown encoding",
            "/v1/messages",
        ),
        (post("/v1/messages", b'{"messages": [', complete=False), "cut-off body", "/v1/messages"),
        (post("/v1/messages", b"", complete=False), "cut-off body", "/v1/messages"),
    ],
)
def test_each_reason(call: Call, reason: str, path: str) -> None:
    found = read(call)
    assert isinstance(found, Unread) and (found.reason, found.path) == (reason, path)
    assert "hello" not in repr(found)


@pytest.mark.parametrize(
    ("answer", "headers", "reason"),
    [
        (b"junk", PACKED, "damaged answer"),
        (b"junk", [("content-encoding", "lz9")], "unknown encoding"),
        (b"<html>welcome</html>", [("content-type", "text/html")], "damaged answer"),
    ],
)
def test_a_request_whose_answer_cannot_be_read_is_kept(
    answer: bytes, headers: list[tuple[str, str]], reason: str
) -> None:
    found = read(post("/v1/messages", TALK, answer, response_headers=headers))
    assert isinstance(found, Decoded) and found.unread == reason
    assert [i.content for i in found.request] == ["hello there"] and not found.complete


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/embeddings", {"model": "m", "input": "hello"}),
        ("POST", "/v1/moderations", {"input": ["hello"]}),
        ("POST", "/v1/images/generations", {"prompt": "a cat"}),
        ("POST", "/v1/audio/speech", {"input": "hello"}),
        ("POST", "/v1beta/models/m:embedContent", {"contents": []}),
        ("POST", "/v1beta/models/m:batchEmbedContents", {"contents": [{"parts": []}]}),
        ("POST", "/v1/messages/batches", {"input": "x"}),
        ("POST", "/v1/tokenize", {"messages": [1]}),
        ("POST", "/v1/responses/resp_1/cancel", {}),
        ("POST", "/api/event_logging/batch", {"events": [{}]}),
        ("POST", "/v9/chat", {"prompt": 3}),
        ("GET", "/v1/models", None),
        ("HEAD", "/", None),
        ("DELETE", "/v9/chat", {"messages": [1]}),
    ],
)
def test_what_is_no_conversation_is_not_counted(method: str, path: str, body: Any) -> None:
    assert read(post(path, body, {}, method=method)) is None


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_refused_request_told_nobody_anything(status: int) -> None:
    assert read(post("/v9/chat", TALK, {}, status=status)) is None


def test_a_packed_body_on_an_unknown_path_is_looked_into() -> None:
    body = gzip.compress(json.dumps(TALK).encode())
    assert isinstance(read(post("/v9/chat", body, {}, request_headers=PACKED)), Unread)


def test_anthropic_on_vertex_is_anthropic() -> None:
    path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:streamRawPredict"
    found = read(post(path, TALK, {"type": "message", "content": [{"type": "text", "text": "yo"}]}))
    assert isinstance(found, Decoded)
    assert (found.protocol, found.response[0].content) == ("anthropic", "yo")
    assert read(post(path.replace("streamRawPredict", "countThings"), {}, {})) is None


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=200), st.from_regex(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9]{12}", fullmatch=True))
def test_a_shown_path_holds_neither_query_nor_ids_nor_odd_signs(text: str, name: str) -> None:
    shown = shown_path(f"/v1/{text}/{name}/chat?{text}")
    assert len(shown) <= 100 and shown.isascii() and shown.isprintable()
    assert name not in shown and "?" not in shown and " " not in shown
