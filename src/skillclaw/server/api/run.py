"""The API on a socket: uvicorn in a thread of its own, beside the scheduler."""

from __future__ import annotations

import errno
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from skillclaw.errors import BusyError, SkillClawError, StorageError, UsageError
from skillclaw.server.api.answering import begin, configured
from skillclaw.server.api.app import App
from skillclaw.server.api.connection import ANSWER_SECONDS, HEAD_SECONDS

__all__ = ["Running", "start"]

BACKLOG = 128
CONNECTIONS = 200
"""Connections at a time; more are told to come back (503)."""


@dataclass(frozen=True)
class Running:
    """The API as it runs; `url` is where it answers."""

    app: App
    server: uvicorn.Server
    thread: threading.Thread
    host: str
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """The base of all paths."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self.thread.is_alive()

    def stop(self, grace: float = 5.0) -> None:
        """End: streams at once, requests under way within `grace` seconds."""
        self.app.close()
        self.server.config.timeout_graceful_shutdown = max(1, round(grace))
        self.server.should_exit = True
        self.thread.join(grace + 5.0)


def start(
    app: App,
    host: str,
    port: int,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    head_seconds: float = HEAD_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
) -> Running:
    """Answer on `host`:`port` (0: any free one); who is slower with a request's head than `head_seconds`, or
    takes neither all of an answer in `answer_seconds` nor LEAST of it a second, is cut off. Raises BusyError
    where the port is taken, UsageError where the address is not this machine's or the certificate cannot be
    used."""
    listening = _listen(host, port)
    config = configured(
        app,
        connections=CONNECTIONS,
        grace=5,
        head_seconds=head_seconds,
        answer_seconds=answer_seconds,
        backlog=BACKLOG,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        listening.close()
        raise UsageError(
            "The certificate of serve.tls_cert cannot be used.",
            type(error).__name__ if not isinstance(error, OSError) else str(error.strerror or error),
            "It and serve.tls_key are PEM files that this user can read.",
        ) from error
    failed = SkillClawError("The API did not begin to answer.", "", "See the log.")
    server, thread = begin(config, listening, "api", failed)
    taken = listening.getsockname()[1]
    return Running(app, server, thread, host, taken, tls_cert is not None)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(
            f"There is no address {host}.", str(error.strerror or error), "Set serve.host, or give --host."
        ) from error
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise BusyError(
                f"Port {port} of {host} is taken.", "Another program listens there.", "Give another: --port N"
            ) from error
        if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
            raise UsageError(
                f"Cannot listen on {host}:{port}.", os.strerror(error.errno), "Set serve.host and serve.port."
            ) from error
        raise StorageError(f"Cannot listen on {host}:{port}.", str(error.strerror or error)) from error
    return listening
