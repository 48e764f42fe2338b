"""Days that pass in a test: the clocks of the modules that write or compare moments are in the past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from unittest.mock import patch

CLOCKS = (
    "skillclaw.hub.hub",
    "skillclaw.hub.inbox",
    "skillclaw.hub.taking_in",
    "skillclaw.library.library",
    "skillclaw.server.groups.claiming",
    "skillclaw.server.groups.collecting",
    "skillclaw.server.groups.cycle",
    "skillclaw.server.hubs.opened",
    "skillclaw.server.sharing.view",
)
_real = datetime


class Days:
    """What the clocks say; `wait` lets time pass."""

    def __init__(self, ago: float) -> None:
        today = _real.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
        self.now = today - timedelta(days=ago)

    def wait(self, days: float) -> _real:
        """The time after so many days more."""
        self.now += timedelta(days=days)
        assert self.now <= _real.now(UTC), "what comes from the future is none of ours"
        return self.now


@contextmanager
def past(ago: float) -> Iterator[Days]:
    """Everything happens from `ago` days before today on."""
    days = Days(ago)

    class Clock(_real):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> _real:  # type: ignore[override]
            return days.now

    with ExitStack() as stack:
        for module in CLOCKS:
            stack.enter_context(patch(f"{module}.datetime", Clock))
        yield days
