"""When the parts of `up` are due again."""

from __future__ import annotations

import pytest

from skillclaw.errors import StorageError
from skillclaw.server.up import timetable
from skillclaw.server.up.timetable import Every


class Clock:
    """The two times that a timetable reads: of the wall, and of computing."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def monotonic(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.cpu

    def spend(self, wall: float, cpu: float = 0.0) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timetable, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("wall", "cpu", "rest"),
    [(0.1, 0.1, 60.0), (30.0, 0.1, 60.0), (5.0, 5.0, 95.0), (40.0, 30.0, 570.0)],
    ids=["quick", "waits for a storage", "computes", "computes long"],
)
def test_what_computes_long_rests_long(clock: Clock, wall: float, cpu: float, rest: float) -> None:
    def part() -> bool:
        clock.spend(wall, cpu)
        return True

    every = Every(60.0, part)
    assert every.is_due() and every.run()
    clock.spend(rest - 0.5)
    assert not every.is_due()
    clock.spend(1.0)
    assert every.is_due()


def test_what_is_behind_goes_on_at_once(clock: Clock) -> None:
    every = Every(60.0, lambda: clock.spend(5.0, 5.0) is None, behind=lambda: True)
    every.run()
    assert every.is_due()


def test_what_a_storage_stopped_is_tried_again_soon(clock: Clock) -> None:
    def part() -> bool:
        clock.spend(30.0, 30.0)
        raise StorageError("full")

    every = Every(60.0, part)
    with pytest.raises(StorageError):
        every.run()
    clock.spend(timetable.AGAIN)
    assert every.is_due()
