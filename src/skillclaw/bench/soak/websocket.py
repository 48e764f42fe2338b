"""As much of WebSocket (RFC 6455) as an echo needs: the handshake's answer, and frames below 64 KB."""

from __future__ import annotations

import asyncio
import base64
import hashlib

__all__ = ["ACCEPT", "accept_of", "frame", "read_frame", "serve_echo"]

ACCEPT = b"Sec-WebSocket-Accept"
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE = 8


def accept_of(key: str) -> bytes:
    """What a server answers to a client's key (RFC 6455 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + MAGIC).encode(), usedforsecurity=False).digest())


def frame(opcode: int, data: bytes, mask: bytes = b"") -> bytes:
    """One final frame; a client's is masked with four bytes."""
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head = bytes([0x80 | opcode, bit | len(data)])
    else:
        head = bytes([0x80 | opcode, bit | 126]) + len(data).to_bytes(2, "big")
    return head + mask + _masked(data, mask)


def _masked(data: bytes, mask: bytes) -> bytes:
    if not mask:
        return data
    stream = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame; raises IncompleteReadError when the stream ends."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    return first & 0x0F, _masked(await reader.readexactly(size), mask)


async def serve_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say again what comes until the other side closes."""
    while True:
        opcode, data = await read_frame(reader)
        writer.write(frame(opcode, data))
        await writer.drain()
        if opcode == CLOSE:
            return
