"""One request through the proxy: to the upstream and back, each byte as it came, as soon as it came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpVersion11, RawRequestMessage, RawResponseMessage, StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from skillclaw.proxy import heads
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.record import Draft
from skillclaw.proxy.upstream import HEADER_LIMIT, Upstream, explain

__all__ = ["CLOSE", "KEEP", "RawRequest", "forward", "raw_request", "refuse", "send"]

WHOLE = 1 << 20
"""Request bodies up to this many bytes are sent on in one piece, longer and chunked ones as they come."""
JOIN = 1 << 16
"""Pieces up to this many bytes are joined with what goes before them: a copy is cheaper than a write."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UPSTREAM_ERRORS = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)


class Sent(web.StreamResponse):
    """Tells aiohttp that the response went out already, and whether the connection may serve another."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self._keep = keep

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open."""
        return self._keep

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to send."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


class RawRequest(web.BaseRequest):
    """A request with its head as the agent wrote it."""

    @property
    def raw(self) -> RawRequestMessage:
        """Method, target and headers, unparsed."""
        return self._message


class ClientGoneError(ConnectionError):
    """The agent closed the connection before it had the whole answer."""


KEEP = Sent(True)
CLOSE = Sent(False)


def raw_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> RawRequest:
    """Makes the request objects of the server (`web.Server(request_factory=...)`)."""
    return RawRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


def send(request: RawRequest, status: int, body: bytes, *, close: bool = False) -> web.StreamResponse:
    """Answer with JSON of the proxy's own."""
    raw = request.raw
    # A body that nobody read would be taken for the next request.
    close = close or raw.should_close or not request.content.is_eof()
    transport = request.transport
    if transport is not None and not transport.is_closing():
        transport.write(heads.own_response(status, body, close=close, head=raw.method == "HEAD"))
    return CLOSE if close else KEEP


def refuse(request: RawRequest, failure: Failure, *, close: bool = False) -> web.StreamResponse:
    """Answer with an error of the proxy's own, in the shape of the agent's protocol."""
    raw = request.raw
    return send(request, failure.status, heads.error_body(failure, raw.path, raw.headers), close=close)


async def forward(
    request: RawRequest,
    agent: str,
    rest: str,
    upstream: Upstream,
    keep: Callable[[Draft], None],
    draining: Callable[[], bool],
) -> web.StreamResponse:
    """Pass `request` on to `upstream` and the answer back; `keep` gets the record, whatever happened."""
    raw = request.raw
    draft = Draft(agent, raw.method, rest, raw.raw_headers)
    try:
        return await _Passage(request, upstream, draft, draining).run(rest)
    except asyncio.CancelledError:
        draft.error = draft.error or "the agent closed the connection"
        raise
    except ClientGoneError:
        draft.error = "the agent closed the connection"
        return CLOSE
    finally:
        draft.ended()
        keep(draft)


