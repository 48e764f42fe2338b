"""Server-sent events: any bytes, in any chunking, give the events of the whole, and never an error."""

from __future__ import annotations

from skillclaw.wire.sse import Parser, parse

DICT = (
    b"data:",
    b"data: ",
    b"event: ",
    b"id: ",
    b"retry: ",
    b":",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\xef\xbb\xbf",
    b"[DONE]",
)


def once(data: bytes) -> None:
    """The first byte says how long the chunks are; chunked and whole must agree."""
    step, body = (data[0] % 17 + 1, data[1:]) if data else (1, b"")
    parser = Parser()
    events = [event for at in range(0, len(body), step) for event in parser.feed(body[at : at + step])]
    events += parser.close()
    assert events == parse(body)
