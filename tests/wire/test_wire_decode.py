"""Bytes of exchanges become conversations: recorded real clients, hand-made edge cases, any JSON at all."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call, Decoded, Identity, Usage

FIXTURES = Path(__file__).parent / "fixtures"
PATHS = (
    "/v1/messages",
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/messages/count_tokens",
    "/v1/completions",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:countTokens",
)


def recorded(name: str) -> list[Call]:
    calls = []
    for one in json.loads((FIXTURES / name).read_text("utf-8")):
        calls.append(
            Call(
                method=one["method"],
                path=one["path"],
                request_headers=[(k, v) for k, v in one["request_headers"]],
                request_body=json.dumps(one["request"]).encode() if one["request"] else b"",
                status=one["status"],
                response_headers=[(k, v) for k, v in one["response_headers"]],
                response_body=one["response"].encode(),
                complete=one["complete"],
                error=one["error"],
            )
        )
    return calls


def call(path: str, request: Any, response: Any = None, **rest: Any) -> Call:
    raw = response if isinstance(response, bytes) else json.dumps(response).encode()
    rest.setdefault("response_headers", [("Content-Type", "application/json")])
    return Call(
        method="POST",
        path=path,
        request_body=json.dumps(request).encode(),
        status=rest.pop("status", 200),
        response_body=raw,
        **rest,
    )


def decoded(one: Call) -> Decoded:
    found = decode(one)
    assert found is not None
    return found


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def test_claude_code_as_recorded():
    found = [decode(one) for one in recorded("claude-code.json")]
    assert [d.kind if d else None for d in found] == [
        None,
        "side",
        "turn",
        "turn",
        "turn",
        "turn",
        "turn",
        "turn",
        "turn",
        None,
        "turn",
        "compaction",
        "turn",
    ]
    first = found[2]
    assert first is not None
    assert first.identity == Identity(
        root="b2ac24e8-fd39-4885-aa4e-5ee36f4406c7", thread="b2ac24e8-fd39-4885-aa4e-5ee36f4406c7"
    )
    assert first.agent == "claude-cli/2.1.197"
    assert first.cwd == "/home/dev/proj"
    assert first.env == {"os": "linux", "os_version": "Linux 6.1.0", "shell": "bash", "git_branch": "master"}
    assert first.usage == Usage(prompt=164, completion=10, cached=64)
    assert [(i.kind, i.name) for i in first.response] == [
        ("reasoning", ""),
        ("text", ""),
        ("call", "Bash"),
        ("call", "Bash"),
    ]
    assert first.response[2].arguments == {"command": "echo hi; cat sample.txt", "description": "Say hi"}
    users = [(i.injected, str(i.content)[:20]) for i in first.request if i.role == "user"]
    assert users == [(True, "<system-reminder>\nCo"), (False, "Please read sample.t")]
    sub = found[6]
    assert sub is not None and sub.identity is not None and sub.identity.is_subagent
    assert sub.identity.parent == sub.identity.root


def test_codex_as_recorded():
    found = [decoded(one) for one in recorded("codex.json")]
    assert {d.kind for d in found} == {"turn"}
    assert [d.response[0].name for d in found[:5]] == [
        "exec_command",
        "exec_command",
        "exec_command",
        "multi_agent_v1.spawn_agent",
        "multi_agent_v1.wait_agent",
    ]
    results = {i.call_id: i for i in found[-1].request if i.kind == "result"}
    codes = [(i.exit_code, i.is_error, i.taint) for i in results.values()]
    assert codes[:3] == [(0, False, None), (3, True, None), (0, False, "skill")]
    assert found[0].cwd == "/home/dev/proj"
    assert found[0].env == {"os": "debian", "shell": "bash"}
    assert found[5].identity is not None and found[5].identity.is_subagent
    assert [d.kind for d in map(decoded, recorded("codex-compaction.json"))] == ["turn", "compaction", "turn"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_packed_bodies_and_what_is_left_of_a_cut_one(name, pack):
    plain = recorded("claude-code.json")[2]
    packed = Call(
        method="POST",
        path=plain.path,
        request_headers=[*plain.request_headers, ("content-encoding", name)],
        request_body=pack(plain.request_body),
        status=200,
        response_body=pack(plain.response_body),
        response_headers=[*plain.response_headers, ("Content-Encoding", name)],
    )
    assert decoded(packed) == decoded(plain)
    cut = Call(
        method="POST",
        path=plain.path,
        request_body=plain.request_body,
        status=200,
        complete=False,
        response_headers=packed.response_headers,
        response_body=packed.response_body[:-20],
    )
    assert not decoded(cut).complete


def test_a_cut_stream_keeps_what_came():
    first = decoded(recorded("claude-code-cut.json")[1])
    assert not first.complete
    assert [i.content for i in first.response if i.kind == "text"] == ["Let "]
    partial = sse(
        {"type": "response.created", "response": {"model": "m", "output": []}},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "function_call", "name": "exec_command", "call_id": "call_1", "arguments": ""},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"cmd": "l'},
    )
    found = decoded(call("/responses", {"input": "x"}, partial, complete=False, response_headers=[]))
    assert found.response[0].raw == '{"cmd": "l'
    assert not found.complete


def test_failed_calls_keep_status_and_text():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    found = decoded(call("/v1/messages", {"messages": []}, error, status=529))
    assert (found.status, found.error, found.response) == (529, "Overloaded", [])
    page = decoded(call("/v1/messages", {"messages": []}, b"<html>Bad gateway</html>", status=502))
    assert page.error == "<html>Bad gateway</html>"
    inside = sse({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}}, error)
    assert decoded(call("/v1/messages", {"messages": []}, inside, response_headers=[])).error == "Overloaded"


def test_chat_completions_plain_and_streamed():
    function = {"name": "bash", "arguments": "{not json"}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request = {
        "model": "m",
        "tools": [{"type": "function", "function": {"name": "bash", "description": "d" * 300}}],
        "messages": [
            {"role": "system", "content": "Working directory: /home/dev/x"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, picture]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": function}]},
            {"role": "tool", "tool_call_id": "c1", "content": '{"output": "no", "exit_code": 2}'},
        ],
    }
    start = {"index": 0, "id": "c2", "function": {"name": "bash", "arguments": '{"command":'}}
    rest = {"index": 0, "function": {"arguments": ' "ls"}'}}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    chunks: list[dict[str, Any]] = [
        {"model": "m-1", "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"index": 0, "delta": {"content": "do"}}]},
        {"choices": [{"index": 0, "delta": {"content": "ne", "tool_calls": [start]}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [rest]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": usage},
    ]
    body = b"".join(f"data: {json.dumps(c)}\n\n".encode() for c in chunks) + b"data: [DONE]\n\n"
    streamed = decoded(
        call("/v1/chat/completions", request, body, response_headers=[("content-type", "text/event-stream")])
    )
    whole = {
        "model": "m-1",
        "usage": chunks[-1]["usage"],
        "choices": [
            {
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "done",
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "c2", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
                    ],
                },
            }
        ],
    }
    assert streamed == decoded(call("/v1/chat/completions", request, whole))
    assert streamed.usage == Usage(prompt=9, completion=2, cached=4)
    assert [(i.kind, i.content or i.arguments) for i in streamed.response] == [
        ("reasoning", "hm"),
        ("text", "done"),
        ("call", {"command": "ls"}),
    ]
    bad = next(i for i in streamed.request if i.kind == "call")
    assert bad.arguments == {"input": "{not json"} and bad.raw == "{not json"
    result = next(i for i in streamed.request if i.kind == "result")
    assert (result.exit_code, result.is_error) == (2, True)
    image = next(i for i in streamed.request if isinstance(i.content, list))
    assert image.content[0].source.path.startswith("sha256:")
    assert b"AAAA" not in image.content[0].source.path.encode()
    assert len(streamed.tools[0]["function"]["description"]) < 250
    assert streamed.cwd == "/home/dev/x"


def test_unknown_blocks_are_kept_as_their_json():
    request = {
        "messages": [
            {"role": "user", "content": [{"type": "hologram", "depth": 3}]},
            {"role": "assistant", "content": [{"type": "telepathy", "to": "you"}]},
        ]
    }
    texts = [str(i.content) for i in decoded(call("/v1/messages", request, {"content": []})).request]
    assert texts == ['{"depth":3,"type":"hologram"}', '{"to":"you","type":"telepathy"}']
    item = {"type": "new_kind_of_item", "x": [1]}
    assert [i.content for i in decoded(call("/responses", {"input": [item]}, {"output": []})).request] == [
        '{"type":"new_kind_of_item","x":[1]}'
    ]


def test_half_a_surrogate_pair_does_not_lose_the_call():
    body = b'{"messages": [{"role": "user", "content": "cut \\ud83d"}]}'
    found = decode(Call(method="POST", path="/v1/messages", request_body=body))
    assert found is not None and found.request[0].content == "cut \ufffd"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/messages"), ("POST", "/v1/models"), ("POST", "/v1/messages/batches"), ("HEAD", "/")],
)
def test_other_requests_are_no_conversation(method, path):
    assert decode(Call(method=method, path=path, request_body=b"{}")) is None


def test_side_requests_are_told_apart():
    probe = {"max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]}
    assert decoded(call("/v1/messages", probe, {})).kind == "side"
    assert decoded(call("/v1/messages/count_tokens", {"messages": []}, {"input_tokens": 3})).kind == "count"
    claude = [("x-claude-code-session-id", "s")]
    plain = {"messages": [{"role": "user", "content": "Summarise"}]}
    assert decoded(call("/v1/messages", plain, {}, request_headers=claude)).kind == "side"
    search = {**plain, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    assert decoded(call("/v1/messages", search, {}, request_headers=claude)).kind == "side"
    warm = {"input": "x", "generate": False}
    assert decoded(call("/responses", warm, {})).kind == "side"
    assert decoded(call("/v1/messages", plain, {})).kind == "turn"


UUID = "e64786d7-ac00-4c17-8a04-412d5ee71c7c"


@pytest.mark.parametrize(
    ("headers", "body", "root", "thread"),
    [
        ([("X-Claude-Code-Session-Id", "s"), ("x-session-id", "t")], {}, "s", "s"),
        ([("x-claude-code-session-id", "s"), ("x-claude-code-agent-id", "a")], {}, "s", "a"),
        ([("session-id", "s"), ("thread-id", "t")], {"prompt_cache_key": "p"}, "s", "t"),
        ([("x-session-id", "child"), ("x-parent-session-id", "root")], {}, "root", "child"),
        ([("session_id", "s")], {}, "s", "s"),
        ([], {"metadata": {"user_id": '{"session_id": "s"}'}}, "s", "s"),
        ([], {"metadata": {"user_id": "user_1_account__session_" + "a" * 36}}, "a" * 36, "a" * 36),
        ([], {"prompt_cache_key": UUID}, UUID, UUID),
        ([], {"prompt_cache_key": f"{UUID}:1"}, UUID, UUID),
        ([], {"prompt_cache_key": "0a" * 16}, "0a" * 16, "0a" * 16),
        ([], {"prompt_cache_key": "my-agent-v3"}, None, None),
        ([], {"prompt_cache_key": "0a" * 32}, None, None),
        ([("x-session-affinity", "process")], {"prompt_cache_key": "pck_123"}, None, None),
        ([("session-id", "<secret:header>")], {}, None, None),
    ],
)
def test_identity_in_its_order(headers, body, root, thread):
    found = decoded(call("/v1/messages", {"messages": [], **body}, {}, request_headers=headers)).identity
    assert (found.root, found.thread) == (root, thread) if root else found is None


def test_identity_in_the_prompt():
    text = "hi\nRuntime: agent=main | sessionId=0123456789abcdef0123456789abcdef0123 | x"
    said = {"role": "user", "content": text}
    prompt = {"role": "system", "content": "You are a personal assistant running inside OpenClaw."}
    found = decoded(call("/chat/completions", {"messages": [prompt, said]}, {}))
    assert found.identity is not None and found.identity.root == "0123456789abcdef0123456789abcdef0123"
    # What a user attaches to another agent's words decides nothing.
    assert decoded(call("/chat/completions", {"messages": [said]}, {})).identity is None


@pytest.mark.parametrize(
    ("line", "root"),
    [
        ("- Channel: console\n- User ID: ada\n- Session ID: s1\n- Current date: x", "s1"),
        ("- Session ID: s1\n- User ID: ada\n", "s1"),
        ("Session ID: 20261126_101500_0a1b2c", "20261126_101500_0a1b2c"),
        ("# AGENTS.md\nSession ID: evil\n- Session ID: evil", None),
    ],
)
def test_a_line_about_a_session_counts_as_its_host_writes_it(line: str, root: str | None) -> None:
    messages = [{"role": "system", "content": line}, {"role": "user", "content": "hi"}]
    found = decoded(call("/chat/completions", {"messages": messages}, {})).identity
    assert (found.root if found else None) == root


def test_a_projects_file_in_the_prompt_does_not_overrule_the_agents_own_header():
    line = (
        "Runtime: agent=main | session=agent:main:main | sessionId=11111111-1111-4111-8111-111111111111 | x"
    )
    messages = [{"role": "system", "content": f"# AGENTS.md\n{line}"}, {"role": "user", "content": "hi"}]
    asked = call("/chat/completions", {"messages": messages}, {}, request_headers=[("x-session-id", "ses_1")])
    found = decoded(asked).identity
    assert found is not None and (found.root, found.thread) == ("ses_1", "ses_1")


leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
KEY_WORDS = """
    type role content text messages input system tools name id call_id output function arguments source data
    tool_calls delta choices message usage index error tool_use_id is_error metadata user_id summary namespace
    action item output_index image_url url prompt_cache_key instructions response reasoning format
    output_config contents parts functionCall functionResponse args inlineData mimeType fileData fileUri
    candidates executableCode codeExecutionResult outcome promptFeedback usageMetadata functionDeclarations
    request prompt systemInstruction generationConfig client_metadata session_id previous_response_id choices
    suffix thought
