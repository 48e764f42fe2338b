"""Batches of spans to a collector, over OTLP/HTTP.

OpenTelemetry's own exporter was looked at and is not used: it takes a redirect for a success, does not look
at what a collector says that it refused, tries a wrong certificate six times, and brings sixteen packages.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import ssl
from types import TracebackType

import aiohttp

from skillclaw import __version__
from skillclaw.errors import StorageError, UsageError
from skillclaw.evolve.models.places import is_own_machine
from skillclaw.proxy.configured.tries import pause, retry_after
from skillclaw.server.otlp.places import Collector

__all__ = ["Sender"]

AGAIN = frozenset({429, 502, 503, 504})
"""Answers after which the specification lets a client send again; others have to do with what is sent."""
TRIES = 5
PATIENCE = 60.0
"""Seconds that a `Retry-After` may ask for."""
MOST_BYTES = 1 << 20
"""Of an answer; more is not read."""
TOLD = 200
"""Characters of an answer that are told."""


class _AgainError(Exception):
    """It may work later. `after`: what the collector asked for, in seconds."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Sender:
    """Sends bodies one after the other; `async with` it. StorageError where one could not be delivered."""

    def __init__(self, to: Collector, chance: random.Random | None = None) -> None:
        self._to = to
        self._chance = chance or random.Random()  # noqa: S311 - the length of a pause
        self._ssl = _context(to)

    async def __aenter__(self) -> Sender:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._to.timeout),
            trust_env=not is_own_machine(self._to.url),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, body: bytes) -> bytes:
        """Deliver one request's body; the collector's answer."""
        headers = {
            "Content-Type": "application/json" if self._to.json else "application/x-protobuf",
            "User-Agent": f"skillclaw/{__version__}",
        } | self._to.headers
        if self._to.gzip:
            body = gzip.compress(body, mtime=0)
            headers["Content-Encoding"] = "gzip"
        for number in range(1, TRIES + 1):
            try:
                return await self._try(body, headers)
            except _AgainError as error:
                if number == TRIES:
                    raise self._error(f"{error}, {TRIES} times.", "Try again later.") from error
                wait = pause(number, error.after, PATIENCE, self._chance)
                if wait is None:
                    asked = f"{error.after:,.0f} s" if error.after and error.after < 1e9 else "for ever"
                    raise self._error(f"{error}, and asks to wait {asked}.", "Try again then.") from error
                await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _try(self, body: bytes, headers: dict[str, str]) -> bytes:
        try:
            async with self._session.post(
                self._to.url, data=body, headers=headers, allow_redirects=False, ssl=self._ssl
            ) as response:
                answer = await _bounded(response)
                if response.status in AGAIN:
                    raise _AgainError(f"It answered {response.status}", retry_after(response.raw_headers))
                if not 200 <= response.status < 300:
                    raise self._error(
                        f"It answered {response.status}{_said(response, answer)}.", _advice(response.status)
                    )
                return answer
        except TimeoutError as error:
            raise _AgainError(f"No answer within {self._to.timeout:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise self._error(
                f"Its certificate or TLS is not accepted: {_reason(error)}.",
                "Name the authority that signed it in OTEL_EXPORTER_OTLP_CERTIFICATE (a PEM file).",
            ) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise self._error("The request cannot be made.", "Check the URL and the headers.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _AgainError(f"No connection ({_reason(error)})") from error

    def _error(self, why: str, todo: str) -> StorageError:
        return StorageError(f"The collector at {self._to.shown} took no traces.", why, todo)


def _context(to: Collector) -> ssl.SSLContext | bool:
    """TLS as the variables say; certificates are always checked. True: the system's authorities alone."""
    if not (to.certificate or to.client_certificate):
        return True
    try:
        context = ssl.create_default_context(cafile=to.certificate or None)
        if to.client_certificate:
            # A passphrase is never asked for: nobody may be there.
            context.load_cert_chain(to.client_certificate, to.client_key or None, password="")
        return context
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UsageError(
            "The certificates for the collector cannot be used.",
            _reason(error),
            "Check OTEL_EXPORTER_OTLP_CERTIFICATE, ..._CLIENT_CERTIFICATE and ..._CLIENT_KEY.",
        ) from error


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > MOST_BYTES:
            break
    return bytes(content[:MOST_BYTES])


def _said(response: aiohttp.ClientResponse, answer: bytes) -> str:
    """What a text says, for people; a message in protobuf says nothing that can be read without its class."""
    if response.content_type not in ("text/plain", "application/json"):
        return ""
    text = " ".join(answer.decode("utf-8", "replace").split())[:TOLD]
    return f": {text}" if text else ""


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)[:TOLD]
    said = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    told = (said.strerror if isinstance(said, OSError) else None) or str(said)
    return f"{type(said).__name__}: {told}"[:TOLD] if told else type(said).__name__


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Check OTEL_EXPORTER_OTLP_HEADERS."
    if 300 <= status < 400:
        return "It points elsewhere, which is not followed. Say the URL that it points to."
    if status == 404:
        return "Check the URL: traces go to /v1/traces below it, as a rule on port 4318."
    if status == 413:
        return "It takes no request of this size: raise its limit to 4 MB."
    return "Look at what the collector logs."
