"""The dashboard on a socket: its own, or one that the door of `up` or `serve` hands on."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass

import uvicorn

from skillclaw.errors import BusyError, SkillClawError
from skillclaw.server.api.answering import begin, configured
from skillclaw.server.api.connection import ANSWER_SECONDS, HEAD_SECONDS
from skillclaw.server.door import listening
from skillclaw.web.site.app import App

__all__ = ["Serving", "inherited", "listen", "serve"]

CONNECTIONS = 100


@dataclass(frozen=True)
class Serving:
    """A dashboard that answers on `port` of 127.0.0.1."""

    app: App
    port: int
    server: uvicorn.Server
    thread: threading.Thread

    def wait(self, stop: threading.Event, idle: float | None = None) -> None:
        """Until `stop` is set, or nobody looked for `idle` seconds."""
        while not stop.wait(0.5):
            if not self.thread.is_alive():
                raise SkillClawError("The dashboard ended by itself.", "", "See: skillclaw logs dashboard")
            if idle is not None and not self.app.busy(idle):
                return

    def end(self) -> None:
        """Streams at once, requests under way within two seconds."""
        self.app.close()
        self.server.should_exit = True
        self.thread.join(5.0)


def listen(port: int) -> socket.socket:
    """A socket of 127.0.0.1 (`port` 0: any free one). Raises BusyError where the port is taken."""
    try:
        return listening(port)
    except OSError as error:
        raise BusyError(
            f"The dashboard cannot listen on port {port}.",
            error.strerror or str(error),
            "Give another: --port N, or: skillclaw config set dashboard.port N",
        ) from error


def inherited(number: int) -> socket.socket:
    """The socket that the process which started this one listens with."""
    return socket.socket(fileno=number)


def serve(
    app: App,
    at: socket.socket,
    *,
    head_seconds: float = HEAD_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
) -> Serving:
    """Answer on the socket, in a thread. Who has not sent a request's head within twice `head_seconds`, or
    does not take an answer (connection.py), is cut off, so that nobody takes all places by waiting."""
    at.setblocking(False)
    config = configured(
        app,
        connections=CONNECTIONS,
        grace=2,
        head_seconds=head_seconds,
        answer_seconds=answer_seconds,
    )
    failed = SkillClawError("The dashboard did not begin to answer.", "", "See: skillclaw logs dashboard")
    server, thread = begin(config, at, "dashboard", failed)
    return Serving(app, int(at.getsockname()[1]), server, thread)
