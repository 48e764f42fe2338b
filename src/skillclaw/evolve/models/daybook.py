"""What models were paid by day, in a file that outlives a kill; and what other machines paid for a group.

Days are those of UTC. A sum of money is only ever raised before it is spent, so that neither a kill nor a
second process can pass a cap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import filelock
import msgspec

from skillclaw.errors import UNREADABLE, BusyError, StorageError
from skillclaw.evolve.models.records import Spending
from skillclaw.formats import stop_at_newer
from skillclaw.private import private_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = ["NOTHING", "DayBook", "Page", "SharedDays", "Sums", "added_to", "of_day", "today"]

FILE = "model-spending.json"
FORMAT = 1
DAYS = 14
"""Days whose sums are kept."""
WAIT = 10.0
"""Seconds for another process to write its own booking."""


class Sums(Record, frozen=True, kw_only=True):
    """What was paid: tokens both ways, requests, US dollars (0 where the price is not known)."""

    tokens: int = 0
    calls: int = 0
    usd: float = 0.0


NOTHING = Sums()


class SharedDays(Protocol):
    """What the evolvers of one group paid for it, by day; each tells its own."""

    def others(self, day: str) -> tuple[int, int, float]:
        """Tokens, requests and US dollars that all but this one paid on `day`, as last told. StorageError."""

    def add(self, day: str, tokens: int, calls: int, usd: float) -> None:
        """This one paid so much more (or less, where less was taken than was set aside). Raises nothing."""


def today() -> str:
    """The day of UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def of_day(home: Path, day: str) -> Spending:
    """What models were paid on `day` (YYYY-MM-DD, UTC) by all of this home. StorageError where the file that
    counts it is damaged or cannot be read."""
    sums = DayBook(home).of(day)
    return Spending(tokens=sums.tokens, calls=sums.calls, usd=round(sums.usd, 6))


def added_to(sums: Sums, *, tokens: int, calls: int = 0, usd: float = 0.0) -> Sums:
    """`sums` and so much more; none falls below 0."""
    return Sums(
        tokens=max(0, sums.tokens + tokens),
        calls=max(0, sums.calls + calls),
        usd=max(0.0, sums.usd + usd),
    )


class Page:
    """One day of the book: `sums` of before, `more` what was added since."""

    def __init__(self, sums: Sums) -> None:
        self.sums = sums
        self.more = NOTHING

    def add(self, *, tokens: int, calls: int = 0, usd: float = 0.0) -> None:
        """So much more, or less where the numbers are below 0."""
        self.more = Sums(
            tokens=self.more.tokens + tokens, calls=self.more.calls + calls, usd=self.more.usd + usd
        )


class DayBook:
    """The sums of a home by day, for all its processes; with `shared` also those of other machines.

    `home` None keeps them in memory alone.
    """

    def __init__(self, home: Path | None, shared: SharedDays | None = None) -> None:
        self._path = home / FILE if home is not None else None
        self._memory: dict[str, Sums] = {}
        self._shared = shared

    def of(self, day: str) -> Sums:
        """What was paid on `day` by all of this home, and by others for the same group. StorageError."""
        try:
            own = (self._memory if self._path is None else _read(self._path)).get(day, NOTHING)
        except OSError as error:
            assert self._path is not None
            raise _unwritable(self._path, error) from error
        return self._with_others(own, day)

    @contextmanager
    def page(self, day: str) -> Iterator[Page]:
        """The page of `day`, held against other processes while the block runs; what was added to it is kept
        when the block ends without an error. BusyError, StorageError."""
        with self._held() as days:
            page = Page(self._with_others(days.get(day, NOTHING), day))
            yield page
            more = page.more
            if more == NOTHING:
                return
            days[day] = added_to(days.get(day, NOTHING), tokens=more.tokens, calls=more.calls, usd=more.usd)
            if self._path is not None:
                _write(self._path, days)
        if self._shared is not None:
            self._shared.add(day, more.tokens, more.calls, more.usd)

    def _with_others(self, own: Sums, day: str) -> Sums:
        if self._shared is None:
            return own
        tokens, calls, usd = self._shared.others(day)
        return added_to(own, tokens=tokens, calls=calls, usd=usd)

    @contextmanager
    def _held(self) -> Iterator[dict[str, Sums]]:
        if self._path is None:
            yield self._memory
            return
        try:
            private_folder(self._path.parent)
            with filelock.FileLock(f"{self._path}.lock", timeout=WAIT, mode=0o600):
                yield _read(self._path)
        except filelock.Timeout as error:
            raise BusyError(
                f"Another process holds {self._path}.", "", "Try again when it is done."
            ) from error
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _write(path: Path, days: Mapping[str, Sums]) -> None:
    kept = dict(sorted(days.items())[-DAYS:])
    with whole_file(path) as file:
        file.write(msgspec.json.encode(kept))


def _read(path: Path) -> dict[str, Sums]:
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT)
        return msgspec.json.decode(raw, type=dict[str, Sums])
    except FileNotFoundError:
        return {}
    except UNREADABLE as error:
        # To take it for empty would let a day spend twice.
        raise StorageError(
            f"{path} is damaged.",
            f"{error}.",
            "Delete it; what models were paid today is counted from 0 then.",
        ) from error


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"Cannot keep count of what models cost in {path}.", str(error), "Free space or mend permissions."
    )
