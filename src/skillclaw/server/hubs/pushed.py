"""Listening for news of groups (`push.py`): what is heard wakes the sync, which reads the log as ever."""

from __future__ import annotations

import ipaddress
import logging
import random
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillclaw.server.groups.settings import PushPoint
from skillclaw.server.hubs.polling import wake

__all__ = ["Listener", "may_listen"]

SILENCE = 60.0
"""Seconds without a word after which the connection counts as dead."""
LONGEST = 300.0
"""Seconds between tries at most."""
LEAST = 1.0
"""Seconds between two wakings at least."""
MAX_LINE = 4096
log = logging.getLogger("skillclaw.up")


def may_listen(point: PushPoint) -> bool:
    """Whether its token may go there: over TLS, or on this machine."""
    parts = urlsplit(point.url)
    if parts.scheme == "https":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Listener:
    """Listens for one group in a thread of its own, until stopped."""

    def __init__(self, home: Path, group: str, point: PushPoint, *, first_wait: float = 1.0) -> None:
        self.point = point
        self._home = home
        self._url = f"{point.url.rstrip('/')}/v1/groups/{group}/events"
        self._first = first_wait
        self._stop = threading.Event()
        self._open = urllib.request.build_opener(_NoRedirect).open
        self._heard = b""
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; a read that waits is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        wait, told = self._first, ""
        while not self._stop.is_set():
            try:
                self._listen()
                wait, why = self._first, ""
            except (OSError, HTTPException, ValueError) as error:
                why = f"{type(error).__name__}: {error}"
            if why and why != told:
                log.info("push: %s cannot be listened to (%s); polls go on", urlsplit(self._url).netloc, why)
            told = why
            self._stop.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads machines
            wait = min(wait * 2, LONGEST)

    def _listen(self) -> None:
        request = urllib.request.Request(  # noqa: S310 - http and https only, by PushPoint
            self._url, headers={"Authorization": f"Bearer {self.point.token}", "Accept": "text/event-stream"}
        )
        with self._open(request, timeout=SILENCE) as answer:
            if "text/event-stream" not in answer.headers.get("Content-Type", ""):
                raise ValueError("it does not answer with events")
            while not self._stop.is_set():
                line = answer.readline(MAX_LINE)
                if not line:
                    return
                if line.startswith(b"data:") and line != self._heard:
                    self._heard = line
                    wake(self._home)
                    self._stop.wait(LEAST)  # however much it tells
