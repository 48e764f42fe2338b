"""A request that is sent twice is done once: the header Idempotency-Key names it.

The answers are kept in `<home>/serve/answered.json` (0600), so that a client which lost the connection in a
restart can ask again. A key with another request than before is an error.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.private import private_folder, whole_file
from skillclaw.server.api.errors import ApiError

__all__ = ["Once"]

KEPT = 500
"""Answers that are remembered, the newest."""
SECONDS = 24 * 3600.0
"""For how long."""
TOGETHER = 64
"""Requests with keys that are done at a time; two with the same key never are."""
FILE = "answered.json"


class _Answer(msgspec.Struct, frozen=True):
    asked: str
    at: float
    body: Any


class Once:
    """The requests with a key that this home's server answered. Threads can share it."""

    def __init__(self, home: Path) -> None:
        self.path = home / "serve" / FILE
        self._lock = threading.Lock()
        self._doing = [threading.Lock() for _ in range(TOGETHER)]
        self._known: dict[str, _Answer] = {}
        with suppress(OSError, *UNREADABLE):
            self._known = msgspec.json.decode(self.path.read_bytes(), type=dict[str, _Answer])

    def do(self, key: str | None, request: str, work: Callable[[], Any]) -> Any:
        """What `work` gives (JSON), or gave for the same key and request before. ApiError where the key stood
        for another request. What failed is not remembered: it may be tried again."""
        if key is None:
            return work()
        name = hashlib.sha256(key.encode()).hexdigest()
        asked = hashlib.sha256(request.encode()).hexdigest()
        with self._doing[int(name[:8], 16) % TOGETHER]:
            known = self._known.get(name)
            if known is not None and abs(time.time() - known.at) < SECONDS:
                if known.asked != asked:
                    raise ApiError(
                        409, "The Idempotency-Key stands for another request.", "", "Make a new key for each."
                    )
                return known.body
            body = work()
            self._keep(name, _Answer(asked, time.time(), body))
            return body

    def _keep(self, name: str, answer: _Answer) -> None:
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = answer
            for old in list(self._known)[:-KEPT]:
                del self._known[old]
            # A disk that is full must not undo what was done; then a restart forgets it.
            with suppress(OSError):
                private_folder(self.path.parent)
                with whole_file(self.path) as file:
                    file.write(msgspec.json.encode(self._known))
