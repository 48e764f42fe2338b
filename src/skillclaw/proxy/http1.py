"""HTTP/1.1 messages as bytes: heads, and where bodies end (RFC 9112). Pure.

Strict where two readers of the same bytes could disagree about where a message ends (RFC 9112 section 11.2):
a lone CR or LF in a head, a folded line, a blank before a colon, two lengths, a length beside a transfer
coding, a chunk without its line end. What passes these rules is passed on byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

__all__ = [
    "HEAD_LIMIT",
    "BadMessageError",
    "Chunks",
    "Fields",
    "Framing",
    "RequestHead",
    "ResponseHead",
    "Sized",
    "ToTheEnd",
    "request_head",
    "response_head",
    "split",
    "texts",
    "unfinished",
]

HEAD_LIMIT = 1 << 18
"""Bytes that a head may have; agents put whole JSON documents into one header."""
LINE_LIMIT = 1 << 14
"""Bytes of a chunk's size line, and of one trailer line."""
MOST_LINES = 1000
"""Lines of a head."""
DIGITS = 18
"""Digits of a length; with more, two readers may read two numbers."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELDS = rb"((?:" + _TOKEN + rb":[^\x00\r\n]*\r\n)*)\r\n"
_REQUEST = re.compile(rb"(" + _TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/1\.([01])\r\n" + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: ([^\x00\r\n]*))?\r\n" + _FIELDS)
_LONE = re.compile(rb"(?<!\r)\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?\r\n")
_SIZES: dict[bytes, int] = {}
"""Size lines seen before, without those that end a body."""
_REMEMBERED = 4096
_SIZE_LINE, _PAYLOAD, _LINE_END, _TRAILERS = range(4)
_TRAILER = re.compile(_TOKEN + rb":[^\x00\r\n]*\r\n")

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)
"""RFC 9110 section 7.6.1, and two that old clients send."""
_READ = HOP_BY_HOP | {b"content-length", b"expect", b"host", b"origin", b"sec-fetch-site"}


class BadMessageError(ValueError):
    """Bytes that are no HTTP/1.1 message, or one that two readers could read differently.

    `good` is how many bytes of those just given are still in order.
    """

    def __init__(self, why: str, good: int = 0) -> None:
        super().__init__(why)
        self.good = good


class Fields(msgspec.Struct):
    """The header lines of a message, and what they say about its passage.

    lines    all of them, without line ends; `size` bytes
    passed   those that go on: without hop-by-hop ones (RFC 9110 7.6.1)
    length   Content-Length, or None
    codings  Transfer-Encoding as written, lower case, or empty
    close    the connection ends after this message; HTTP/1.0 always does here
    upgrade  the protocol asked for, if Connection asks for it too (RFC 9110 7.8)
    """

    lines: list[bytes]
    passed: list[bytes]
    size: int = 0
    length: int | None = None
    codings: bytes = b""
    close: bool = False
    upgrade: bytes = b""
    expect: bool = False
    chunked: bool = False
    hosts: list[bytes] = []
    origins: list[bytes] = []
    sites: list[bytes] = []


class RequestHead(msgspec.Struct):
    """A request's head."""

    method: str
    target: str
    new: bool
    """HTTP/1.1, so that it understands chunked coding and interim answers."""
    fields: Fields

    @property
    def upgrades(self) -> bool:
        """Whether it asks for a WebSocket (RFC 6455); other protocols are not offered on."""
        return self.method == "GET" and self.new and self.fields.upgrade.lower() == b"websocket"


class ResponseHead(msgspec.Struct):
    """A response's head."""

    status: int
    reason: bytes
    fields: Fields


