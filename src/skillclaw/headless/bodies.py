"""Reading whole bodies, up to a size."""

from __future__ import annotations

from aiohttp import StreamReader

__all__ = ["whole"]


async def whole(stream: StreamReader, most: int) -> bytes | None:
    """All that comes, or None for more than `most` bytes.

    (`StreamReader.read(n)` gives what is there so far.)
    """
    body = bytearray()
    async for part in stream.iter_any():
        body += part
        if len(body) > most:
            return None
    return bytes(body)
