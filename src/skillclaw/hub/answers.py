"""Answers of models that a group's evolvers share, so that who takes over pays for none of them again.

`jobs/answers/<epoch>/<hash of the question>`, sealed (room.py). An answer may quote sessions. The epoch is a
digest of all that the log says is no evidence any more, so that with the first session that is taken back all
answers of before are out of use; the next cycle deletes them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError, SkillClawError, StorageError, VerifyError
from skillclaw.hub import room

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.records import HubState

__all__ = ["LARGEST", "MOST", "HubAnswers"]

FOLDER = "jobs/answers"
MOST = 4000
"""Answers that are kept: the newest."""
LARGEST = 256 * 1024
"""Bytes of an answer that is shared, so that all of them are 1 GB at most."""
_NAME = re.compile(r"jobs/answers/[0-9a-f]{16}/([0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-f]{64}")


def epoch_of(state: HubState) -> str:
    """A digest of the sessions that were taken back, and of the members whose sessions count no more."""
    gone = [
        sorted(state.tombstones),
        sorted((member, sorted(known)) for member, known in state.withdrawn.items()),
        sorted(key.member for key in state.keys.values() if key.revoked),
    ]
    return hashlib.sha256(msgspec.json.encode(gone)).hexdigest()[:16]


class HubAnswers:
    """The shared answers of one cycle, by the log as it was last read when this was made.

    Not to be used where others than the group's evolvers hold the keys. A storage that fails makes no cycle
    fail here: an answer that cannot be read is asked for again, one that cannot be kept lies in the home.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._state = hub.last_state()
        self._epoch = epoch_of(self._state)
        self._own = room.own_keys(hub.keys_folder, hub.info.group)
        self._there: set[str] | None = None

    def get(self, key: str) -> bytes | None:
        """The bytes of the answer to the question with this hash; None where none is there that holds."""
        if not _HASH.fullmatch(key) or key not in self._listed():
            return None
        name = self._name(key)
        try:
            data = self._hub.store.get(name, room.MAX_SEALED)
            return None if data is None else room.open_kept(data, self._own, state=self._state, name=name)
        except (StorageError, VerifyError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keep an answer for the others."""
        if len(data) > LARGEST:
            return
        to = room.readers(self._state)
        if not to:
            return
        name = self._name(key)
        with suppress(SkillClawError):
            signing = self._hub.own_key("evolver")
            sealed = room.seal_kept(data, signing, group=self._state.group, name=name, to=to)
            # one that is there and does not hold gives way
            self._hub.store.put(name, sealed)
            self._listed().add(key)

    def drop(self, keys: Iterable[str]) -> None:
        """Keep these no longer."""
        for key in keys:
            if key in self._listed():
                with suppress(StorageError):
                    self._hub.store.delete(self._name(key))
                self._listed().discard(key)

    def sweep(self, days: int, now: datetime) -> int:
        """Delete those of before a session was taken back, those older than `days` at `now`, and the oldest
        where there are too many; how many. Raises StorageError, since what was taken back may not stay."""
        found = sorted(self._hub.store.times(FOLDER).items(), key=lambda item: item[1], reverse=True)
        oldest = now - timedelta(days=days)
        kept, gone = 0, 0
        head = f"{FOLDER}/{self._epoch}/"
        for name, when in found:
            if name.startswith(head) and _NAME.fullmatch(name) and when >= oldest and kept < MOST:
                kept += 1
                continue
            with suppress(BadInputError):  # what has no name of ours can be deleted by its maker alone
                self._hub.store.delete(name)
                gone += 1
        self._there = None
        return gone

    def _name(self, key: str) -> str:
        return f"{FOLDER}/{self._epoch}/{key}"

    def _listed(self) -> set[str]:
        if self._there is None:
            try:
                names = self._hub.store.list(f"{FOLDER}/{self._epoch}")
            except StorageError:
                names = []
            self._there = {found[1] for name in names if (found := _NAME.fullmatch(name))}
        return self._there
