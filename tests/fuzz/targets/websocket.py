"""Frames of a WebSocket, as the proxy reads them for its journal while it passes them on.

The first byte says whose frames they are, whether compression was agreed, and in what pieces they come. What
is read may be wrong; what passes may not change, and nothing may raise.
"""

from __future__ import annotations

from typing import Any

from skillclaw.proxy.record import Draft
from skillclaw.proxy.tunnel import Tunnel
from skillclaw.wire.decode import read
from skillclaw.wire.records import Call

INSTRUMENT = ("skillclaw", "wsproto")
DICT = (
    b"\x81",
    b"\x82",
    b"\x01",
    b"\x00",
    b"\x80",
    b"\x88\x00",
    b"\x89\x00",
    b"\x8a\x00",
    b"\xc1",
    b"\x7e\xff\xff",
    b"\x7f\x00\x00\x00\x00\x40\x00\x00\x00",
    b'{"type":"response.create"',
    b'{"type":"response.completed"}',
    b"\x00\x00\xff\xff",
    b"\xff",
)
AGREED = (
    b"",
    b"permessage-deflate",
    b"permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
    b"x-unknown",
    b"permessage-deflate; server_max_window_bits=99",
)


class Side:
    """Both of the proxy's connections, as far as a tunnel knows them."""

    def __init__(self) -> None:
        self.passed: list[bytes] = []
        self.kept: list[Draft] = []
        self.transport = self
        self.reader: Any = None

    def write(self, data: bytes) -> None:
        self.passed.append(data)

    def keep(self, draft: Draft) -> None:
        self.kept.append(draft)

    def close(self) -> None:
        """The connection goes."""

    end = close

    def cut(self, *, reset: bool) -> None:
        """The connection is cut."""


def once(data: bytes) -> None:
    """The frames pass as they are; what was kept of them can be decoded."""
    first, frames = (data[0], data[1:]) if data else (0, b"")
    line = b"Sec-WebSocket-Extensions: " + AGREED[(first >> 1) % len(AGREED)]
    draft = Draft("codex", "GET", "/v1/responses", [b"User-Agent: codex"], 0)
    draft.status, draft.response_lines = 101, [line]
    side: Any = Side()
    tunnel = Tunnel(side, side, draft)
    give = tunnel.upload if first & 1 else None
    step = 1 + (first >> 4) * 37
    for at in range(0, len(frames), step):
        piece = frames[at : at + step]
        if give is not None:
            give(piece, piece, False)
        else:
            tunnel.answer(piece)
    tunnel.lost(None)
    assert b"".join(side.passed) == frames
    for kept in side.kept:
        asked, answered = b"".join(kept.request_chunks), b"".join(kept.response_chunks)
        read(Call(method="GET", path=kept.path, status=101, request_body=asked, response_body=answered))
