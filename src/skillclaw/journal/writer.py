"""The journal's writer: exchanges in, segments out, on one thread of its own.

`put` only appends to a queue, so that traffic never waits. The thread masks credentials, packs and writes
what has gathered in a group, at most GATHER seconds after it came, and syncs the disk at most once a second.
When the disk is full or not writable, exchanges wait in the bounded queue, then are dropped and counted.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from skillclaw import zstd
from skillclaw.errors import SkillClawError
from skillclaw.journal import segment
from skillclaw.journal.appender import Appender
from skillclaw.journal.credentials import Masker
from skillclaw.journal.delta import Chains
from skillclaw.journal.records import Exchange
from skillclaw.journal.seen import SeenWriter
from skillclaw.trajectory.model import Record

__all__ = ["JournalStats", "JournalWriter"]

log = logging.getLogger("skillclaw.journal")
GATHER = 0.004
"""Seconds that the first exchange of a group waits for others; with the write it stays below 20 ms."""
IDLE = 1.0
"""Seconds between looks at what an idle writer still has to do: a last fsync, the end of an old segment."""
KNOW = 5.0
"""Seconds between tries to take up the credentials that are known."""
RETRY = 0.5
"""Seconds between tries while the disk does not take it."""
QUEUE = 24 << 20
"""Bytes that may wait in exchanges of usual size ..."""
LARGE = 1 << 20
"""... which is at most this; larger ones (pictures) ..."""
LARGE_QUEUE = 64 << 20
"""... have room of their own, so that one of them crowds out no others."""
HURRY = QUEUE // 8
"""Bytes in the queue from which on no group waits for more."""
SHARE = 32
"""Exchanges in the queue for each one that is packed before traffic gets its turn again."""
OVERHEAD = 2048
"""What an exchange weighs in the queue beside its bodies."""
GROUP = 256
"""Exchanges in one group at most, so that a long queue does not grow memory once more."""

Item: TypeAlias = Exchange | Callable[[], Exchange]


class JournalStats(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What the writer did since it started: records and bytes written, exchanges that were lost, failures.

    `last_error` is empty once it works again; `queue` is how many exchanges wait; `segments` how many files.
    """

    exchanges: int = 0
    bytes: int = 0
    dropped: int = 0
    errors: int = 0
    last_error: str = ""
    queue: int = 0
    segments: int = 0


