"""What one author in a room may ask of its model: its own limits, and the budget of the cycle and the day."""

from __future__ import annotations

from skillclaw.errors import SkillClawError
from skillclaw.evolve.models import Ledger
from skillclaw.evolve.models.ledger import Booking
from skillclaw.settings import AuthorSettings

__all__ = ["RunMeter"]

STAGE = "cli"
BYTES = 4
"""Of a request for each token, where nobody counts."""


class RunMeter:
    """See `headless.gateway.Meter`. `over` says why no more may be asked, empty while it may; `error` is set
    where that ends the whole cycle's asking."""

    def __init__(self, ledger: Ledger, limits: AuthorSettings) -> None:
        self._ledger, self._limits = ledger, limits
        self._booked: list[tuple[Booking, int]] = []
        self.over = ""
        self.error: SkillClawError | None = None
        self.steps = self.tokens_in = self.tokens_out = 0

    def begin(self, size: int, most: int) -> str:
        """See `Meter.begin`."""
        limits, expected = self._limits, size // BYTES
        asked = sum(open_one for _, open_one in self._booked)
        if not self.over and self.steps >= limits.steps:
            self.over = f"{limits.steps} requests (evolve.agent.steps)"
        if (
            not self.over
            and limits.tokens
            and self.tokens_in + self.tokens_out + asked + expected > limits.tokens
        ):
            self.over = f"{limits.tokens:,} tokens (evolve.agent.tokens)"
        if not self.over:
            try:
                self._booked.append((self._ledger.book(STAGE, expected, most), expected))
            except SkillClawError as error:
                self.error, self.over = error, f"{error.what} {error.why}".strip()
        self.steps += not self.over
        return self.over

    def end(self, size: int, tokens_in: int | None, tokens_out: int | None) -> None:
        """See `Meter.end`."""
        used = max(0, size // BYTES if tokens_in is None else tokens_in), max(0, tokens_out or 0)
        self.tokens_in += used[0]
        self.tokens_out += used[1]
        if self._booked:
            try:
                self._ledger.settle(self._booked.pop(0)[0], *used)
            except SkillClawError as error:
                self.error, self.over = error, f"{error.what} {error.why}".strip()
