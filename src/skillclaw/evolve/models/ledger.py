"""What models may cost, and what they did: per cycle in memory, per day in a file that outlives a kill.

A request is booked at its highest price before it is made and at its real price after, so that neither a kill
nor a second process can pass a cap. Days are those of UTC.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import filelock
import msgspec

from skillclaw.errors import BusyError, StorageError
from skillclaw.evolve.models.records import Forecast, ModelError, Spending, StageSpent, added
from skillclaw.private import private_folder, whole_file
from skillclaw.settings import BudgetSettings
from skillclaw.trajectory.model import Record

__all__ = ["Booking", "Ledger", "of_day", "today"]

FILE = "model-spending.json"
DAYS = 14
"""Days whose sums are kept."""
MOST = 100_000_000
"""Tokens that one request can have taken either way."""
WAIT = 10.0
"""Seconds for another process to write its own booking."""


class _Sums(Record, frozen=True, kw_only=True):
    tokens: int = 0
    calls: int = 0
    usd: float = 0.0


class Booking(Record, frozen=True, kw_only=True):
    """A request that was let through: its stage, its day, and what was set aside for it."""

    stage: str
    day: str
    tokens: int
    usd: float


def today() -> str:
    """The day of UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def of_day(home: Path, day: str) -> Spending:
    """What models were paid on `day` (YYYY-MM-DD, UTC) by all of this home. StorageError where the file that
    counts it is damaged or cannot be read."""
    try:
        sums = _read(home / FILE).get(day, _Sums())
    except OSError as error:
        raise _unwritable(home / FILE, error) from error
    return Spending(tokens=sums.tokens, calls=sums.calls, usd=round(sums.usd, 6))