class _Passage:
    """One request on its way."""

    __slots__ = ("_bad_body", "_draft", "_draining", "_raw", "_request", "_upload", "_upstream")

    def __init__(
        self, request: RawRequest, upstream: Upstream, draft: Draft, draining: Callable[[], bool]
    ) -> None:
        self._request = request
        self._raw = request.raw
        self._upstream = upstream
        self._draft = draft
        self._draining = draining
        self._upload: asyncio.Task[None] | None = None
        self._bad_body: Exception | None = None

    async def run(self, rest: str) -> web.StreamResponse:
        """From the agent's head to the last byte of the answer."""
        raw, request, upstream = self._raw, self._request, self._upstream
        if "Expect" in raw.headers and raw.version >= HttpVersion11 and request.transport is not None:
            request.transport.write(CONTINUE)
        body: bytes | None = b""
        if not request.content.is_eof() or not request.content.at_eof():
            length = request.content_length
            try:
                whole = not raw.chunked and length is not None and length <= WHOLE
                body = await self._whole() if whole else None
            except RequestPayloadError as error:
                return self._bad_request(error)
            except ConnectionError as error:
                raise ClientGoneError from error
        try:
            connection = await upstream.connect()
        except UPSTREAM_ERRORS as error:
            return self._failed(error)
        finished = False
        try:
            protocol = connection.protocol
            assert protocol is not None
            protocol.set_response_params(
                skip_payload=raw.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=HEADER_LIMIT,
                max_field_size=HEADER_LIMIT,
            )
            head = heads.request_head(
                raw.method,
                upstream.target(rest),
                raw.raw_headers,
                host=upstream.host,
                chunked=raw.chunked,
                proxy_auth=upstream.proxy_auth,
            )
            transport = protocol.transport
            if transport is None:
                return self._failed(aiohttp.ServerDisconnectedError())
            if body is None:
                transport.write(head)
                self._upload = asyncio.create_task(self._send_body(protocol))
            elif len(body) > JOIN:
                transport.write(head)
                transport.write(body)
            else:
                transport.write(head + body)
            try:
                message, payload = await protocol.read()
                while 100 <= message.code < 200:
                    message, payload = await protocol.read()
            except UPSTREAM_ERRORS as error:
                if self._bad_body is not None:
                    return self._bad_request(self._bad_body)
                return self._failed(error)
            answer, finished = await self._answer(message, payload, protocol)
            finished = finished and (self._upload is None or self._upload.done())
            return answer
        finally:
            await self._end(connection, finished)

    async def _whole(self) -> bytes:
        """The request body, all of it."""
        content = self._request.content
        body = content.read_nowait()
        if not content.at_eof():
            parts = [body]
            while part := await content.readany():
                parts.append(part)
            body = b"".join(parts)
        self._draft.keep(body, self._draft.request_chunks)
        return body

    async def _send_body(self, protocol: ResponseHandler) -> None:
        """The request body as it comes, no faster than the upstream takes it."""
        content, chunked, draft = self._request.content, self._raw.chunked, self._draft
        writer = StreamWriter(protocol, asyncio.get_running_loop())
        while True:
            try:
                part = await content.readany()
            except (RequestPayloadError, ConnectionError) as error:
                # Half a body must not look like a whole one, and nobody would answer it.
                self._bad_body = error
                if protocol.transport is not None:
                    protocol.transport.abort()
                return
            if not part:
                break
            draft.keep(part, draft.request_chunks)
            transport = protocol.transport
            if transport is None or transport.is_closing():
                return
            transport.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            await writer.drain()
        if chunked and protocol.transport is not None:
            protocol.transport.write(b"0\r\n\r\n")

    async def _answer(
        self, message: RawResponseMessage, payload: StreamReader, protocol: ResponseHandler
    ) -> tuple[web.StreamResponse, bool]:
        """The upstream's answer to the agent; and whether it came whole."""
        raw, draft, request = self._raw, self._draft, self._request
        draft.answered()
        draft.status, draft.response_headers = message.code, message.raw_headers
        empty = raw.method == "HEAD" or message.code in heads.NO_BODY
        sized = not message.chunked and "Content-Length" in message.headers
        chunked = not empty and not sized and raw.version >= HttpVersion11
        close = raw.should_close or self._draining() or not request.content.is_eof()
        to_the_end = not (empty or sized or message.chunked)
        close = close or not (empty or sized or chunked)
        head = heads.response_head(
            message.code, message.reason, message.raw_headers, chunked=chunked, close=close
        )
        drain = request.writer.drain
        try:
            part = b"" if empty else payload.read_nowait()
            while True:
                if part:
                    draft.keep(part, draft.response_chunks)
                last = empty or payload.at_eof()
                transport = request.transport
                if transport is None or transport.is_closing():
                    raise ClientGoneError
                if last and to_the_end and not _closed_in_order(protocol):
                    # An answer that ends with its connection ends well only if that was closed, not reset.
                    raise aiohttp.ClientPayloadError("the connection was reset")
                if not chunked:
                    out = head + part if head and len(part) <= JOIN else part
                    if head and out is part:
                        transport.write(head)
                elif part:
                    out = b"%b%x\r\n%b\r\n%b" % (head, len(part), part, b"0\r\n\r\n" if last else b"")
                else:
                    out = head + b"0\r\n\r\n" if last else head
                head = b""
                if out:
                    transport.write(out)
                    await drain()
                if last:
                    break
                part = await payload.readany()
        except UPSTREAM_ERRORS as error:
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ClientGoneError from error
            draft.error = f"the upstream broke the answer off: {error}"
            # What came before the break is the agent's, also where the break was noticed first.
            rest = payload._read_nowait(-1)
            if rest:
                draft.keep(rest, draft.response_chunks)
            self._break(
                head + (b"%x\r\n%b\r\n" % (len(rest), rest) if chunked and rest else rest),
                not (sized or chunked),
            )
            return CLOSE, False
        draft.complete = True
        return (CLOSE if close else KEEP), True

    def _break(self, left: bytes, unframed: bool) -> None:
        """Send what is left and make the answer look as broken to the agent as it was."""
        transport = self._request.transport
        assert transport is not None
        if left:
            transport.write(left)
        # A framed answer lacks its end when the connection closes; another looks whole unless it is reset.
        if unframed and not transport.get_write_buffer_size():
            transport.abort()

    def _bad_request(self, error: Exception) -> web.StreamResponse:
        failure = Failure(400, "The request's body is not valid HTTP.", f"{error}.")
        self._draft.error = failure.text
        return refuse(self._request, failure, close=True)

    def _failed(self, error: BaseException) -> web.StreamResponse:
        failure = explain(error, self._upstream)
        self._draft.error = failure.text
        return refuse(self._request, failure)

    async def _end(self, connection: Connection, reusable: bool) -> None:
        if self._upload is not None:
            self._upload.cancel()
            await asyncio.gather(self._upload, return_exceptions=True)
        if reusable:
            connection.release()
        else:
            connection.close()


def _closed_in_order(protocol: ResponseHandler) -> bool:
    """Whether the upstream's connection is open or was closed, rather than reset."""
    error = protocol.exception()
    return error is None or isinstance(error, aiohttp.ServerDisconnectedError)
