"""One cycle of every group, and no more: `serve --once`."""

from __future__ import annotations

import threading

from skillclaw.errors import BusyError
from skillclaw.server.serving.records import CycleLine, GroupStatus
from skillclaw.server.serving.service import Service
from skillclaw.trajectory.model import Record

__all__ = ["Once", "once"]

LOOKED = 300.0
"""Seconds in which every hub must have been looked at; those that were not count as failed."""


class Once(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What came of it: the cycles, and the groups that got none."""

    cycles: list[CycleLine]
    without: list[GroupStatus]

    @property
    def well(self) -> bool:
        """Whether every group got a cycle that was done."""
        return not self.without and all(line.outcome == "done" for line in self.cycles)


def once(service: Service, stop: threading.Event) -> Once:
    """Run a cycle of every group of `service`, which was made with `by_itself=False` and started. Gives what
    was done until `stop` was set."""
    service.looked(LOOKED, stop)
    asked: list[str] = []
    without: list[GroupStatus] = []
    for group in service.groups():
        try:
            if group.state in ("elsewhere", "paused", "failing"):
                without.append(group)
            else:
                asked.append(service.run_now(group.hub))
        except BusyError:
            without.append(group)
    while not stop.is_set() and any(_runs(service, one) for one in asked):
        stop.wait(0.1)
    return Once(cycles=[line for one in asked if (line := service.find(one))], without=without)


def _runs(service: Service, cycle: str) -> bool:
    line = service.find(cycle)
    return line is not None and line.outcome == "running"
