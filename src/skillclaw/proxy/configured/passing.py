"""An upstream's answer on its way to the agent: as it came, or translated."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp

from skillclaw.proxy.asked import Answer, RawHeaders
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.keys import hidden
from skillclaw.proxy.configured.offered import INJECTED
from skillclaw.wire.body import plain

__all__ = [
    "TRIED",
    "Translator",
    "own_answer",
    "pass_on",
    "pass_translated",
    "read_whole",
    "reason_of",
    "theirs",
]

TRIED = b"x-skillclaw-tried"
"""Response header: which upstreams were tried before this answer, and what came of it."""

_OF_THE_BODY = frozenset(
    {b"content-length", b"content-encoding", b"content-type", b"etag", b"content-md5", b"digest"}
)
_CODED = frozenset({b"content-length", b"content-encoding", b"etag", b"content-md5", b"digest"})
LARGEST = 64 << 20
"""Bytes of a whole answer that is held for translation."""
WAIT = 300.0
"""Seconds that an answer, once begun, may pause where it is read whole: the agent gets nothing meanwhile."""
ERROR_TIME = 30.0
"""Seconds that the body of an error may take, which is read whole since it may repeat the key."""


class Translator(Protocol):
    """What translates answers (`skillclaw.wire.translate.ReplyTranslator`)."""

    @property
    def overrun(self) -> bool:
        """Whether it takes no more of the stream, and told the agent so."""

    def whole(self, body: bytes) -> bytes:
        """A whole answer."""

    def streamed(self, body: bytes) -> bytes:
        """A whole answer for an agent that wanted a stream."""

    def feed(self, chunk: bytes) -> bytes:
        """A piece of a stream."""

    def close(self, complete: bool) -> bytes:
        """What is left at the stream's end."""


def theirs(response: aiohttp.ClientResponse, secret: str) -> list[tuple[bytes, bytes]]:
    """The upstream's headers, without its key, and without what only this proxy says."""
    own = (INJECTED, TRIED)
    return [(name, hidden(value, secret)) for name, value in response.raw_headers if name.lower() not in own]


def reason_of(response: aiohttp.ClientResponse, secret: str) -> str:
    """The upstream's reason phrase, without its key."""
    return hidden((response.reason or "").encode("utf-8", "replace"), secret).decode("utf-8")


async def pass_on(
    response: aiohttp.ClientResponse, back: Answer, more: RawHeaders = (), secret: str = ""
) -> None:
    """Head and body as they came, piece by piece; a body that breaks off breaks off for the agent too.

    An error that repeats `secret`, the upstream's key, comes without it.
    """
    headers = [*theirs(response, secret), *more]
    reason = reason_of(response, secret)
    empty = response.method == "HEAD" or response.status in (204, 304)
    if secret and response.status >= 400 and not empty:
        await _pass_error(response, back, reason, headers, secret)
        return
    back.head(response.status, reason, headers, response.content_length)
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


async def _pass_error(
    response: aiohttp.ClientResponse, back: Answer, reason: str, headers: RawHeaders, secret: str
) -> None:
    """An error, read whole: byte for byte, or plain and without the key where it holds that."""
    body, why = bytearray(), ""
    try:
        async with asyncio.timeout(ERROR_TIME):
            while part := await response.content.readany():
                body += part
                if len(body) > LARGEST:
                    why = "the upstream's error is too large"
                    break
    except (aiohttp.ClientError, TimeoutError) as error:
        why = f"the upstream broke the answer off: {type(error).__name__}"
    raw, length = bytes(body), response.content_length
    clear = plain(raw, response.headers.get("Content-Encoding", ""), LARGEST)
    if clear is not None and hidden(clear, secret) != clear:
        raw = hidden(clear, secret)
        length = None if why else len(raw)
        headers = [pair for pair in headers if pair[0].lower() not in _CODED]
    back.head(response.status, reason, headers, length)
    await back.write(raw)
    if why:
        back.cut(why)
    else:
        back.end()


async def pass_translated(
    response: aiohttp.ClientResponse,
    back: Answer,
    translator: Translator,
    headers: RawHeaders,
    *,
    stream: bool,
) -> None:
    """An answer of status 200 in the agent's protocol; `stream`: the agent wants it as events.

    Raises Refused, and what the translator raises, before anything went to the agent.
    """
    kept = _without_body_headers(headers)
    kind = (b"Content-Type", b"text/event-stream; charset=utf-8")
    if "event-stream" not in response.headers.get("Content-Type", "").lower():
        try:
            whole = await read_whole(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(502, "The upstream broke its answer off.", f"{type(error).__name__}.") from error
        if stream:
            events = translator.streamed(whole)
            back.head(response.status, response.reason or "", [*kept, kind], len(events))
            await back.write(events)
            back.end()
            return
        made = translator.whole(whole)
        await own_answer(back, response.status, response.reason or "", made, kept)
        return
    back.head(response.status, response.reason or "", [*kept, kind], None)
    try:
        while part := await response.content.readany():
            if made := translator.feed(part):
                await back.write(made)
            if translator.overrun:
                back.cut("an event of the upstream's answer is too large")
                return
    except (aiohttp.ClientError, TimeoutError) as error:
        if made := translator.close(complete=False):
            await back.write(made)
        back.cut(f"the upstream broke the answer off: {type(error).__name__}")
        return
    if made := translator.close(complete=True):
        await back.write(made)
    back.end()


async def read_whole(response: aiohttp.ClientResponse, wait: float = WAIT) -> bytes:
    """The body, LARGEST bytes at most. Raises aiohttp.ClientError when it breaks off or is larger,
    TimeoutError when nothing comes for `wait` seconds."""
    body = bytearray()
    while part := await asyncio.wait_for(response.content.readany(), wait):
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
