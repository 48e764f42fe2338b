"""Recorded exchanges of every protocol, whole and streamed, become sessions: Chat Completions, Messages,
Responses (over HTTP and WebSocket), Completions and Gemini. Nothing raises, and what comes out is what the
project can read again, in one pass as in two with what the first one decoded; what was stored after the first
takes what the second has more, and is the same when it gets that again.
"""

from __future__ import annotations

import msgspec
from fuzzing.exchanges import read

from skillclaw.journal.assemble import Assembled, assemble_placed
from skillclaw.journal.decoding import Decoder
from skillclaw.journal.merge import merge
from skillclaw.trajectory.model import decode, encode, meta
from skillclaw.trajectory.render import transcript

DICT = (
    b"\n==>\n",
    b"\n<==\n",
    b"data: ",
    b"\n\n",
    b"[DONE]",
    b'"tool_calls"',
    b'"tool_use"',
    b'"tool_result"',
    b'"function_call"',
    b'"function_call_output"',
    b'"functionCall"',
    b'"functionResponse"',
    b'"content"',
    b'"choices"',
    b'"delta"',
    b'"message"',
    b'"input"',
    b'"output"',
    b'"contents"',
    b'"parts"',
    b'"candidates"',
    b'"usage"',
    b'"thinking"',
    b'"image_url"',
    b'"inlineData"',
    b'"previous_response_id"',
    b'"arguments"',
    b'"/v1/responses"',
    b'"/v1/chat/completions"',
    b'"/v1/messages"',
    b'"/v1beta/models/x:generateContent"',
    b'"/v1/completions"',
    b'["upgrade", "websocket"]',
    b'"method": "GET", "path": "/v1/responses", "status": 101',
    b'{"type": "response.create", "response": {',
    b'"content-encoding"',
    b'"text/event-stream"',
    b'"role"',
    b'"system"',
)


def once(data: bytes) -> None:
    """The sessions of the exchanges, written and read again."""
    exchanges = [msgspec.structs.replace(one, id=f"{n:016x}") for n, one in enumerate(read(data))]
    decoder = Decoder()
    earlier = assemble_placed(exchanges[: len(exchanges) // 2], decoder=decoder)
    found = assemble_placed(exchanges, decoder=decoder)
    assert list(map(_told, found)) == list(map(_told, assemble_placed(exchanges)))
    for trajectory in (one.trajectory for one in found):
        written = encode(trajectory)
        assert encode(decode(written)) == written
        transcript(trajectory)
    stored = {meta(one.trajectory).key: one.trajectory for one in earlier}
    for grown in (one.trajectory for one in found):
        old = stored.get(meta(grown).key)
        merged = merge(old, grown) if old is not None else None
        if merged is not None:
            assert encode(decode(encode(merged))) == encode(merged)
            assert merge(merged, grown) is None


def _told(one: Assembled) -> tuple[object, ...]:
    return (encode(one.trajectory), *one[1:])
