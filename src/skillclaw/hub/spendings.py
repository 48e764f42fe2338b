"""What the evolvers of a group paid models for it, told to each other, so that a day's cap holds for all.

`jobs/spent/<day>/<short hash of the evolver's key and its place>`, sealed to the evolvers (room.py), written
anew with every request. One cycle runs at a time, so that what others told is all that they paid, but for the
one request that a machine was at when it died.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE, SkillClawError, VerifyError
from skillclaw.hub import room
from skillclaw.hub.keys import public_hex
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub

__all__ = ["DAYS", "HubSpendings", "Told"]

FOLDER = "jobs/spent"
DAYS = 14
"""Days whose sums are kept."""
_NAME = re.compile(r"jobs/spent/(\d{4}-\d\d-\d\d)/([0-9a-f]{16})")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Told(Record, frozen=True, kw_only=True):
    """What one evolver paid on one day: tokens both ways, requests, US dollars."""

    tokens: int = 0
    calls: int = 0
    usd: float = 0.0


class HubSpendings:
    """The sums of one cycle's group, by the log as it was last read when this was made."""

    def __init__(self, hub: Hub, place: str) -> None:
        """`place` stands for this machine and home: two of them may have one key (`claims`)."""
        self._hub = hub
        self._state = hub.last_state()
        self._own = room.own_keys(hub.keys_folder, hub.info.group)
        own = f"{public_hex(hub.own_key('evolver'))}\0{place}"
        self._mine = hashlib.sha256(own.encode()).hexdigest()[:16]
        self._others: dict[str, Told] = {}
        self._told: dict[str, Told] = {}

    def others(self, day: str) -> tuple[int, int, float]:
        """Tokens, requests and US dollars that the other evolvers told of `day` when it was first asked for.
        StorageError where that cannot be read: a cap that is not known is none."""
        if day not in self._others:
            self._read(day)
        told = self._others[day]
        return told.tokens, told.calls, told.usd

    def add(self, day: str, tokens: int, calls: int, usd: float) -> None:
        """This evolver paid so much more on `day`. What cannot be told stays to be told with the next."""
        with suppress(SkillClawError):
            if day not in self._told:
                self._read(day)
            before = self._told[day]
            now = Told(
                tokens=max(0, before.tokens + tokens),
                calls=max(0, before.calls + calls),
                usd=max(0.0, before.usd + usd),
            )
            self._told[day] = now
            to = room.readers(self._state)
            if to:
                name = f"{FOLDER}/{day}/{self._mine}"
                body = msgspec.json.encode(now)
                signing = self._hub.own_key("evolver")
                sealed = room.seal_kept(body, signing, group=self._state.group, name=name, to=to)
                self._hub.store.put(name, sealed)

    def sweep(self, day: str) -> None:
        """Delete the sums of all days but the last `DAYS` up to `day`. Raises StorageError."""
        days = sorted({found[1] for name in self._names("") if (found := _NAME.fullmatch(name))})
        kept = set([one for one in days if one <= day][-DAYS:]) | {one for one in days if one > day}
        for name in self._names(""):
            found = _NAME.fullmatch(name)
            if found is not None and found[1] not in kept:
                self._hub.store.delete(name)

    def _read(self, day: str) -> None:
        if not _DAY.fullmatch(day):
            raise ValueError(day)
        mine, others = Told(), Told()
        for name in self._names(f"/{day}"):
            found = _NAME.fullmatch(name)
            if found is None:
                continue
            told = self._open(name)
            if told is None:
                continue
            if found[2] == self._mine:
                mine = told
            else:
                others = Told(
                    tokens=others.tokens + told.tokens,
                    calls=others.calls + told.calls,
                    usd=others.usd + told.usd,
                )
        self._others[day] = others
        self._told.setdefault(day, mine)

    def _open(self, name: str) -> Told | None:
        """What an evolver told; None where it does not hold, or tells of less than nothing."""
        data = self._hub.store.get(name, room.MAX_SEALED)
        if data is None:
            return None
        try:
            told = msgspec.json.decode(
                room.open_kept(data, self._own, state=self._state, name=name), type=Told
            )
        except (VerifyError, *UNREADABLE):
            return None
        return told if min(told.tokens, told.calls, told.usd) >= 0 else None

    def _names(self, below: str) -> list[str]:
        return list(self._hub.store.list(FOLDER + below))
