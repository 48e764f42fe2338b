"""A web application on a socket, in a thread, with the limits that the API and the dashboard share."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn

from skillclaw.errors import SkillClawError
from skillclaw.server.api.connection import ANSWER_SECONDS, HEAD_SECONDS, connection

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["begin", "configured"]

HEAD = 16 * 1024
"""Bytes of a request's line and headers."""
KEEP_ALIVE = 15
"""Seconds that a connection without a request is kept."""
STARTING = 20.0
"""Seconds in which it must begin to answer."""


def configured(
    app: Callable[..., Any],
    *,
    connections: int,
    grace: int,
    head_seconds: float = HEAD_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
    **more: Any,
) -> uvicorn.Config:
    """How `app` is served: at most so many `connections` at a time, more are told to come back (503); at the
    end requests under way have `grace` seconds. `head_seconds` and `answer_seconds`: see `connection`; `more`
    goes to uvicorn as it is."""
    return uvicorn.Config(
        app,
        http=connection(head_seconds, answer_seconds),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        h11_max_incomplete_event_size=HEAD,
        **more,
    )


def begin(
    config: uvicorn.Config, at: socket.socket, name: str, failed: SkillClawError
) -> tuple[uvicorn.Server, threading.Thread]:
    """Answer on the socket, in a thread of that name. Raises `failed` where it does not begin to."""
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([at],), name=name, daemon=True)
    thread.start()
    until = time.monotonic() + STARTING
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.005)
    if not server.started:
        server.should_exit = True
        raise failed
    return server, thread
