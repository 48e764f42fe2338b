"""Bodies as they were on the wire -> plain bytes -> JSON, never raising on what others sent."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import brotli
import msgspec
import zstandard

__all__ = ["LIMIT", "header", "load_json", "plain"]

LIMIT = 256 * 1024 * 1024
"""Bytes that a body may unpack to; a longer one is cut there, so that a bomb cannot fill the memory."""


def header(headers: list[tuple[str, str]], name: str) -> str:
    """The first value of a header, whatever its case; empty when there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


def plain(body: bytes, encoding: str, limit: int = LIMIT) -> bytes | None:
    """The body without its content encodings, `limit` bytes at most; a cut off body gives what is readable.

    None when an encoding is unknown, or the body is not what it says.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
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
    except (zlib.error, zstandard.ZstdError, brotli.error):
        return None
    return None


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    out: list[bytes] = []
    size = 0
    while body and size < limit:
        unpacker = zlib.decompressobj(wbits)
        piece = unpacker.decompress(body, limit - size)
        out.append(piece)
        size += len(piece)
        body = unpacker.unused_data
        if not unpacker.eof:
            break
    return b"".join(out)


def _zstd(body: bytes, limit: int) -> bytes:
    # A reader, since frames of a stream may carry no size, follow each other, and end too early.
    out: list[bytes] = []
    size = 0
    with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
        while size < limit:
            piece = reader.read(1 << 20)
            if not piece:
                break
            out.append(piece)
            size += len(piece)
    return b"".join(out)


def _brotli(body: bytes, limit: int) -> bytes:
    return bytes(brotli.Decompressor().process(body))[:limit]


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
