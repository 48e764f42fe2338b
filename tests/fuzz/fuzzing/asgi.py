"""Requests as bytes to an application in this process, without a socket between.

A request is lines: method and path, then `name: value` headers up to an empty line, then the body. The error
that an application hides behind its 500 is raised here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from typing import Any
from unittest import mock
from urllib.parse import unquote

__all__ = ["Asked", "Client", "asked"]

MOST_MESSAGES = 2000


class Asked:
    """One request, and what an application answered."""

    def __init__(self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.status = 0
        self.answer = b""


def asked(data: bytes, *, method: str = "GET", path: str = "/") -> Asked:
    """The request in `data`, with what every server before an application would see to."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    words = first.decode("latin-1").split(" ", 1)
    target = words[1] if len(words) == 2 and words[1].startswith("/") else path
    headers = []
    for line in lines[:100]:
        name, colon, value = line.partition(b":")
        if colon and name.strip() and not set(name) & set(b" \t\r\0"):
            headers.append((name.strip().lower(), value.strip().replace(b"\r", b"").replace(b"\0", b"")))
    return Asked(words[0] if words[0] in ("GET", "POST", "PUT", "HEAD") else method, target, headers, body)


class Client:
    """Sends to `app`; one event loop for all requests. `tellers`: the modules that write an unexpected error
    to a log; while a request is answered, this client hears it instead, and after it they do as before."""

    def __init__(self, app: Callable[..., Any], *tellers: ModuleType) -> None:
        self._app = app
        self._tellers = tellers
        self._runner = asyncio.Runner()
        self.raised: list[BaseException] = []

    def _hear(self, error: BaseException, path: str) -> None:
        self.raised.append(error)

    def send(self, one: Asked) -> Asked:
        """The request with its answer. Raises what the application did not expect."""
        self.raised.clear()
        with ExitStack() as heard:
            for module in self._tellers:
                heard.enter_context(mock.patch.object(module, "tell_unexpected", self._hear))
            self._runner.run(asyncio.wait_for(self._send(one), 60))
        if self.raised:
            raise self.raised[0]
        assert one.status and one.status < 600
        return one

    async def _send(self, one: Asked) -> None:
        path, _, query = one.target.partition("?")
        parts = [one.body[at : at + 4096] for at in range(0, len(one.body), 4096)] or [b""]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": one.method,
            "scheme": "http",
            "path": unquote(path, errors="replace"),
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": one.headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }

        async def receive() -> dict[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                for name, value in message["headers"]:
                    assert not {0, 10, 13} & set(name + value), "a header that would end early"
            one.answer += message.get("body", b"")[: 1 << 16]

        await self._app(scope, receive, send)
