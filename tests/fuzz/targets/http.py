"""Heads and chunked bodies of HTTP/1.1, from the agent and from the upstream, cut anywhere.

The first byte chooses the reader and the length of the pieces. A body that comes in pieces is what it is in
one piece; a head that is taken says one thing, so that no second reader reads a second one in it.
"""

from __future__ import annotations

from skillclaw.proxy import heads
from skillclaw.proxy.http1 import BadMessageError, Chunks, request_head, response_head, texts, unfinished

ALLOWED = (BadMessageError,)
DICT = (
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"GET / ",
    b"POST ",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: ",
    b"Host: localhost",
    b"Transfer-Encoding: chunked",
    b"Connection: close, upgrade",
    b"Upgrade: websocket",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"Expect: 100-continue",
    b"Origin: http://localhost",
    b"\x00",
    b"\x0b",
    b';a="b"',
    b"ffffffffffffffff\r\n",
    b" ",
)


def once(data: bytes) -> None:
    """One of: a request's head, an answer's head, chunks."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    if first % 3 == 0:
        _request(body)
    elif first % 3 == 1:
        unfinished(body[: first // 3], b"")
        found = response_head(body)
        again = heads.response_head(found, coding=b"", close=False)
        assert response_head(again).status == found.status
        texts(found.fields.lines)
    else:
        _chunks(body, 1 + first // 3)


def _request(body: bytes) -> None:
    unfinished(body, b"")
    found = request_head(body)
    assert not (found.fields.codings and found.fields.length is not None)
    heads.local(found.fields)
    target = heads.origin_form(found.target, 8080)
    if target.startswith("/"):
        sent = heads.request_head(found, target, b"api.example.com")
        again = request_head(sent)
        assert again.target == target and again.fields.hosts == [b"api.example.com"]
        assert again.fields.length == found.fields.length
    texts(found.fields.lines)


def _chunks(body: bytes, step: int) -> None:
    whole, wrong = _fed(body, max(1, len(body)))
    parts, also = _fed(body, step)
    # a size line without an end is given up while it comes; one that is whole is read first
    if "too long" not in f"{wrong}{also}":
        assert (whole, wrong) == (parts, also)
    if wrong is not None:
        raise wrong


def _fed(body: bytes, step: int) -> tuple[tuple[int, bytes], BadMessageError | None]:
    """Where the body ended (-1: it did not), its payload, and what was wrong with it."""
    follower, out = Chunks(), b""
    for at in range(0, len(body), step):
        try:
            end = follower.feed(body[at : at + step])
        except BadMessageError as error:
            return (-2, b""), SameError(str(error))
        out += follower.taken()
        if end >= 0:
            return (at + end, out), None
    return (-1, out), None


class SameError(BadMessageError):
    """An error that is the same as another of its words: how much was good depends on the pieces."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameError) and str(other) == str(self)

    __hash__ = BadMessageError.__hash__
