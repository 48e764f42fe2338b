"""Bodies as they were on the wire -> plain bytes -> JSON, never raising on what others sent."""

from __future__ import annotations

import io
import json
import math
import zlib
from typing import Any

import brotli
import msgspec

from skillclaw import zstd

__all__ = ["LIMIT", "header", "json_stream", "known_encoding", "load_json", "plain"]

LIMIT = 64 << 20
"""Bytes that a body may unpack to; a longer one is cut there, so that a bomb cannot fill the memory.

The proxy keeps half of that of an exchange; JSON of nothing but empty lists takes twenty times its size."""
MEMBERS = 1000
"""Members of a gzip body, frames of a zstd body: each costs a copy of what follows, and time."""
LAYERS = 4
"""Encodings that one body may be wrapped in."""
CHUNK = 1 << 16
"""Bytes unpacked at a time: what comes before damage is kept."""
ENCODINGS = frozenset({"identity", "gzip", "x-gzip", "deflate", "zstd", "br"})


def header(headers: list[tuple[str, str]], name: str) -> str:
    """The first value of a header, whatever its case; empty when there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


def known_encoding(encoding: str) -> bool:
    """Whether every content encoding named is one that `plain` undoes."""
    names = [part.strip().lower() for part in encoding.split(",") if part.strip()]
    return len(names) <= LAYERS and ENCODINGS.issuperset(names)


def plain(body: bytes, encoding: str, limit: int = LIMIT) -> bytes | None:
    """The body without its content encodings, `limit` bytes at most; a cut off body gives what is readable.

    None when an encoding is unknown, or the body is not what it says.
    """
    names = [part.strip().lower() for part in encoding.split(",") if part.strip()]
    if len(names) > LAYERS:
        return None
    for name in reversed(names):
        unpacked = _unpack(body, name, limit)
        if unpacked is None:
            return None
        body = unpacked
    return body


def _unpack(body: bytes, name: str, limit: int) -> bytes | None:
    if name == "identity" or not body:
        return body
    try:
        if name in ("gzip", "x-gzip"):
            return _inflate(body, zlib.MAX_WBITS | 16, limit)
        if name == "deflate":
            # RFC 9110 8.4.1.2 means zlib; some servers send raw deflate.
            try:
                return _inflate(body, zlib.MAX_WBITS, limit)
            except zlib.error:
                return _inflate(body, -zlib.MAX_WBITS, limit)
        if name == "zstd":
            return _zstd(body, limit)
        if name == "br":
            return _brotli(body, limit)
    except (zlib.error, zstd.Damaged, brotli.error):
        return None
    return None


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    """What is readable; zlib.error when not even the begin is."""
    out: list[bytes] = []
    size = 0
    view = memoryview(body)
    for member in range(MEMBERS):
        if not view or size >= limit:
            break
        unpacker = zlib.decompressobj(wbits)
        at = 0
        try:
            while at < len(view) and not unpacker.eof and size < limit:
                out.append(unpacker.decompress(view[at : at + CHUNK], limit - size))
                size += len(out[-1])
                at += CHUNK
        except zlib.error:
            if member == 0 and size == 0:
                raise
            break
        if not unpacker.eof:
            break
        view = view[min(at, len(view)) - len(unpacker.unused_data) :]
    return b"".join(out)


def _zstd(body: bytes, limit: int) -> bytes:
    # A reader, since frames of a stream may carry no size, follow each other, and end too early.
    out: list[bytes] = []
    size = 0
    with zstd.reader(io.BytesIO(body), frames=MEMBERS) as reader:
        while size < limit:
            try:
                piece = reader.read(1 << 20)
            except zstd.Damaged:
                if not out:
                    raise
                break
            if not piece:
                break
            out.append(piece)
            size += len(piece)
    return b"".join(out)


def _brotli(body: bytes, limit: int) -> bytes:
    # Piece by piece: a thousand bytes may stand for gigabytes.
    unpacker = brotli.Decompressor()
    out = [unpacker.process(body, output_buffer_limit=min(limit, 1 << 20))]
    size = len(out[0])
    while size < limit and out[-1] and not unpacker.is_finished():
        try:
            out.append(unpacker.process(b"", output_buffer_limit=min(limit - size, 1 << 20)))
        except brotli.error:
            break
        size += len(out[-1])
    return b"".join(out)[:limit]


def load_json(data: bytes | str) -> Any:
    """The JSON value in `data`, or None when it is none.

    msgspec is strict; what it refuses but agents send (half of a surrogate pair where a text was cut, NaN)
    goes through the standard library, with such halves replaced.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        return None
    try:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        return _whole(json.loads(text))
    except (ValueError, RecursionError):
        return None


def json_stream(data: bytes) -> list[Any]:
    """The elements of a JSON array, as many as came whole: a stream of them may be cut off anywhere."""
    known = load_json(data)
    if isinstance(known, list):
        return known
    text = data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    found: list[Any] = []
    reader = json.JSONDecoder()
    at = 1 if text.startswith("[") else len(text)
    while at < len(text):
        if text[at] in ", \t\r\n":
            at += 1
            continue
        try:
            value, at = reader.raw_decode(text, at)
            found.append(_whole(value))
        except (ValueError, RecursionError):
            break
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(child) for child in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(child) for name, child in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
