"""Thoughts in the text of an answer are no part of it: agents that send it back without them say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import text_of
from skillclaw.wire.thoughts import parted

Json = dict[str, Any]
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
THOUGHT = "<think>\nlet me see\n</think>\n\n"


def answered(path: str, text: str, *, streamed: bool) -> tuple[str, bytes]:
    """The answer's media type and body."""
    if path == MESSAGES:
        whole: Json = {"type": "message", "content": [{"type": "text", "text": text}]}
    else:
        whole = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}
    if not streamed:
        return "application/json", json.dumps(whole).encode()
    if path == MESSAGES:
        events: list[Json] = [
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": one}}
                for one in text
            ),
            {"type": "message_stop"},
        ]
    else:
        events = [{"choices": [{"index": 0, "delta": {"content": one}}]} for one in text]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return "text/event-stream", b"".join(b"data: %s\n\n" % json.dumps(one).encode() for one in events)


def conversation(path: str, thoughts: str, *, streamed: bool, kept: bool) -> list[Exchange]:
    """Three turns of an agent that sends the answers back with their thoughts or without."""
    made, messages = [], [{"role": "user", "content": "fix it"}]
    for number in range(3):
        kind, body = answered(path, f"{thoughts}step {number}", streamed=streamed)
        made.append(
            Exchange(
                id=f"{number:016x}",
                agent="generic",
                method="POST",
                path=path,
                started=1_800_000_000.0 + number * 10,
                finished=1_800_000_001.0 + number * 10,
                request_headers=[("content-type", "application/json")],
                request_body=json.dumps({"model": "m", "messages": messages}).encode(),
                status=200,
                response_headers=[("content-type", kind)],
                response_body=body,
            )
        )
        said = f"{thoughts}step {number}" if kept else f"step {number}"
        messages = [*messages, {"role": "assistant", "content": said}, {"role": "user", "content": "go on"}]
    return made


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_each_answer_stands_once(path: str, streamed: bool, kept: bool) -> None:
    (found,) = assemble(conversation(path, THOUGHT, streamed=streamed, kept=kept))
    assert [(step.source, text_of(step.message), step.reasoning_content) for step in found.steps] == [
        ("user", "fix it", None),
        ("agent", "step 0", "let me see"),
        ("user", "go on", None),
        ("agent", "step 1", "let me see"),
        ("user", "go on", None),
        ("agent", "step 2", "let me see"),
    ]


@pytest.mark.parametrize(
    "text",
    ["Models write <think>so</think> for thoughts.", "<think>it has no end", "<thinker>a</thinker>", ""],
)
def test_what_is_no_leading_thought_stays(text: str) -> None:
    assert parted(text) == ("", text)
    if text:
        (found,) = assemble(conversation(CHAT, text, streamed=False, kept=True))
        assert found.steps[1].message == f"{text}step 0"
        assert found.steps[1].reasoning_content is None


def test_the_users_words_stay() -> None:
    (one, *_) = conversation(CHAT, "", streamed=False, kept=True)
    asked = {"model": "m", "messages": [{"role": "user", "content": f"{THOUGHT}why?"}]}
    made = Exchange(
        id=one.id,
        agent=one.agent,
        method=one.method,
        path=one.path,
        started=one.started,
        finished=one.finished,
        request_body=json.dumps(asked).encode(),
        status=200,
        response_body=one.response_body,
    )
    (found,) = assemble([made])
    assert found.steps[0].message == f"{THOUGHT}why?"


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thinking>", "</thinking>", "a", " ", "\n"])))
def test_what_was_parted_has_no_more_to_part(pieces: list[str]) -> None:
    _, answer = parted("".join(pieces))
    assert parted(answer) == ("", answer)
    assert "".join(pieces).endswith(answer)
