"""HTTP/1.1 messages off a stream, for the soak's clients and upstream: as told by RFC 9112, and no more."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

__all__ = ["BROKEN", "Body", "Head", "read_body", "read_head"]

PIECE = 1 << 18
BROKEN = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


class Head(NamedTuple):
    """Two parts of the start line, and the headers with lower-case names (the last of a name counts)."""

    first: str
    second: str
    headers: dict[str, str]


class Body(NamedTuple):
    """What came of a body, and whether that was all."""

    data: bytes
    whole: bool


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next head; raises one of BROKEN."""
    raw = await reader.readuntil(b"\r\n\r\n")
    lines = raw.decode("latin-1").split("\r\n")
    first, _, rest = lines[0].partition(" ")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.lower()] = value.strip()
    return Head(first, rest.partition(" ")[0], headers)


async def read_body(
    reader: asyncio.StreamReader, headers: dict[str, str], *, to_end: bool, pause: float = 0.0
) -> Body:
    """A body; `to_end`: without length it ends with the connection. `pause`: seconds between pieces."""
    parts: list[bytes] = []
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = int(await reader.readline() or b"", 16)
                await _take(reader, size, parts, pause)
                if await reader.readexactly(2) != b"\r\n":
                    return Body(b"".join(parts), False)
                if size == 0:
                    return Body(b"".join(parts), True)
        if "content-length" in headers:
            await _take(reader, int(headers["content-length"]), parts, pause)
            return Body(b"".join(parts), True)
        while to_end and (part := await reader.read(PIECE)):
            parts.append(part)
        return Body(b"".join(parts), True)
    except (*BROKEN, ValueError):
        return Body(b"".join(parts), False)


async def _take(reader: asyncio.StreamReader, size: int, parts: list[bytes], pause: float) -> None:
    while size > 0:
        part = await reader.read(min(size, PIECE))
        if not part:
            raise ConnectionError("the connection ended inside a body")
        parts.append(part)
        size -= len(part)
        if pause:
            await asyncio.sleep(pause)
