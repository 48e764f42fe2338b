"""`skillclaw up` runs the cycles of the groups that its machine evolves for, as `serve` does: without API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw import settings as settings_module
from skillclaw.errors import BusyError
from skillclaw.hub import keys
from skillclaw.server.serving.service import Service
from skillclaw.server.sharing.view import group_of, hub_names

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.serving.records import GroupStatus

__all__ = ["Beside"]

GRACE = 5.0
"""Seconds that cycles get to end when `up` does; `skillclaw stop` waits for it."""


class Beside:
    """The server beside a daemon, begun once there is something for it to do."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._service: Service | None = None

    def step(self) -> bool:
        """Begin where it is wanted and does not run; True when it began. A `serve` of this home does the same
        work, so nothing is begun beside one. Raises StorageError where the home cannot be written."""
        if self._service is not None or not self._wanted():
            return False
        settings = settings_module.load(self.machine.home, self.machine.environ)
        service = Service(self.machine.home, settings.serve, self.machine.environ)
        try:
            service.start()
        except BusyError:
            return False
        self._service = service
        return True

    def groups(self) -> list[GroupStatus]:
        """How each group stands; none where it does not run."""
        return self._service.groups() if self._service is not None else []

    def stop(self) -> None:
        """End it, where it runs."""
        if self._service is not None:
            self._service.stop(GRACE)
            self._service = None

    def _wanted(self) -> bool:
        """Whether an evolver's key of a group lies here; the hubs are not asked."""
        settings = settings_module.load(self.machine.home, self.machine.environ)
        if not settings.serve.in_up:
            return False
        folder = self.machine.home / "keys"
        groups = [group_of(self.machine, name) for name in hub_names(settings)]
        return any(group is not None and keys.load(folder, group, "evolver") is not None for group in groups)
