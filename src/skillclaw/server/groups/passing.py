"""What the evolvers of a group pass on to each other, so that any of them can do the work of all.

Members seal to all evolvers that count. What was sealed before one of them was admitted an earlier one
passes on: the letter as its sender signed it, sealed to the others, under `jobs/passed/`. How people and
sessions are named in what is published goes by a secret that all of them share: the evolver that was admitted
first says it, under `jobs/room/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, BusyError, StorageError, UsageError, VerifyError
from skillclaw.hub import keys, room
from skillclaw.hub.sealed import MAX_SEALED, Opened, get_session, is_for, open_any, passed_on

if TYPE_CHECKING:
    from pathlib import Path

    from nacl.public import PrivateKey

    from skillclaw.hub import Hub, HubState
    from skillclaw.journal.store import SessionStore

__all__ = ["Passing", "agree"]

NAMING = "jobs/room/pseudonyms"
_SEED = 32
_PASSED = "jobs/passed/"
_DONE = "passed:"
"""Marks in the session store: object's name -> for which keys it is readable; `+`: since it was passed on."""
_WAIT = "keys:"


class Passing:
    """One look at a hub's sessions by one of its evolvers, whose sealing keys are `own`."""

    def __init__(self, hub: Hub, state: HubState, sessions: SessionStore, own: list[PrivateKey]) -> None:
        self._hub, self._state, self._sessions, self._own = hub, state, sessions, own
        self._publics = [key.public_key.encode().hex() for key in own]
        self._readers = room.readers(state)
        self._others = {key.sealing for key in state.keys.values() if key.role == "evolver" and key.sealing}
        self._digest = _digest(self._readers)
        several = len(self._others) > 1
        self._there = set(hub.store.list(_PASSED.rstrip("/"))) if several else set()
        self.wait = _WAIT + _digest(sorted(self._publics))

    def is_wait(self, mark: str) -> bool:
        """Whether a mark says that an object was sealed to other keys than this machine had then."""
        return mark.startswith(_WAIT)

    def now(self, name: str, mark: str) -> bool:
        """Whether such an object may be readable by now."""
        return self.is_wait(mark) and (mark != self.wait or _place(name) in self._there)

    def readable(self, name: str, data: bytes) -> bytes | None:
        """The object in a form that this machine may open; None where only another evolver's does. One that
        is for no evolver's key is given as it is, to be refused."""
        if is_for(data, self._publics) or not is_for(data, self._others):
            return data
        passed = self._hub.store.get(_place(name), MAX_SEALED) if _place(name) in self._there else None
        return passed if passed is not None and is_for(passed, self._publics) else None

    def open(self, name: str, data: bytes) -> Opened:
        """What is in it; VerifyError, UpgradeNeededError."""
        return open_any(data, self._own, group=self._state.group, name=name, others=self._others)

    def hand_on(self, name: str) -> None:
        """See that every evolver can read the object. What fails is tried again by the next cycle."""
        mark = self._sessions.get_mark(_DONE + name) if len(self._readers) > 1 else self._digest
        if mark == self._digest or (mark == f"{self._digest}+" and _place(name) in self._there):
            return
        with suppress(StorageError, VerifyError):
            data = get_session(self._hub, name)
            if data is None or not is_for(data, self._publics):
                return
            known = self._digest
            if not all(is_for(data, [one]) for one in self._readers):
                self._hub.store.put(_place(name), passed_on(data, self._own, self._readers, name))
                known = f"{known}+"
            self._sessions.set_mark(_DONE + name, known)

    def sweep(self, names: Collection[str]) -> None:
        """Delete what was passed on of objects that are gone; `names` are those there. StorageError."""
        for gone in self._there - {_place(name) for name in names}:
            with suppress(BadInputError):  # a name that is none of ours
                self._hub.store.delete(gone)


def agree(folder: Path, hub: Hub, state: HubState, *, write: bool) -> bytes:
    """The secret by which people and sessions are named in what the group publishes; the same on the machines
    of all its evolvers, whose keys lie in `folder`.

    With `write` it is left for evolvers who do not have it. BusyError where this machine has none and the
    evolver that was admitted first has not said it; UsageError where it went by another of its own.
    """
    group = state.group
    own = keys.load(folder, group, "pseudonyms")
    known = [key for key in state.keys.values() if key.role == "evolver"]
    if len({key.member for key in known}) < 2:
        return own.encode() if own else keys.load_or_create(folder, group, "pseudonyms").encode()
    data = hub.store.get(NAMING, room.MAX_SEALED)
    said = _said(folder, data, state)
    first = min((key for key in known if key.active), key=lambda key: key.seq, default=None)
    if said is None:
        mine = keys.load(folder, group, "evolver")
        is_first = first is not None and mine is not None and keys.public_hex(mine) == first.public
        if own is None and not is_first:
            name = f"{first.name or 'evolver'} ({first.public[:16]})" if first else "nobody"
            raise BusyError(
                "This evolver does not know yet how the group's evolvers name people.",
                f"The one that was admitted first has to say it: {name}.",
                "Run a cycle there: skillclaw evolve --hub NAME; or, if that machine is gone, have the owner "
                "revoke its key.",
            )
        said = (own or keys.load_or_create(folder, group, "pseudonyms")).encode()
    elif own is not None and own.encode() != said:
        raise UsageError(
            "This machine evolved for the group by itself before, and named people in another way.",
            "Two evolvers of a group need one way, or they count everybody twice.",
            f"Move away {folder.parent / 'groups' / group} and {folder / group / 'pseudonyms.key'}: what the "
            "folder holds is made anew from the hub.",
        )
    elif own is None:
        keys.load_or_create(folder, group, "pseudonyms", seed=said)
    readers = room.readers(state)
    signing = keys.load(folder, group, "evolver")
    if write and signing is not None and not (data is not None and room.is_for_all(data, readers)):
        sealed = room.seal_kept(said, signing, group=group, name=NAMING, to=readers)
        hub.store.put(NAMING, sealed)
    return said


def _said(folder: Path, data: bytes | None, state: HubState) -> bytes | None:
    if data is None:
        return None
    try:
        said = room.open_kept(data, room.own_keys(folder, state.group), state=state, name=NAMING)
    except VerifyError:
        return None
    return said if len(said) == _SEED else None


def _place(name: str) -> str:
    return _PASSED + name.removeprefix("sessions/")


def _digest(publics: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(publics).encode()).hexdigest()[:16]
