"""Several machines that do something to one hub at the same moment, and what became of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hub_logs import opened

from skillclaw.errors import SkillClawError
from skillclaw.hub import Hub, keys

Deed = Callable[[Hub], object]


def machines(place: Path, count: int, url: str = "") -> list[Hub]:
    """The owner's machine, which has a reviewer's key too, and copies of it without the owner's key, which
    speak for people as the reviewer. Each reads and writes for itself."""
    first = _opened(place, "me", url)
    first.state()
    reviewer = keys.load_or_create(place / "me" / "keys", first.info.group, "reviewer")
    if keys.public_hex(reviewer) not in first.state().keys:
        body = {"public": keys.public_hex(reviewer), "role": "reviewer", "name": "rev"}
        first.commit("key-add", body, role="owner")
    found = [first]
    for n in range(1, count):
        home = place / f"me {n}"
        shutil.copytree(place / "me", home, dirs_exist_ok=True)
        (home / "keys" / first.info.group / "owner.key").unlink()
        found.append(_opened(place, f"me {n}", url))
    return found


def _opened(place: Path, user: str, url: str) -> Hub:
    """The hub in the folder of `place`, or at `url`."""
    home = place / user
    return Hub.open_or_create(url, home / "keys", home / "hubs.json") if url else opened(place, user)


class _Meeting:
    """All have judged their first entry by one state of the log before any is written; then `first` writes.

    Left to chance one order may never come up, and a machine that is slower sees the other's entry before it
    decides, so that nothing is raced at all. Who ends without an entry keeps nobody waiting.
    """

    def __init__(self, hubs: Sequence[Hub], first: int) -> None:
        self._left = set(range(len(hubs)))
        self._first = first
        self._written = False
        self._moved = threading.Condition()
        for n, hub in enumerate(hubs):
            self._hold(hub, n)

    def _hold(self, hub: Hub, n: int) -> None:
        write = hub.store.create_surely

        def held(key: str, data: bytes) -> bool:
            if not key.startswith("log/"):
                return write(key, data)
            hub.store.create_surely = write  # type: ignore[method-assign]
            with self._moved:
                self._left.discard(n)
                self._moved.notify_all()
                ready = self._moved.wait_for(
                    lambda: not self._left and (self._written or n == self._first), 30
                )
            assert ready, "the others did not come"
            try:
                return write(key, data)
            finally:
                if n == self._first:
                    self._went_on()

        hub.store.create_surely = held  # type: ignore[method-assign]

    def _went_on(self) -> None:
        with self._moved:
            self._written = True
            self._moved.notify_all()

    def ended(self, n: int) -> None:
        """Machine `n` does no more."""
        with self._moved:
            self._left.discard(n)
            self._moved.notify_all()
        if n == self._first:
            self._went_on()


def at_once(
    hubs: Sequence[Hub], deeds: Sequence[Deed], first: int | None = None
) -> list[SkillClawError | None]:
    """What each deed raised; another error than one that a user can understand is raised here.

    `first` is the machine whose entry is the first in the log, which all others find there when they write
    theirs; None, or a number that no machine has, leaves it to chance.
    """
    gate = threading.Barrier(len(deeds))
    found: list[BaseException | None] = [None] * len(deeds)
    meeting = _Meeting(hubs[: len(deeds)], first) if first is not None and first < len(deeds) else None

    def do(n: int) -> None:
        try:
            hubs[n].state()
            gate.wait(30)
            deeds[n](hubs[n])
        except BaseException as error:
            found[n] = error
        finally:
            if meeting is not None:
                meeting.ended(n)

    threads = [threading.Thread(target=do, args=(n,)) for n in range(len(deeds))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    told: list[SkillClawError | None] = []
    for error in found:
        if error is not None and not isinstance(error, SkillClawError):
            raise error
        told.append(error)
    return told
