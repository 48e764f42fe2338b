"""An upstream's answer on its way to the agent: as it came, or translated."""

from __future__ import annotations

from typing import Protocol

import aiohttp

from skillclaw.proxy.asked import Answer, RawHeaders
from skillclaw.proxy.configured.errors import Refused

__all__ = ["Translator", "own_answer", "pass_on", "pass_translated", "read_whole"]

_OF_THE_BODY = frozenset(
    {b"content-length", b"content-encoding", b"content-type", b"etag", b"content-md5", b"digest"}
)
LARGEST = 64 << 20
"""Bytes of a whole answer that is held for translation."""


class Translator(Protocol):
    """What translates answers (`skillclaw.wire.translate.ReplyTranslator`)."""

    def whole(self, body: bytes) -> bytes:
        """A whole answer."""

    def streamed(self, body: bytes) -> bytes:
        """A whole answer for an agent that wanted a stream."""

    def feed(self, chunk: bytes) -> bytes:
        """A piece of a stream."""

    def close(self, complete: bool) -> bytes:
        """What is left at the stream's end."""


async def pass_on(response: aiohttp.ClientResponse, back: Answer, more: RawHeaders = ()) -> None:
    """Head and body as they came, piece by piece; a body that breaks off breaks off for the agent too."""
    headers = [*response.raw_headers, *more]
    empty = response.method == "HEAD" or response.status in (204, 304)
    length = 0 if empty else response.content_length
    back.head(response.status, response.reason or "", headers, length)
    if empty:
        back.end()
        return
    try:
        while part := await response.content.readany():
            await back.write(part)
    except (aiohttp.ClientError, TimeoutError) as error:
        back.cut(f"the upstream broke the answer off: {type(error).__name__}")
        return
    back.end()


async def pass_translated(
    response: aiohttp.ClientResponse,
    back: Answer,
    translator: Translator,
    more: RawHeaders = (),
    *,
    stream: bool,
) -> None:
    """An answer of status 200 in the agent's protocol; `stream`: the agent wants it as events.

    Raises Refused, and what the translator raises, before anything went to the agent.
    """
    kept = _without_body_headers(response.raw_headers)
    kind = (b"Content-Type", b"text/event-stream; charset=utf-8")
    if "event-stream" not in response.headers.get("Content-Type", "").lower():
        try:
            whole = await read_whole(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(502, "The upstream broke its answer off.", f"{type(error).__name__}.") from error
        if stream:
            events = translator.streamed(whole)
            back.head(response.status, response.reason or "", [*kept, kind, *more], len(events))
            await back.write(events)
            back.end()
            return
        made = translator.whole(whole)
        await own_answer(back, response.status, response.reason or "", made, [*kept, *more])
        return
    back.head(response.status, response.reason or "", [*kept, kind, *more], None)
    try:
        while part := await response.content.readany():
            if made := translator.feed(part):
                await back.write(made)
    except (aiohttp.ClientError, TimeoutError) as error:
        if made := translator.close(complete=False):
            await back.write(made)
        back.cut(f"the upstream broke the answer off: {type(error).__name__}")
        return
    if made := translator.close(complete=True):
        await back.write(made)
    back.end()


async def read_whole(response: aiohttp.ClientResponse) -> bytes:
    """The body, LARGEST bytes at most. Raises aiohttp.ClientError when it breaks off or is larger."""
    body = bytearray()
    while part := await response.content.readany():
        body += part
        if len(body) > LARGEST:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(body)


async def own_answer(back: Answer, status: int, reason: str, body: bytes, headers: RawHeaders = ()) -> None:
    """A whole JSON answer."""
    kept = _without_body_headers(headers)
    back.head(status, reason, [*kept, (b"Content-Type", b"application/json")], len(body))
    if body:
        await back.write(body)
    back.end()


def _without_body_headers(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_BODY]