def request_head(head: bytes) -> RequestHead:
    """The head of a request, up to and with its empty line; raises BadMessageError."""
    if len(head) > HEAD_LIMIT:  # one that came at once was never unfinished
        raise BadMessageError("The head is too long.")
    match = _REQUEST.fullmatch(head)
    if match is None:
        raise BadMessageError("The request's head is not valid HTTP/1.1.")
    method, target, minor, block = match.groups()
    fields = _fields(block, minor == b"1")
    if fields.codings and (fields.length is not None or fields.codings != b"chunked" or minor == b"0"):
        raise BadMessageError("The request's body has a framing that can be read in two ways.")
    if fields.upgrade and (fields.codings or fields.length):
        fields.upgrade = b""
    if len(fields.hosts) > 1:
        raise BadMessageError("The request has two Host headers.")
    return RequestHead(method.decode("ascii"), target.decode("latin-1"), minor == b"1", fields)


def response_head(head: bytes) -> ResponseHead:
    """The head of a response, up to and with its empty line; raises BadMessageError."""
    if len(head) > HEAD_LIMIT:
        raise BadMessageError("The answer's head is too long.")
    match = _RESPONSE.fullmatch(head)
    if match is None:
        raise BadMessageError("The answer's head is not valid HTTP/1.1.")
    minor, status, reason, block = match.groups()
    fields = _fields(block, minor == b"1")
    if fields.codings and fields.length is not None:
        # RFC 9112 6.3: the coding counts; a length beside it must not reach a reader who would believe it.
        fields.length = None
        fields.passed = [line for line in fields.passed if line[:15].lower() != b"content-length:"]
    return ResponseHead(int(status), reason or b"", fields)


def _fields(block: bytes, new: bool) -> Fields:
    lines = block.split(b"\r\n")
    lines.pop()
    if len(lines) > MOST_LINES:
        raise BadMessageError("The head has too many lines.")
    fields = Fields(lines, [], len(block))
    passed = fields.passed
    fields.close = not new
    wants_upgrade = False
    named: list[bytes] = []
    for line in lines:
        colon = line.index(b":")
        name = line[:colon].lower()
        if name not in _READ:
            passed.append(line)
            continue
        value = line[colon + 1 :].strip(b" \t")
        if name == b"content-length":
            if fields.length is not None or not value.isdigit() or len(value) > DIGITS:
                raise BadMessageError("The Content-Length is none, or there are two.")
            fields.length = int(value)
            passed.append(line)
        elif name == b"connection":
            for part in value.lower().split(b","):
                token = part.strip(b" \t")
                if token == b"close":
                    fields.close = True
                elif token == b"upgrade":
                    wants_upgrade = True
                elif token and token != b"keep-alive":
                    named.append(token)
        elif name == b"transfer-encoding":
            fields.codings = (fields.codings + b"," if fields.codings else b"") + value.lower()
        elif name == b"upgrade":
            fields.upgrade = value
        elif name == b"host":
            fields.hosts.append(value)
            passed.append(line)
        elif name == b"expect":
            fields.expect = value.lower() == b"100-continue"
            passed.append(line)
        elif name not in HOP_BY_HOP:
            if name == b"origin":
                fields.origins.append(value)
            else:
                fields.sites.append(value)
            passed.append(line)
    if not wants_upgrade:
        fields.upgrade = b""
    if fields.codings:
        *before, last = [part.strip(b" \t") for part in fields.codings.split(b",")]
        fields.chunked = last == b"chunked"
        if b"chunked" in before:
            raise BadMessageError("Chunked coding is not the last one.")
    if named:
        # A body whose length nobody tells would be read as the next message of the connection.
        gone = frozenset(named) - {b"content-length"}
        fields.passed = [line for line in passed if line[: line.index(b":")].lower() not in gone]
    return fields


def _size(line: bytes, good: int) -> int:
    """The number in a chunk's size line."""
    match = _SIZE.fullmatch(line)
    if match is None:
        raise BadMessageError("A chunk's size is none.", good)
    size = int(match[1], 16)
    if size and len(line) < 16 and len(_SIZES) < _REMEMBERED:
        _SIZES[line] = size
    return size


