"""A way to a model for one agent in a room: a Unix socket that adds the credential, and passes little else.

The agent is as untrusted as what it reads. It has a random token, good for this socket alone; the credential
is added here, outside. What passes: the requests of one protocol that ask a model something, of one model,
without the tools that a provider runs itself (its search could carry words out). All is counted before it
goes on, and every exchange is kept in memory for the transcript.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import io
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import web
from msgspec.structs import replace
from yarl import URL

from skillclaw.errors import StorageError
from skillclaw.headless.bodies import whole
from skillclaw.headless.door import bind
from skillclaw.headless.fitting import NotPassedError, fitted
from skillclaw.headless.hiding import Hider
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import Record
from skillclaw.wire.decode import decode
from skillclaw.wire.records import Call

__all__ = ["Gate", "Meter", "Speech", "Way", "gateway"]

Speech = Literal["anthropic", "responses", "chat"]
INSIDE = "http://127.0.0.1:8787/v1"
"""The base URL that a program in the room is given (`sandbox.open_box`)."""
PATHS: dict[Speech, frozenset[tuple[str, str]]] = {
    "anthropic": frozenset({("POST", "messages"), ("POST", "messages/count_tokens")}),
    "responses": frozenset({("POST", "responses")}),
    "chat": frozenset({("POST", "chat/completions")}),
}
HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer"})
PASSING = frozenset(
    {
        *("accept", "accept-language", "content-type", "user-agent", "originator", "version", "x-app"),
        *("session_id", "session-id", "conversation_id", "x-session-id", "x-client-request-id"),
    }
)
"""Headers of a request that pass; others name accounts, or lead some gateways to another server."""
PASSING_TOO = (
    *("anthropic-beta", "anthropic-version", "anthropic-dangerous-", "openai-beta", "x-stainless-"),
    *("x-claude-code-", "x-codex-"),
)
"""How further ones begin."""
LARGEST, LONGEST = 16_000_000, 32_000_000
"""Bytes of a request, and of an answer."""
KEPT = 64_000_000
"""Bytes of exchanges that are held in memory."""
BYTES = 4
"""Of a request for each token, where an agent asks how many it has."""
SECONDS = 600.0
"""That an answer may take."""
PER_TOKEN = 16
"""Bytes of an answer for each token, where nobody counts: streams wrap each in much else."""
FEW = 4
"""Requests that may be under way at once."""


class Way(Record, frozen=True, kw_only=True):
    """Where requests go, and who they are from.

    base_url  with the API's version in its path; `headers` hold the credential, and are shown by nothing
    beta      what the provider wants in `anthropic-beta` with this kind of credential
    own       header that marks traffic of the project itself; for a proxy on this machine
    """

    base_url: str
    speech: Speech
    headers: tuple[tuple[str, str], ...] = ()
    beta: str = ""
    own: str = ""

    def __repr__(self) -> str:
        return f"Way({self.base_url})"


class Meter(Protocol):
    """Counts what is asked, and says when it is enough."""

    def begin(self, size: int, most: int) -> str:
        """A request of `size` bytes, to be answered with at most `most` tokens: why it may not go on, or
        empty."""

    def end(self, size: int, tokens_in: int | None, tokens_out: int | None) -> None:
        """It was answered: the tokens as the provider counts them, None where it does not say."""


class Gate:
    """The open way. `socket` for the room, `token` for the agent; what passed, in the order of its end."""

    def __init__(self, path: Path) -> None:
        self.socket = path
        self.token = secrets.token_urlsafe(32)
        self.exchanges: list[Exchange] = []

    def keep(self, done: Exchange) -> None:
        """Add what passed; of a long run the newest, since an agent sends again what was before."""
        self.exchanges.append(done)
        while len(self.exchanges) > 1 and sum(map(_size, self.exchanges)) > KEPT:
            del self.exchanges[0]


@contextmanager
def gateway(way: Way, folder: Path, agent: str, model: str, meter: Meter) -> Iterator[Gate]:
    """A socket in `folder` that leads to `way`, until the end of the block.

    `model` is the only one that is asked; `agent` names the exchanges. Raises StorageError when the socket
    cannot be made.
    """
    gate = Gate(folder / "model.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bind(listener, gate.socket)
        gate.socket.chmod(0o600)
    except OSError as error:
        listener.close()
        raise StorageError(f"Cannot make the socket {gate.socket}.", str(error)) from error
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    passing = _Passing(way, gate, agent, model, meter)
    try:
        asyncio.run_coroutine_threadsafe(passing.start(listener), loop).result(30)
        yield gate
    finally:
        asyncio.run_coroutine_threadsafe(passing.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
        gate.socket.unlink(missing_ok=True)


class _Passing:
    def __init__(self, way: Way, gate: Gate, agent: str, model: str, meter: Meter) -> None:
        self._way, self._gate, self._agent, self._model, self._meter = way, gate, agent, model, meter
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._few = asyncio.Semaphore(FEW)

    async def start(self, listener: socket.socket) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=SECONDS, connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The user's own network may need its proxy (HTTPS_PROXY), as for any program of theirs.
            trust_env=not _is_here(self._way.base_url),
        )
        server = web.Server(self._handle, access_log=None, handler_cancellation=True, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _shows(request, self._gate.token):
            return _refused(401, "this socket is for one agent, which has its token")
        path = request.path.removeprefix("/v1/").strip("/")
        if request.method == "GET" and path == "models":
            return web.json_response({"object": "list", "data": [{"id": self._model, "object": "model"}]})
        if (request.method, path) not in PATHS[self._way.speech]:
            return _refused(404, "nothing but requests to the model passes here")
        body = await whole(request.content, LARGEST)
        if body is None:
            return _refused(413, "the request is too large")
        try:
            body, most = fitted(body, self._model, request.headers.get("Content-Encoding", ""))
        except NotPassedError as error:
            return _refused(400, str(error))
        if path.endswith("count_tokens"):
            return web.json_response({"input_tokens": len(body) // BYTES})
        async with self._few:
            if why := self._meter.begin(len(body), most):
                return _refused(403, f"the limit of this run is reached: {why}")
            return await self._pass(request, path, body, most)

    async def _pass(self, request: web.BaseRequest, path: str, body: bytes, most: int) -> web.StreamResponse:
        """`most`: tokens that the answer is expected to take."""
        assert self._session is not None
        url = URL(f"{self._way.base_url.rstrip('/')}/{path}", encoded=True)
        sent = [(name, value) for name, value in request.headers.items() if _passes(name)]
        passage = Exchange(
            id=secrets.token_hex(8),
            agent=self._agent,
            method="POST",
            path=f"/v1/{path}",
            started=time.time(),
            request_headers=sent,
            request_body=body,
            complete=False,
        )
        kept = bytearray()
        hider = Hider(value for _, value in self._way.headers)
        response: web.StreamResponse | None = None
        refused = False
        try:
            async with self._session.post(
                url.with_query(_query(request)),
                headers=self._headers(request),
                data=io.BytesIO(body),
                allow_redirects=False,
            ) as answer:
                # Unpacked by the session, so that the copy can be read and nothing hides a repeated key.
                headers = [
                    (name, hider.whole(value.encode()).decode("utf-8", "replace"))
                    for name, value in answer.headers.items()
                    if name.lower() not in HOPS | {"content-length", "content-encoding", "set-cookie"}
                ]
                passage = replace(passage, status=answer.status, response_headers=headers)
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                response.headers.extend(headers)
                await response.prepare(request)
                if not 200 <= answer.status < 300:
                    kept += hider.whole(await whole(answer.content, LONGEST) or b"")
                    await response.write(bytes(kept))
                else:
                    async for part in _parts(answer):
                        shown = hider.part(part)
                        kept += shown
                        await response.write(shown)
                    held = hider.rest()
                    kept += held
                    await response.write(held)
                passage = replace(passage, complete=True)
        except (aiohttp.ClientError, TimeoutError, OSError) as failed:
            error = f"the model's server could not be reached: {type(failed).__name__}"
            passage = replace(passage, error=error)
            refused = isinstance(failed, aiohttp.ClientConnectorError)
            if response is None:
                return _refused(502, error)
            if request.transport is not None:
                request.transport.close()  # what is cut off must not look whole
            return response
        finally:
            # Before the agent sees the end: its next request finds this one counted.
            done = replace(passage, finished=time.time(), response_body=bytes(kept))
            self._gate.keep(done)
            self._count(done, most, unsent=refused)
        await response.write_eof()
        return response

    def _count(self, done: Exchange, most: int, *, unsent: bool) -> None:
        """Tell the meter. An answer that the agent left before its end, where the count stands, is taken for
        as long as it may be: the provider has worked for it."""
        if unsent or (done.status and not 200 <= done.status < 300):
            self._meter.end(0, 0, 0)  # a refused request costs nothing
            return
        call = Call(
            method=done.method,
            path=done.path,
            request_headers=done.request_headers,
            request_body=done.request_body,
            status=done.status,
            response_headers=done.response_headers,
            response_body=done.response_body,
            complete=done.complete,
        )
        read = decode(call) if done.status else None
        usage = read.usage if read is not None else None
        tokens_out = usage.completion if usage is not None else None
        if not done.complete:
            tokens_out = max(most, tokens_out or 0)
        elif not tokens_out:
            tokens_out = len(done.response_body) // PER_TOKEN
        self._meter.end(len(done.request_body), usage.prompt if usage is not None else None, tokens_out)

    def _headers(self, request: web.BaseRequest) -> list[tuple[str, str]]:
        dropped = {"anthropic-beta"} if self._way.beta else set()
        headers = [(n, v) for n, v in request.headers.items() if _passes(n) and n.lower() not in dropped]
        if self._way.beta:
            betas = [*request.headers.getall("anthropic-beta", []), self._way.beta]
            headers.append(("anthropic-beta", ",".join(betas)))
        if self._way.own and _is_here(self._way.base_url):
            headers.append((self._way.own, "evolver"))
        return [*headers, *self._way.headers]


def _size(one: Exchange) -> int:
    return len(one.request_body) + len(one.response_body)


async def _parts(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    left = LONGEST
    async for part in answer.content.iter_any():
        left -= len(part)
        if left < 0:
            raise aiohttp.ClientPayloadError("the answer is too large")
        yield part


def _shows(request: web.BaseRequest, token: str) -> bool:
    given = [request.headers.get("x-api-key", "")]
    given.append(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
    return any(hmac.compare_digest(one.encode("utf-8", "replace"), token.encode()) for one in given)


def _passes(header: str) -> bool:
    return header.lower() in PASSING or header.lower().startswith(PASSING_TOO)


def _query(request: web.BaseRequest) -> dict[str, str]:
    """Of the query only what is known to matter: anything else could carry words elsewhere."""
    return {"beta": "true"} if request.query.get("beta") == "true" else {}


def _refused(status: int, why: str) -> web.Response:
    error: dict[str, Any] = {"type": "error", "error": {"type": "invalid_request_error", "message": why}}
    return web.json_response(error, status=status, dumps=lambda value: msgspec.json.encode(value).decode())


def _is_here(url: str) -> bool:
    with contextlib.suppress(ValueError):
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return False
