"""The one open segment of a journal, and the files beside it: lock, torn tail, rotation, size."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import filelock

from skillclaw.journal import segment
from skillclaw.journal.delta import Chains
from skillclaw.private import lasting_folder, sync_folder

__all__ = ["ROTATE", "Appender", "lock_of"]

SEGMENT = 16 << 20
"""Bytes after which a segment ends."""
SEGMENT_AGE = 3600.0
"""Seconds after which a segment ends, so that expiry works by whole files."""
ROTATE = "rotate"
"""A file of this name asks the writer to begin a new segment and forget the bodies of the present one; the
writer takes it away once it has."""
SYNC = 1.0
"""Seconds between fsyncs: what a power loss may cost."""
RECOUNT = 1.0
"""Seconds between looks at what other segments weigh, when the journal is full."""
FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def lock_of(folder: Path) -> filelock.BaseFileLock:
    """The lock that the one writer of a journal holds; the system frees it when the process dies."""
    return filelock.FileLock(folder / "writer.lock", timeout=0, mode=0o600)


class Appender:
    """Appends bytes to the newest segment of `folder`. Every method may raise OSError; then call `forget`.

    `total` is the size of all segments in bytes, `count` how many there are; both as last seen.
    """

    def __init__(self, folder: Path) -> None:
        self.total = 0
        self.count = 0
        self._folder = folder
        self._lock: filelock.BaseFileLock | None = None
        self._fd = -1
        self._number = 0
        self._path = folder
        """The newest segment that this one made."""
        self._end = 0
        self._born = 0.0
        self._named = True
        """Whether the disk counts the names of a file: some tell none of any."""
        self._dirty = False
        self._unnamed = False
        """Whether the disk may not know the newest segment's name yet."""
        self._synced = time.monotonic()
        self._syncing: threading.Thread | None = None
        self._sync_error: OSError | None = None
        self._counted = 0.0
        self._chains = Chains()

    def take(self) -> None:
        """Become the journal's one writer and cut what a crash left half written; does so once."""
        if self._lock is not None:
            return
        lasting_folder(self._folder)
        lock = lock_of(self._folder)
        lock.acquire()
        self._lock = lock
        found = segment.segments(self._folder)
        if found:
            _cut_tail(segment.path_of(self._folder, found[-1]))
            sync_folder(self._folder)
        self.recount(now=True)

    def ready(self) -> tuple[Chains, int]:
        """Open a segment if there is none or it has ended; what it remembers, and its end."""
        self.take()
        asked = self._is_asked()
        if asked or self._fd < 0 or self._end >= SEGMENT or self._is_old() or self._is_gone():
            self._next(anew=asked)
        if asked:
            self._answer()
        return self._chains, self._end

    def append(self, data: bytes) -> None:
        """Write `data` to the system (a kill loses nothing of it), to the disk at most once a second."""
        self._raise()  # before: what is written stays written, and who is told of an error writes it again
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self._end += len(data)
        self.total += len(data)
        self._dirty = True
        self._sync_in_time()

    def forget(self) -> None:
        """After a failure: cut back to the last whole record; else leave this segment for a new one."""
        self._chains = Chains()
        if self._fd < 0:
            return
        if self._end < len(segment.MAGIC):
            # One whose begin could not be written: what came behind it would not be read.
            with suppress(OSError):
                self._path.unlink()
            self._leave()
            return
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            self._leave()

    def _leave(self) -> None:
        """Close the segment. Some disks tell only then that they are full; it is closed all the same."""
        fd, self._fd = self._fd, -1
        with suppress(OSError):
            os.close(fd)

    def sync(self) -> None:
        """Have what was written put on the disk itself, at most once a second.

        Another thread does it, since a sync takes as long as a slow disk likes and commits must not wait. Its
        failure is raised by the next call.
        """
        self._raise()
        self._sync_in_time()

    def _raise(self) -> None:
        if self._sync_error is not None:
            error, self._sync_error = self._sync_error, None
            raise error

    def _sync_in_time(self) -> None:
        if not self._dirty or self._fd < 0 or time.monotonic() - self._synced < SYNC:
            return
        if self._syncing is None or not self._syncing.is_alive():
            self._start_sync()

    def _start_sync(self) -> None:
        self._dirty = False
        self._synced = time.monotonic()
        copy = -1
        try:
            copy = os.dup(self._fd)
            syncing = threading.Thread(target=self._fsync, args=(copy,), name="journal-sync", daemon=True)
            syncing.start()
        except (OSError, RuntimeError) as error:  # no file or thread is left to this process
            self._dirty = True
            self._sync_error = OSError(errno.EAGAIN, f"it cannot be synced: {error}")
            if copy >= 0:
                os.close(copy)
            return
        self._syncing = syncing

    def _fsync(self, fd: int) -> None:
        try:
            os.fsync(fd)
            if self._unnamed:
                self._unnamed = False
                sync_folder(self._folder)
        except OSError as error:
            self._unnamed = True
            self._sync_error = error
        finally:
            os.close(fd)

    def rotate_old(self) -> None:
        """Begin a new segment if the present one holds something and has come of age, or another asks."""
        asked = self._is_asked()
        if asked or self._is_old():
            self._next(anew=asked)
        if asked:
            self._answer()

    def recount(self, *, now: bool = False) -> int:
        """Look again at what the segments weigh (others delete them), at most once a second."""
        if now or time.monotonic() - self._counted >= RECOUNT:
            self._counted = time.monotonic()
            sizes = [_size(segment.path_of(self._folder, n)) for n in segment.segments(self._folder)]
            self.total, self.count = sum(sizes), len(sizes)
        return self.total

    def close(self) -> None:
        """Sync, close and let go of the lock."""
        try:
            if self._syncing is not None:
                self._syncing.join()
            if self._dirty and self._fd >= 0:
                os.fsync(self._fd)
            if self._unnamed:
                sync_folder(self._folder)
        finally:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _is_old(self) -> bool:
        return (
            self._fd >= 0 and self._end > len(segment.MAGIC) and time.monotonic() - self._born >= SEGMENT_AGE
        )

    def _is_gone(self) -> bool:
        """Whether the open segment has no name any more: somebody deleted it, or put a copy in its place."""
        return self._named and os.fstat(self._fd).st_nlink == 0

    def _is_asked(self) -> bool:
        return (self._folder / ROTATE).exists()

    def _answer(self) -> None:
        (self._folder / ROTATE).unlink(missing_ok=True)

    def _next(self, *, anew: bool = False) -> None:
        """Open the next segment; `anew`: in no case one that is there, be it empty."""
        if self._fd >= 0:
            if self._dirty:
                self._start_sync()
            self._leave()
        found = segment.segments(self._folder)
        last = found[-1] if found else 0
        path = segment.path_of(self._folder, last)
        empty = found and _size(path) == len(segment.MAGIC) and path.read_bytes() == segment.MAGIC
        if empty and not anew:
            self._fd = os.open(path, FLAGS)
            self._unnamed = True  # whoever made it may have died before the disk knew of it
        else:
            # Numbers only rise: a reader's position must never lie in the future.
            last = max(last, self._number) + 1
            self._path = segment.path_of(self._folder, last)
            self._fd = os.open(self._path, FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
            self._end = 0
            self._unnamed = True
            self.append(segment.MAGIC)
        self._named = os.fstat(self._fd).st_nlink > 0
        self._number, self._end, self._born = last, len(segment.MAGIC), time.monotonic()
        self._chains = Chains()
        self.recount(now=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _cut_tail(path: Path) -> None:
    """Cut a segment after its last whole frame; a file that is no segment of ours is left as it is."""
    with path.open("r+b") as file:
        # who was killed may have synced nothing of it: a power cut would take what was finished long ago
        os.fsync(file.fileno())
        if file.read(len(segment.MAGIC)) != segment.MAGIC:
            return
        end = len(segment.MAGIC)
        torn = False
        for frame in segment.frames(file):
            if isinstance(frame, str):
                torn = True
            else:
                end = frame.end
        if torn:
            file.truncate(end)