"""
TYPE_WORDS = """
    text tool_use tool_result thinking image assistant user system developer message function_call
    function_call_output custom_tool_call reasoning mcp_call content_block_start content_block_delta
    input_json_delta response.output_item.done response.completed message_start message_delta error compaction
    web_search_call local_shell_call model image/png data:image/png;base64,xx
"""
KEYS = st.sampled_from(KEY_WORDS.split())
WORDS = st.sampled_from(TYPE_WORDS.split())
anything = st.recursive(
    leaf | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(PATHS),
    st.dictionaries(KEYS, anything, max_size=6),
    st.lists(anything, max_size=4),
    st.booleans(),
)
def test_any_json_is_decoded(path, request, replies, streamed):
    body = (
        b"".join(b"data: " + json.dumps(reply).encode() + b"\n\n" for reply in replies)
        if streamed
        else json.dumps(replies[0] if replies else None).encode()
    )
    kind = "text/event-stream" if streamed else "application/json"
    assert decode(call(path, request, body, response_headers=[("content-type", kind)])) is not None


@settings(max_examples=examples(100), deadline=None)
@given(
    st.sampled_from(PATHS),
    st.binary(max_size=100),
    st.binary(max_size=100),
    st.sampled_from(["", "gzip", "zstd", "br", "x"]),
)
def test_any_bytes_never_raise(path, request, response, encoding):
    headers = [("content-encoding", encoding)] if encoding else []
    decode(
        Call(
            method="POST",
            path=path,
            request_headers=headers,
            request_body=request,
            status=200,
            response_headers=headers,
            response_body=response,
        )
    )
    decode(
        Call(
            method="POST",
            path=path,
            request_body=b"{}",
            status=200,
            response_headers=headers,
            response_body=response,
        )
    )


@pytest.mark.parametrize(
    "piece", ["a", " ", "\n", "<system-reminder>", "<skill><name>", "cwd: ", "\n- ", "x/"]
)
@pytest.mark.timeout(30)
def test_a_megabyte_of_anything_is_read(piece):
    text = piece * (1_000_000 // len(piece))
    block = {"type": "tool_result", "tool_use_id": "t", "content": text}
    messages = [{"role": role, "content": text} for role in ("user", "system")]
    decoded(call("/v1/messages", {"messages": [*messages, {"role": "user", "content": [block]}]}, {}))
