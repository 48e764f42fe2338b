"""What models may cost, and what they did: per cycle in memory, per day in a book (`daybook`).

A request is booked at its highest price before it is made and at its real price after, so that neither a kill
nor a second process can pass a cap.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skillclaw.evolve.models.daybook import NOTHING, DayBook, Sums, added_to, today
from skillclaw.evolve.models.records import Forecast, ModelError, Spending, StageSpent, added
from skillclaw.settings import BudgetSettings
from skillclaw.trajectory.model import Record

__all__ = ["Booking", "Ledger"]

MOST = 100_000_000
"""Tokens that one request can have taken either way."""
CYCLE = "of this cycle"


class Booking(Record, frozen=True, kw_only=True):
    """A request that was let through: its stage, its day, and what was set aside for it."""

    stage: str
    day: str
    tokens: int
    usd: float


class Ledger:
    """The caps, and what is left of them. `book` has the days: a home's, or one in memory for None.

    refused  which cap the last request that was not let through would have passed; empty for none
    """

    def __init__(
        self,
        caps: BudgetSettings,
        *,
        usd_in: float = 0.0,
        usd_out: float = 0.0,
        book: DayBook | Path | None = None,
        day: Callable[[], str] = today,
    ) -> None:
        self.caps = caps
        self._usd = usd_in, usd_out
        self._book = book if isinstance(book, DayBook) else DayBook(book)
        self._day = day
        self._stages: dict[str, StageSpent] = {}
        self._held = NOTHING
        self.refused = ""

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars that so many tokens cost; 0 where the price is not known."""
        return (tokens_in * self._usd[0] + tokens_out * self._usd[1]) / 1e6

    @property
    def priced(self) -> bool:
        """Whether the price is known."""
        return any(self._usd)

    @property
    def cycle_ended(self) -> bool:
        """Whether it was a cap of the cycle that was in the way, which the next cycle has anew."""
        return self.refused.endswith(CYCLE)

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
        day = self._book.of(self._day())
        return not self._over(day, tokens_in + tokens_out, self.usd(tokens_in, tokens_out))

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
        with self._book.page(day) as page:
            if why := self._over(page.sums, tokens, usd):
                self.refused = why
                raise ModelError(
                    "budget",
                    f"The model's budget is used up: {why}.",
                    f"The next question ({stage}) may take up to {tokens:,} tokens.",
                    "It goes on with the next cycle or day; or raise evolve.budget.*",
                    final=True,
                )
            page.add(tokens=tokens, calls=1, usd=usd)
        self._held = added_to(self._held, tokens=tokens, calls=1, usd=usd)
        return Booking(stage=stage, day=day, tokens=tokens, usd=usd)

    def settle(self, booking: Booking, tokens_in: int, tokens_out: int) -> None:
        """Put what the request really took in the place of what was set aside for it.

        The provider counts, and may count wrong: nothing is given back, and no count is beyond all reason.
        """
        tokens_in, tokens_out = (min(max(count, 0), MOST) for count in (tokens_in, tokens_out))
        usd = self.usd(tokens_in, tokens_out)
        self._held = added_to(self._held, tokens=-booking.tokens, calls=-1, usd=-booking.usd)
        before = self._stages.get(booking.stage, StageSpent(stage=booking.stage))
        self._stages[booking.stage] = added(
            before, calls=1, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd
        )
        with self._book.page(booking.day) as page:
            page.add(tokens=tokens_in + tokens_out - booking.tokens, usd=usd - booking.usd)

    def note_recorded(self, stage: str) -> None:
        """A recorded answer was used, which costs nothing."""
        self._stages[stage] = added(self._stages.get(stage, StageSpent(stage=stage)), recorded=1)

    def _over(self, day: Sums, tokens: int, usd: float) -> str:
        """Which cap one more request would pass; empty for none."""
        now, caps = self.spent(), self.caps
        held = self._held
        limits = (
            (f"tokens {CYCLE}", now.tokens + held.tokens + tokens, caps.tokens),
            (f"calls {CYCLE}", now.calls + held.calls + 1, caps.calls),
            (f"dollars {CYCLE}", now.usd + held.usd + usd, caps.usd),
            ("tokens of this day", day.tokens + tokens, caps.day_tokens),
            ("calls of this day", day.calls + 1, caps.day_calls),
            ("dollars of this day", day.usd + usd, caps.day_usd),
        )
        for name, would, cap in limits:
            if cap and would > cap + 1e-9:
                return f"{cap:,} {name}"
        return ""
