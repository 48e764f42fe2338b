"""Whether `up` is ready, asked from outside: of its proxy, or, where it runs without one, of what it told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.proxy.ready import Ready, stuck
from skillclaw.server.up import runfile

__all__ = ["readiness"]

LIMIT = 8.0
"""Seconds that the proxy may take to answer; it gives up by itself after less."""


def readiness(home: Path) -> Ready:
    """How the `up` of `home` stands."""
    running = runfile.read_running(home)
    if running is None:
        return Ready.of({"up": "It does not run: skillclaw up -d."})
    if not running.ready:
        return Ready.of({"up": "It starts."})
    if not running.port:
        return Ready.of({"up": stuck(home, running.pid)})
    found = _asked(running.port)
    return found or Ready.of(
        {"proxy": f"It does not answer on port {running.port}: see skillclaw logs proxy."}
    )


def _asked(port: int) -> Ready | None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        with suppress(OSError, http.client.HTTPException, *UNREADABLE):
            connection.request("GET", "/readyz")
            return msgspec.json.decode(connection.getresponse().read(1 << 20), type=Ready)
    finally:
        connection.close()
    return None