class Sized:
    """Follows a body of known length."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    def feed(self, data: bytes) -> int:
        """How many bytes of `data` belong to the body once it ends in them, or -1."""
        size = len(data)
        if size < self._left:
            self._left -= size
            return -1
        left, self._left = self._left, 0
        return left


class ToTheEnd:
    """Follows a body that ends with its connection."""

    def feed(self, data: bytes) -> int:
        """-1: no byte of it is the last."""
        return -1


class Chunks:
    """Follows a body in chunked coding, however its bytes are cut, and collects its payload for `taken`."""

    __slots__ = ("_left", "_line", "_out", "_state")

    def __init__(self) -> None:
        self._state = _SIZE_LINE
        self._left = 0
        self._line = b""
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> int:
        """How many bytes of `data` belong to the body once it ends in them, or -1; raises BadMessageError."""
        at, end, out = 0, len(data), self._out
        while True:
            if self._state is _SIZE_LINE and not self._line:
                # Whole chunks of sizes seen before, which is what a stream mostly consists of.
                while True:
                    begin = data.find(b"\n", at) + 1
                    size = _SIZES.get(data[at:begin], 0)
                    stop = begin + size
                    if not size or not data.startswith(b"\r\n", stop):
                        break
                    out.append(data[begin:stop])
                    at = stop + 2
            elif self._state is _PAYLOAD:
                stop = min(end, at + self._left)
                if stop > at:
                    out.append(data[at:stop])
                self._left -= stop - at
                at = stop
                if self._left:
                    return -1
                self._state = _LINE_END
            newline = data.find(b"\n", at) + 1
            if not newline:
                self._line += data[at:]
                if len(self._line) > LINE_LIMIT:
                    raise BadMessageError("A chunk's size line is too long.", at)
                return -1
            good, at = at, newline
            line = data[good:at]
            if self._line:
                line, self._line = self._line + line, b""
            if self._whole_line(line, good):
                return at

    def _whole_line(self, line: bytes, good: int) -> bool:
        """Take a line between payloads; whether it is the body's last."""
        if self._state is _SIZE_LINE:
            self._left = _size(line, good)
            self._state = _PAYLOAD if self._left else _TRAILERS
        elif self._state is _LINE_END:
            if line != b"\r\n":
                raise BadMessageError("A chunk is longer than its size.", good)
            self._state = _SIZE_LINE
        elif line == b"\r\n":
            return True
        elif _TRAILER.fullmatch(line) is None:
            raise BadMessageError("A trailer is not valid HTTP/1.1.", good)
        return False

    def taken(self) -> bytes:
        """The payload since the last call."""
        out = self._out
        if not out:
            return b""
        payload = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return payload


Framing: TypeAlias = Chunks | Sized | ToTheEnd
"""What tells where a body ends."""


def unfinished(data: bytes, begin: bytes) -> None:
    """Check a head that is not whole yet: raises BadMessageError for one that can never be valid.

    `begin`: how such a head begins; empty for a request's.
    """
    if len(data) > HEAD_LIMIT:
        raise BadMessageError("The head is too long.")
    if not data.startswith(begin[: len(data)]) or _LONE.search(data):
        raise BadMessageError("The head is not valid HTTP/1.1.")


def split(lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Header lines as names and values."""
    pairs = (line.partition(b":") for line in lines)
    return [(name, value.strip(b" \t")) for name, _, value in pairs]


def texts(lines: Sequence[bytes]) -> list[tuple[str, str]]:
    """Header lines as names and values; a line that is no UTF-8 is read as Latin-1 (RFC 9110 5.5)."""
    joined = b"\n".join(lines)
    try:
        text = joined.decode("utf-8")
    except UnicodeDecodeError:
        text = "\n".join(map(_text, lines))
    pairs = (line.partition(":") for line in text.split("\n") if line)
    return [(name, value.strip(" \t")) for name, _, value in pairs]


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
