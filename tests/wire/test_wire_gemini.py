"""Gemini's exchanges become conversations: gemini-cli as recorded, every kind of part, cut streams."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import call_of, post, recorded

from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded, Identity, Usage

PATH = "/v1beta/models/gemini-2.5-pro:generateContent"
STREAM = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
SSE = [("content-type", "text/event-stream")]


def decoded(one: Call) -> Decoded:
    found = decode(one)
    assert found is not None
    return found


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def answer(*parts: Any, **rest: Any) -> dict[str, Any]:
    return {"candidates": [{"content": model(*parts), "finishReason": "STOP", "index": 0}], **rest}


def sse(pieces: list[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(piece).encode() + b"\r\n\r\n" for piece in pieces)


def test_gemini_cli_as_recorded() -> None:
    found = [decoded(call_of(one)) for one in recorded("gemini-cli.json")]
    assert {d.kind for d in found} == {"turn"} and {d.identity for d in found} == {None}
    first, second = found[0], found[1]
    assert (first.cwd, first.env, first.agent) == (
        "/home/dev/proj",
        {"os": "linux"},
        "GeminiCLI-tui/0.61.0/gemini-2.5-pro",
    )
    assert (first.model, first.stop_reason, first.complete) == ("gemini-2.5-pro", "STOP", True)
    assert first.usage == Usage(prompt=120, completion=30, cached=64)
    assert [(i.kind, i.name, i.content) for i in first.response] == [
        ("reasoning", "", "**Looking** I think about it."),
        ("text", "", "Let me look."),
        ("call", "run_shell_command", ""),
        ("call", "list_directory", ""),
    ]
    assert [(i.injected, str(i.content)[:15]) for i in first.request if i.role == "user"] == [
        (True, "<session_contex"),
        (False, "Please read sam"),
    ]
    assert {t["function"]["name"] for t in first.tools} == {
        "list_directory",
        "run_shell_command",
        "activate_skill",
    }
    # The ids that the client made up for what it sends again are those of the response.
    sent = [i.call_id for i in second.request if i.kind == "call"]
    assert sent == [i.call_id for i in first.response if i.kind == "call"]
    third = found[2]
    assert [(i.name, i.exit_code, i.is_error) for i in third.request if i.kind == "result"] == [
        ("run_shell_command", 0, False),
        ("list_directory", None, None),
        ("run_shell_command", 1, True),
    ]
    # After a resume the client sends each result twice.
    ids = [i.call_id for i in found[3].request if i.kind == "result"]
    assert len(ids) == len(set(ids)) == 3


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        "/v1/projects/p/locations/eu/publishers/google/models/gemini-2.5-pro:generateContent?x=1",
        "/v1/tunedModels/gemini-2.5-pro:streamGenerateContent",
    ],
)
def test_the_model_is_in_the_path(path: str) -> None:
    found = decoded(post(path, {"contents": [user({"text": "hi"})]}, answer({"text": "yo"})))
    assert (found.protocol, found.kind, found.model) == ("gemini", "turn", "gemini-2.5-pro")
    assert [i.content for i in found.response] == ["yo"]


def test_every_kind_of_part() -> None:
    raw = b"\x89PNG picture"
    data = base64.b64encode(raw).decode()
    request = {
        "systemInstruction": {"parts": [{"text": "Be good."}]},
        "contents": [
            user(
                {"text": "look"},
                {"inlineData": {"mimeType": "image/png", "data": data}},
                {"inline_data": {"mime_type": "application/pdf", "data": data}},
                {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://bucket/a.jpg"}},
                {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/a.mp4"}},
            ),
            model(
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "boom"}},
                {"text": "so", "thoughtSignature": "c2ln"},
                {"thoughtSignature": "c2ln"},
                {"hologram": 3},
            ),
        ],
    }
    found = decoded(post(PATH, request, answer({"text": "ok"})))
    images = [i.content[0] for i in found.request if isinstance(i.content, list)]
    assert [(p.source.media_type, p.source.path) for p in images if p.source] == [
        ("image/png", f"sha256:{hashlib.sha256(raw).hexdigest()}"),
        ("image/jpeg", f"sha256:{hashlib.sha256(b'gs://bucket/a.jpg').hexdigest()}"),
    ]
    assert data not in str(found)
    texts = [i.content for i in found.request if i.kind == "text" and isinstance(i.content, str)]
    assert texts[0] == "Be good." and texts[-1] == '{"hologram":3}' and "gs://bucket/a.mp4" in texts[3]
    code, ran = (i for i in found.request if i.provider)
    assert (code.arguments, ran.content, ran.is_error) == (
        {"language": "PYTHON", "code": "print(1)"},
        "boom",
        True,
    )
    assert code.call_id == ran.call_id != ""


def test_calls_without_ids_are_joined_by_name_and_order() -> None:
    def call(name: str, **args: Any) -> dict[str, Any]:
        return {"functionCall": {"name": name, "args": args}}

    def result(name: str, **response: Any) -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": response}}

    request = {
        "contents": [
            user({"text": "go"}),
            model(call("ls", dir="a"), call("cat", file="x"), call("ls", dir="a")),
            {
                "role": "function",
                "parts": [result("cat", output="X"), result("ls", output="1"), result("ls", error="gone")],
            },
        ]
    }
    again = answer(call("ls", dir="a"))
    found = decoded(post(PATH, request, again))
    calls = [i for i in found.request if i.kind == "call"]
    results = {i.call_id: i for i in found.request if i.kind == "result"}
    assert [results[c.call_id].content for c in calls] == ["1", "X", "gone"]
    assert [results[c.call_id].is_error for c in calls] == [None, None, True]
    assert len({c.call_id for c in calls} | {found.response[0].call_id}) == 4
    whole = {"contents": [*request["contents"], again["candidates"][0]["content"]]}
    resent = [i.call_id for i in decoded(post(PATH, whole, answer())).request if i.kind == "call"]
    assert resent == [*(c.call_id for c in calls), found.response[0].call_id]


def test_what_code_assist_and_count_tokens_wrap_is_the_same_conversation() -> None:
    bare = {"contents": [user({"text": "hi"})], "tools": [{"functionDeclarations": [{"name": "ls"}]}]}
    whole = decoded(post(PATH, bare, answer({"text": "yo"})))
    wrapped = {"model": "gemini-2.5-pro", "project": "p", "request": {**bare, "session_id": "s-1"}}
    events = sse([{"response": answer({"text": "yo"})}])
    found = decoded(post("/v1internal:streamGenerateContent?alt=sse", wrapped, events, response_headers=SSE))
    assert (found.request, found.response, found.tools) == (whole.request, whole.response, whole.tools)
    assert found.model == "gemini-2.5-pro" and found.identity == Identity(root="s-1", thread="s-1")
    counts = post(PATH.replace("generateContent", "countTokens"), {"generateContentRequest": bare})
    assert (decoded(counts).kind, decoded(counts).request) == ("count", whole.request)


def test_blocks_and_errors_are_told() -> None:
    asked = {"contents": [user({"text": "hi"})]}
    blocked = decoded(post(PATH, asked, {"promptFeedback": {"blockReason": "SAFETY"}}))
    assert (blocked.stop_reason, blocked.error) == ("SAFETY", "The prompt was blocked: SAFETY")
    stopped = decoded(post(PATH, asked, {"candidates": [{"finishReason": "RECITATION"}]}))
    assert (stopped.stop_reason, stopped.complete, stopped.response) == ("RECITATION", True, [])
    error = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}
    for body in (error, [error]):
        failed = decoded(post(STREAM, asked, body, status=429))
        assert (failed.status, failed.error) == (429, "Quota exceeded")
    late = decoded(post(STREAM, asked, sse([answer({"text": "a"}), error]), response_headers=SSE))
    assert late.error == "Quota exceeded" and late.response[0].content == "a" and not late.complete


def test_what_the_client_asks_beside_the_conversation_is_told_apart() -> None:
    cli = [("user-agent", "GeminiCLI/0.61.0/m (linux; x64)")]
    asked: dict[str, Any] = {"contents": [user({"text": "hi"})]}
    search = {**asked, "tools": [{"googleSearch": {}}]}
    assert decoded(post(PATH, search, answer(), request_headers=cli)).kind == "side"
    assert decoded(post(PATH, search, answer())).kind == "turn"
    for config in ({"responseMimeType": "application/json"}, {"maxOutputTokens": 8}):
        assert decoded(post(PATH, {**asked, "generationConfig": config}, answer())).kind == "side"
    distil = "You are ... distilling chat history into a structured XML <state_snapshot>."
    assert (
        decoded(post(PATH, {**asked, "systemInstruction": {"parts": [{"text": distil}]}})).kind
        == "compaction"
    )


PIECES = [
    {"candidates": [{"content": model({"text": "think ", "thought": True})}], "modelVersion": "m-1"},
    {"candidates": [{"content": model({"text": "hard", "thought": True})}]},
    {"candidates": [{"content": model({"text": "Grüße, "})}]},
    {"candidates": [{"content": model({"text": "“world”"})}]},
    {"candidates": [{"content": model({"functionCall": {"name": "ls", "args": {"dir": "ä"}}})}]},
    {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 7}},
]


def told(found: Decoded) -> str:
    return "".join(f"{i.kind}:{i.content or i.arguments}|" for i in found.response).replace("|", "")


@settings(max_examples=examples(150), deadline=None)
@given(st.data(), st.sampled_from(["sse", "array", "pretty"]))
def test_a_cut_stream_is_a_prefix_of_the_whole(data: st.DataObject, form: str) -> None:
    if form == "sse":
        body, headers = sse(PIECES), SSE
    else:
        text = json.dumps(PIECES, ensure_ascii=False, indent=2 if form == "pretty" else None)
        body, headers = text.encode(), [("content-type", "application/json; charset=UTF-8")]
    asked = {"contents": [user({"text": "hi"})]}
    whole = decoded(post(STREAM, asked, body, response_headers=headers))
    assert whole.complete and whole.usage == Usage(prompt=7) and whole.model == "m-1"
    assert [i.content or i.arguments for i in whole.response] == [
        "think hard",
        "Grüße, “world”",
        {"dir": "ä"},
    ]
    at = data.draw(st.integers(0, len(body)))
    cut = decoded(post(STREAM, asked, body[:at], response_headers=headers, complete=False))
    assert told(whole).startswith(told(cut))
    assert not cut.complete


@pytest.mark.timeout(30)
def test_twenty_megabytes_of_images_take_bounded_memory() -> None:
    pictures = [base64.b64encode(bytes([n]) * 5_000_000).decode() for n in range(4)]
    parts = [{"inlineData": {"mimeType": "image/png", "data": picture}} for picture in pictures]
    one = post(PATH, {"contents": [user({"text": "compare"}, *parts)]}, answer({"text": "same"}))
    tracemalloc.start()
    try:
        found = decoded(one)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(isinstance(i.content, list) for i in found.request) == 4
    assert held < 1 << 20 and peak < 3 * len(one.request_body)
