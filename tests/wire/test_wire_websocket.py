"""Responses over WebSocket: Codex as recorded, other clients' forms, turns cut anywhere."""

from __future__ import annotations

import json
from typing import Any

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import call_of, lines, recorded

from skillclaw.wire.decode import read
from skillclaw.wire.records import Call, Decoded, Unread

UPGRADE = [("Upgrade", "websocket")]
ASKED = {"type": "response.create", "model": "m", "input": "hi", "tools": []}
BEGUN = {"type": "response.created", "response": {"id": "resp_1", "model": "m-1"}}
DONE = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}}


def turn(request: Any, response: Any, *, path: str = "/v1/responses", complete: bool = True) -> Call:
    return Call(
        method="GET",
        path=path,
        request_headers=UPGRADE,
        request_body=request if isinstance(request, bytes) else lines(request),
        status=101,
        response_body=response if isinstance(response, bytes) else lines(response),
        complete=complete,
    )


def decoded(call: Call) -> Decoded:
    found = read(call)
    assert isinstance(found, Decoded), found
    return found


def test_codex_over_websocket_as_recorded() -> None:
    found = [decoded(call_of(one)) for one in recorded("codex-websocket.json")]
    # The headers of a connection say `prewarm` for all of its turns; the messages know better.
    assert [d.kind for d in found] == ["side", *["turn"] * 5, "side", *["turn"] * 2, "side", *["turn"] * 2]
    assert all(d.status == 200 and d.complete and d.response_id for d in found)
    assert [d.previous for d in found[1:6]] == [d.response_id for d in found[:5]]
    assert [i.name for d in found[1:5] for i in d.response] == [
        "exec_command",
        "exec_command",
        "multi_agent_v1.spawn_agent",
        "multi_agent_v1.wait_agent",
    ]
    subs = [d.identity for d in found if d.identity and d.identity.is_subagent]
    assert len(subs) == 3 and len({s.thread for s in subs}) == 1
    assert {d.identity.root for d in found if d.identity} == {subs[0].parent}


def test_a_request_may_lie_under_response_and_a_cancel_beside_it() -> None:
    flat = decoded(turn([ASKED], [BEGUN, DONE]))
    inner = {key: value for key, value in ASKED.items() if key != "type"}
    cancel = {"type": "response.cancel"}
    nested = decoded(turn([{"type": "response.create", "response": inner}, cancel], [BEGUN, DONE]))
    assert nested == flat and [i.content for i in flat.request] == ["hi"]


def test_an_error_message_tells_its_status() -> None:
    error = {"type": "error", "status": 429, "error": {"code": "slow_down", "message": "Too many"}}
    found = decoded(turn([ASKED], [error]))
    assert (found.status, found.error, found.complete) == (429, "Too many", False)


def test_other_sockets_cannot_be_read() -> None:
    session = {"type": "session.update", "session": {"voice": "x"}}
    assert read(turn([session], [], path="/v1/realtime?model=secret")) == Unread(
        reason="unknown WebSocket", path="/v1/realtime"
    )
    assert read(turn([session], [])) == Unread(reason="unknown WebSocket", path="/v1/responses")
    assert read(turn(b'{"type": "response.cre', b"", complete=False)) == Unread(
        reason="cut-off body", path="/v1/responses"
    )
    assert read(turn(b"", b"")) is None
    refused = turn([ASKED], [])
    assert read(Call(method="GET", path=refused.path, request_headers=UPGRADE, status=426)) is None


EVENTS = [
    BEGUN,
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "role": "assistant", "content": []},
    },
    *(
        {"type": "response.output_text.delta", "output_index": 0, "delta": word}
        for word in ("Grüße ", "“an” ", "alle")
    ),
    {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Grüße “an” alle"}],
        },
    },
    DONE,
]
BODY = b"\n".join(json.dumps(event, ensure_ascii=False).encode() for event in EVENTS)


def test_a_whole_turn_says_all_of_it() -> None:
    found = decoded(turn([ASKED], BODY))
    assert [i.content for i in found.response] == ["Grüße “an” alle"]
    assert (found.response_id, found.model, found.complete) == ("resp_1", "m-1", True)


@settings(max_examples=examples(120), deadline=None)
@given(st.integers(0, len(BODY)))
def test_a_cut_turn_is_a_prefix_of_the_whole(at: int) -> None:
    found = decoded(turn([ASKED], BODY[:at], complete=False))
    text = str(found.response[0].content) if found.response else ""
    assert "Grüße “an” alle".startswith(text) and not found.complete


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_any_bytes_never_raise(request: bytes, response: bytes, complete: bool) -> None:
    read(turn(request, response, complete=complete))
    read(turn(lines([ASKED, {"type": "response.create", "response": [1], "input": 3}]), response))
