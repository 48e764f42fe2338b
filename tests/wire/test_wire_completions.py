"""Legacy completions become conversations: one prompt or several, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import post

from skillclaw.wire.decode import decode
from skillclaw.wire.records import Decoded, Usage

PATH = "/v1/completions"
CHUNKS: list[dict[str, Any]] = [
    {"model": "m-1", "choices": [{"index": 0, "text": "Hello"}]},
    {"choices": [{"index": 0, "text": ", world"}]},
    {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
]
STREAMED = b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in CHUNKS) + b"data: [DONE]\n\n"


def streamed(body: bytes, *, complete: bool = True) -> Decoded:
    found = decode(
        post(
            PATH,
            {"model": "m", "prompt": "Say hello", "stream": True},
            body,
            response_headers=[("content-type", "text/event-stream")],
            complete=complete,
        )
    )
    assert found is not None
    return found


def test_plain_and_streamed_say_the_same() -> None:
    whole = {
        "model": "m-1",
        "choices": [{"index": 0, "text": "Hello, world", "finish_reason": "stop"}],
        "usage": CHUNKS[-1]["usage"],
    }
    found = decode(post(PATH, {"model": "m", "prompt": "Say hello"}, whole))
    assert found == streamed(STREAMED)
    assert found is not None and (found.kind, found.model, found.stop_reason) == ("turn", "m-1", "stop")
    assert found.usage == Usage(prompt=3, completion=2) and found.complete
    assert [(i.role, i.content) for i in [*found.request, *found.response]] == [
        ("user", "Say hello"),
        ("agent", "Hello, world"),
    ]


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        (["one", "two"], ["one", "two"]),
        ([1, 2, 3], ["(3 tokens)"]),
        ([[1], [2, 3]], ["(1 tokens)", "(2 tokens)"]),
        (None, []),
    ],
)
def test_prompts_come_in_four_forms(prompt: Any, told: list[str]) -> None:
    answer = {"choices": [{"index": n, "text": f"a{n}"} for n in range(2)]}
    found = decode(post("/v1/engines/davinci/completions", {"prompt": prompt, "suffix": "end"}, answer))
    assert found is not None
    assert [i.content for i in found.request if not i.injected] == told
    assert [i.content for i in found.request if i.injected] == ["end"]
    assert [i.content for i in found.response] == ["a0", "a1"]


@settings(max_examples=examples(80), deadline=None)
@given(st.integers(0, len(STREAMED)))
def test_a_cut_stream_is_a_prefix_of_the_whole(at: int) -> None:
    cut = streamed(STREAMED[:at], complete=False)
    text = str(cut.response[0].content) if cut.response else ""
    assert "Hello, world".startswith(text) and not cut.complete