class Ledger:
    """The caps, and what is left of them. `home` None keeps the day in memory too."""

    def __init__(
        self,
        caps: BudgetSettings,
        *,
        usd_in: float = 0.0,
        usd_out: float = 0.0,
        home: Path | None = None,
        day: Callable[[], str] = today,
    ) -> None:
        self.caps = caps
        self._usd = usd_in, usd_out
        self._home = home
        self._day = day
        self._days: dict[str, _Sums] = {}
        self._stages: dict[str, StageSpent] = {}
        self._held = _Sums()

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars that so many tokens cost; 0 where the price is not known."""
        return (tokens_in * self._usd[0] + tokens_out * self._usd[1]) / 1e6

    @property
    def priced(self) -> bool:
        """Whether the price is known."""
        return any(self._usd)

    def spent(self) -> Spending:
        """What this cycle used up to now."""
        stages = list(self._stages.values())
        return Spending(
            tokens=sum(one.tokens_in + one.tokens_out for one in stages),
            calls=sum(one.calls for one in stages),
            usd=round(sum(one.usd for one in stages), 6),
            recorded=sum(one.recorded for one in stages),
            stages=stages,
        )

    def fits(self, tokens_in: int, tokens_out: int) -> bool:
        """Whether one more request of this size passes no cap."""
        with self._file() as days:
            return not self._over(days, tokens_in + tokens_out, self.usd(tokens_in, tokens_out))

    def price(self, stage: str, calls: int, tokens_in: int, tokens_out: int, recorded: int = 0) -> Forecast:
        """A forecast with its price."""
        return Forecast(
            stage=stage,
            calls=calls,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            usd=round(self.usd(tokens_in, tokens_out), 6) if self.priced else None,
            recorded=recorded,
        )

    def book(self, stage: str, tokens_in: int, tokens_out: int) -> Booking:
        """Let one request through at its highest price; ModelError("budget") where that passes a cap."""
        tokens, usd = tokens_in + tokens_out, self.usd(tokens_in, tokens_out)
        day = self._day()
        with self._file(write=True) as days:
            if why := self._over(days, tokens, usd):
                raise ModelError(
                    "budget",
                    f"The model's budget is used up: {why}.",
                    f"The next question ({stage}) may take up to {tokens:,} tokens.",
                    "It goes on with the next cycle or day; or raise evolve.budget.*",
                    final=True,
                )
            days[day] = _plus(days.get(day, _Sums()), tokens=tokens, calls=1, usd=usd)
        self._held = _plus(self._held, tokens=tokens, calls=1, usd=usd)
        return Booking(stage=stage, day=day, tokens=tokens, usd=usd)

    def settle(self, booking: Booking, tokens_in: int, tokens_out: int) -> None:
        """Put what the request really took in the place of what was set aside for it.

        The provider counts, and may count wrong: nothing is given back, and no count is beyond all reason.
        """
        tokens_in, tokens_out = (min(max(count, 0), MOST) for count in (tokens_in, tokens_out))
        usd = self.usd(tokens_in, tokens_out)
        self._held = _plus(self._held, tokens=-booking.tokens, calls=-1, usd=-booking.usd)
        before = self._stages.get(booking.stage, StageSpent(stage=booking.stage))
        self._stages[booking.stage] = added(
            before, calls=1, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd
        )
        with self._file(write=True) as days:
            if booking.day in days:
                days[booking.day] = _plus(
                    days[booking.day], tokens=tokens_in + tokens_out - booking.tokens, usd=usd - booking.usd
                )

    def note_recorded(self, stage: str) -> None:
        """A recorded answer was used, which costs nothing."""
        self._stages[stage] = added(self._stages.get(stage, StageSpent(stage=stage)), recorded=1)

    def _over(self, days: dict[str, _Sums], tokens: int, usd: float) -> str:
        """Which cap one more request would pass; empty for none."""
        now, caps, day = self.spent(), self.caps, days.get(self._day(), _Sums())
        held = self._held
        limits = (
            ("tokens of this cycle", now.tokens + held.tokens + tokens, caps.tokens),
            ("calls of this cycle", now.calls + held.calls + 1, caps.calls),
            ("dollars of this cycle", now.usd + held.usd + usd, caps.usd),
            ("tokens of this day", day.tokens + tokens, caps.day_tokens),
            ("calls of this day", day.calls + 1, caps.day_calls),
            ("dollars of this day", day.usd + usd, caps.day_usd),
        )
        for name, would, cap in limits:
            if cap and would > cap + 1e-9:
                return f"{cap:,} {name}"
        return ""

    def _file(self, *, write: bool = False) -> _Days:
        return _Days(self._home, self._days, write=write)


def _plus(sums: _Sums, *, tokens: int = 0, calls: int = 0, usd: float = 0.0) -> _Sums:
    return _Sums(
        tokens=max(0, sums.tokens + tokens),
        calls=max(0, sums.calls + calls),
        usd=max(0.0, sums.usd + usd),
    )


class _Days:
    """The sums by day, held against other processes while the block runs."""

    def __init__(self, home: Path | None, memory: dict[str, _Sums], *, write: bool) -> None:
        self._path = home / FILE if home is not None else None
        self._days = memory
        self._write = write
        self._lock: filelock.BaseFileLock | None = None

    def __enter__(self) -> dict[str, _Sums]:
        if self._path is None:
            return self._days
        try:
            if self._write:
                private_folder(self._path.parent)
                self._lock = filelock.FileLock(f"{self._path}.lock", timeout=WAIT, mode=0o600)
                self._lock.acquire()
            self._days = _read(self._path)
        except filelock.Timeout as error:
            raise BusyError(
                f"Another process holds {self._path}.", "", "Try again when it is done."
            ) from error
        except OSError as error:
            self._release()
            raise _unwritable(self._path, error) from error
        return self._days

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._write and self._path is not None:
                kept = dict(sorted(self._days.items())[-DAYS:])
                with whole_file(self._path) as file:
                    file.write(msgspec.json.encode(kept))
        except OSError as error:
            assert self._path is not None
            raise _unwritable(self._path, error) from error
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _read(path: Path) -> dict[str, _Sums]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Sums])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
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