class JournalWriter:
    """Appends exchanges to the segments in `folder`; `max_mb` bounds all segments together.

    When the journal is full, new exchanges are dropped and counted; nothing is ever raised at the caller.
    One writer at a time holds a journal; another waits for it, with its queue bounded. Call `put` from one
    thread. `client_key` is asked for on the writer's thread, once, for the key of this client: with it the
    credentials that pass are remembered as hashes in the folder's parent (`journal.seen`).
    """

    def __init__(self, folder: Path, *, max_mb: int, client_key: Callable[[], bytes] | None = None) -> None:
        self._cap = max_mb << 20
        self._queue: deque[tuple[Item, int]] = deque()
        # Each counter has one thread that writes it: `+=` on a shared one would lose counts.
        self._bytes_in, self._bytes_out = [0, 0], [0, 0]  # of usual size, large
        self._refused = 0
        self._exchanges = self._dropped = self._errors = self._written = 0
        self._last_error = ""
        self._wake = threading.Event()
        self._closing = False
        self._masker = Masker()
        self._client_key = client_key
        self._knows_at = 0.0 if client_key is not None else math.inf
        self._home = folder.parent
        self._compressor = zstd.compressor(1)
        self._files = Appender(folder)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def put(self, exchange: Item, size: int | None = None) -> None:
        """Queue an exchange, or what makes one on the writer's thread (`size`: the bytes of its bodies).

        What makes one may be called more than once.
        """
        if size is None:
            assert isinstance(exchange, Exchange)
            size = len(exchange.request_body) + len(exchange.response_body)
        size += OVERHEAD
        large = size > LARGE
        if self._closing or self._waiting(large) + size > (LARGE_QUEUE if large else QUEUE):
            self._refused += 1
            return
        self._bytes_in[large] += size
        self._queue.append((exchange, size))
        if not self._wake.is_set():
            self._wake.set()

    def _waiting(self, large: bool) -> int:
        """Bytes of the queue, in exchanges of usual size or in large ones."""
        return self._bytes_in[large] - self._bytes_out[large]

    def stats(self) -> JournalStats:
        """The counters now."""
        return JournalStats(
            exchanges=self._exchanges,
            bytes=self._written,
            dropped=self._dropped + self._refused,
            errors=self._errors,
            last_error=self._last_error,
            queue=len(self._queue),
            segments=self._files.count,
        )

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return self._waiting(False) + self._waiting(True)

    @property
    def on_disk(self) -> int:
        """Bytes of all segments together, as last seen."""
        return self._files.total

    @property
    def cap(self) -> int:
        """Bytes that all segments together may have."""
        return self._cap

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued, sync, and end the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout)
        if left := self._dropped + len(self._queue):
            log.warning("the journal ends without %d exchanges that the disk did not take in time", left)

    def _run(self) -> None:
        self._know()
        self._try(self._files.take)
        while True:
            self._wake.wait(IDLE)
            if time.monotonic() >= self._knows_at:
                self._know()
            if self._queue:
                if not self._closing and self._waiting(False) + self._waiting(True) < HURRY:
                    time.sleep(GATHER)
                if self._try(self._commit):
                    continue
                if self._closing:
                    break
                time.sleep(RETRY)
            elif self._closing:
                break
            else:
                self._wake.clear()
                if self._queue:
                    self._wake.set()
                else:
                    self._try(self._rest)
        self._dropped += len(self._queue)
        self._try(self._files.close)

    def _know(self) -> None:
        """Take up the credentials that are known; without them exchanges are masked by what they tell, until
        they can be had."""
        if self._client_key is None:
            return
        self._knows_at = time.monotonic() + KNOW
        try:
            key = self._client_key()
            seen = SeenWriter(self._home, key)
        except (OSError, SkillClawError) as error:
            self._fail(f"credentials cannot be remembered: {error}")
            return

        def learn(value: str) -> None:
            try:
                seen.add(value)
            except OSError as error:
                self._fail(f"credentials cannot be remembered: {error.strerror or error}")

        self._masker = Masker(key, learn)
        self._knows_at = math.inf

    def _rest(self) -> None:
        self._files.sync()
        self._files.rotate_old()

    def _try(self, part: Callable[[], None]) -> bool:
        """Do it; False when the disk did not take it, which is told once, not at every try."""
        try:
            part()
        except Exception as error:  # without this thread nothing would be recorded any more, and nobody told
            self._files.forget()
            if isinstance(error, TimeoutError):
                why = "another process writes this journal"
            elif isinstance(error, OSError):
                why = f"the journal cannot be written: {error.strerror or error}"
            else:
                why = f"the journal cannot be written: {type(error).__name__}: {error}"
            self._fail(why)
            return False
        return True

    def _fail(self, why: str) -> None:
        self._errors += 1
        if why != self._last_error:
            log.error("%s", why)
        self._last_error = why

    def _commit(self) -> None:
        """Write one group. It leaves the queue only when the system has it."""
        chains, start = self._files.ready()
        group = [self._queue[i] for i in range(min(GROUP, len(self._queue)))]
        if self._files.total >= self._cap and self._files.recount() >= self._cap:
            self._dropped += len(group)
            self._fail(f"the journal is full ({self._cap >> 20} MB, setting journal.max_mb)")
        else:
            errors, frames, end = self._errors, [], start
            turn = 1 + len(self._queue) // SHARE
            for number, (item, _) in enumerate(group, 1):
                frame = self._pack(item, chains, end)
                frames.append(frame)
                end += len(frame)
                if number % turn == 0:
                    # One thread runs at a time: traffic must not wait for the rest of the group.
                    time.sleep(0)
            self._files.append(b"".join(frames))
            self._exchanges += sum(1 for frame in frames if frame)
            self._written += end - start
            if self._errors == errors:
                self._last_error = ""
        for _, size in group:
            self._queue.popleft()
            self._bytes_out[size > LARGE] += size

    def _pack(self, item: Item, chains: Chains, offset: int) -> bytes:
        """The frame of one exchange; empty (and counted) for one that cannot be recorded."""
        try:
            exchange = self._masker.mask(item if isinstance(item, Exchange) else item())
            request = chains.encode(exchange.agent, exchange.request_body, offset)
            bare = msgspec.structs.replace(exchange, request_body=b"")
            return segment.pack(segment.Stored(bare, request), self._compressor)
        except Exception as error:
            chains.clear()  # the next record takes its place, and must not be taken for it
            self._dropped += 1
            self._fail(f"an exchange could not be recorded: {type(error).__name__}: {error}")
            return b""
