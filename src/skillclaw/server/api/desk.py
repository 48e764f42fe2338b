"""The groups' hubs for the API: opened once, one request at a time each, so that one that is slow holds up no
other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.server.api.errors import ApiError
from skillclaw.server.machine import Machine

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, ProposalState, SkillState

__all__ = ["Desk", "Opened"]

WAITING = 8
"""Requests that may wait for one hub at a time."""
PATIENCE = 20.0
"""Seconds that one waits at most."""


@dataclass(frozen=True)
class Opened:
    """A group's hub as it was read for this request."""

    machine: Machine
    name: str
    hub: Hub
    state: HubState

    def proposal(self, id_: str) -> ProposalState:
        """The proposal with exactly this id."""
        found = self.state.proposals.get(id_)
        if found is None:
            raise ApiError(404, "There is no such proposal.", "", f"List them: groups/{self.name}/proposals")
        return found

    def skill(self, name: str) -> SkillState:
        """The skill of this name."""
        found = self.state.skills.get(name)
        if found is None:
            raise ApiError(404, "There is no such skill.", "", f"List them: groups/{self.name}/skills")
        return found

    @property
    def decides(self) -> bool:
        """Whether this machine may speak for people there."""
        return self.hub.acts_as("owner", "reviewer") is not None

    def must_decide(self) -> None:
        """ApiError where it may not."""
        if not self.decides:
            raise ApiError(403, *NO_PERSON)


NO_PERSON = (
    "This server may not decide for the group.",
    "It has the evolver's key, but no key of an owner or reviewer that counts.",
    "Decide on a machine that has one: skillclaw proposals, skillclaw skills",
)


class _Place:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lock = threading.Lock()
        self.waiting = threading.BoundedSemaphore(WAITING)


class Desk:
    """The hubs of the groups that `served` names."""

    def __init__(self, home: Path, environ: Mapping[str, str], served: Callable[[], list[str]]) -> None:
        self.home = home
        self.environ = environ
        self.served = served
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def check(self, name: str) -> None:
        """ApiError where no group is served whose hub has this name."""
        if name not in self.served():
            raise ApiError(404, "This server serves no such group.", "", "List them: /api/v1/groups")

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """The hub, read now, for this thread alone. ApiError, or what keeps the hub from being read."""
        self.check(name)
        with self._lock:
            place = self._places.get(name)
            if place is None:
                # A machine for each hub: what it has opened is for one thread at a time.
                place = self._places[name] = _Place(Machine(self.home, self.environ))
        if not place.waiting.acquire(blocking=False):
            raise ApiError(503, "Too many requests wait for the group's hub.", "", "Try again.")
        try:
            if not place.lock.acquire(timeout=PATIENCE):
                raise ApiError(503, "The group's hub is slow.", f"Nothing in {PATIENCE:.0f} s.", "Try again.")
            try:
                source = place.machine.hubs.source(name)
                if source.error is not None:
                    raise source.error
                assert source.hub is not None and source.state is not None
                yield Opened(place.machine, name, source.hub, source.state)
            finally:
                place.lock.release()
        finally:
            place.waiting.release()
