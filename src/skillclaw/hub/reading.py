"""The log as this machine reads it: only what is new, against what it has seen before (docs/hub-log.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from skillclaw.errors import BusyError, StorageError, VerifyError
from skillclaw.hub import checkpoints, listing, log, packs
from skillclaw.hub.seen import SeenGroup, load_fold, load_seen, save_fold, save_seen
from skillclaw.hub.store import plain

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.hub.listing import Listing
    from skillclaw.hub.records import HubInfo, HubState
    from skillclaw.hub.seen import StoredFold
    from skillclaw.hub.store import Store

__all__ = ["LogReader", "Packed", "next_packed", "open_pack"]

_FOLD_EVERY = 64
"""Entries after which the fold is stored on this machine anew."""
_LOOK_EVERY = 24 * 3600.0
"""Seconds after which the log is listed again, though each poll said that nothing is new."""
_AGAIN = 4
"""Times that a read begins anew, since other processes saw more of the log meanwhile."""
_TRIED = 8
"""Checkpoints that a new machine looks at before it reads the log from its start."""


class Packed(NamedTuple):
    """Entries that follow a state, from the pack `name` that `signer` signed."""

    entries: list[bytes]
    signer: str
    name: str


def open_pack(store: Store, first: int, last: int, group: str) -> tuple[list[bytes], str]:
    """The entries of a pack and its signer; VerifyError where it is gone or does not hold."""
    data = store.get(packs.key_of(first, last), packs.MAX)
    if data is None:
        raise VerifyError("it is gone")
    return packs.unpack(data, first, last, group)


def next_packed(store: Store, found: Listing, state: HubState) -> Packed | None:
    """What a pack of `found` holds behind `state`; None where there is none that counts.

    Its signer must be an owner by then. One who is not known yet must become an owner later in the log, which
    the caller has to see to: who packs old entries may have joined after them.
    """
    for first, last in found.holding(state.seq + 1):
        if not found.behind(last):
            continue  # the end of the log is never packed
        try:
            entries, signer = open_pack(store, first, last, state.group)
        except VerifyError:
            continue  # `hub verify` tells why
        if signer not in state.keys or checkpoints.is_owner(state, signer):
            return Packed(entries[state.seq + 1 - first :], signer, packs.key_of(first, last))
    return None


class LogReader:
    """Reads the log of one hub and remembers how far it came. Not safe for threads by itself; every method
    may raise StorageError, and VerifyError where the log has a gap or is not the one that was seen.
    """

    def __init__(self, store: Store, info: HubInfo, seen: Path) -> None:
        self.store = store
        self.info = info
        self.seen = SeenGroup(owner=info.owner)
        self.tip = ""
        """The hash of the bytes of the last entry that was read."""
        self.checkpoint = 0
        """The number of the newest checkpoint that was seen in the hub."""
        self._path = seen
        self._state: HubState | None = None
        self._saved = 0
        self._looked = 0.0
        self._useless = 0
        """The number of the newest checkpoint where this machine found none that it could use: they are of
        older rules, mostly, and the next one is due."""
        self._unknown: dict[str, str] = {}
        """Signers of packs that were read before the entry that makes them owners, and the packs' names."""

    def read(self) -> HubState:
        """The fold of the log as of now: one request where nothing is new.

        The first time, once a day and after `look_again` the log is listed too, so that gaps are found. What
        another process of this machine saw meanwhile is held against it too.
        """
        for _ in range(_AGAIN):
            self._look_at_pin()
            state = self._read()
            if self._keep(state):
                break
        return state

    def _look_at_pin(self) -> None:
        """Take up what another process saw; what was read and not compared with it is read again."""
        known = load_seen(self._path).groups.get(self.info.group)
        if known is not None and known != self.seen and known.seq >= self.seen.seq:
            self._go_on_from(known)

    def _go_on_from(self, known: SeenGroup) -> None:
        self.seen = known
        if self._state is not None and self._state.seq >= known.seq:
            self._state = None

    def _read(self) -> HubState:
        state = self._state if self._state is not None else self._begin()
        found: Listing | None = None
        # by the clock on the wall: a machine that slept must look, too
        if abs(time.time() - self._looked) > _LOOK_EVERY:
            found = listing.look(self.store, state.seq)
            state, found = self._catch_up(state, found)
        listed: set[int] = set()
        while (data := self.store.get(log.key_of(state.seq + 1), log.MAX_COMMIT)) is not None:
            after = log.fold(state, data)
            if after.void > state.void:
                self._check_there(after.seq, data, listed)
            state = self._taken(after, data)
        if found is not None:
            self._check_whole(state, found)
            self._looked = time.time()
            useful = [seq for seq in found.checkpoints if seq > self._useless]
            self.checkpoint = max([self.checkpoint, *useful])
        if state.seq < self.seen.seq:
            raise self._forked(f"It ends at entry {state.seq}, and {self.seen.seq} were seen.")
        return state

    @property
    def state(self) -> HubState | None:
        """What was read last; its last entry hashes to `tip`. None before the first `read`."""
        return self._state

    def look_again(self) -> None:
        """List the log at the next `read`."""
        self._looked = 0.0

    def add(self, state: HubState, data: bytes) -> HubState:
        """The state after `data`, which this machine has just written behind `state`."""
        state = self._take(state, data)
        self._keep(state)
        return state

    def check_tip(self, state: HubState) -> HubState:
        """Before writing: the state to write behind. The log still ends where it did, so that nothing is
        added after a gap; where that entry was packed meanwhile, the log goes on elsewhere, and is read.
        """
        if not state.seq or state.seq != self.seen.seq:
            return state
        tip = self.store.get(log.key_of(state.seq), log.MAX_COMMIT)
        if tip is None:
            self.look_again()
            later = self.read()
            if later.seq > state.seq:
                return later
        if tip is None or log.digest(tip) != self.tip:
            raise self._forked(f"Entry {state.seq} is not the one that was seen.")
        return state

    def _begin(self) -> HubState:
        """The state to read on from: the fold that is stored here, else a checkpoint in the hub."""
        self._state = None
        stored = load_fold(self._folder, self.info.group)
        if stored is not None and 0 < stored.state.seq <= self.seen.seq and self._fits(stored):
            self._check_seen(stored.state.seq, stored.tip)
            self._state, self.tip = stored.state, stored.tip
            self._saved = stored.state.seq
        else:
            self._state, self.tip = self._from_checkpoint() or (log.initial(self.info), "")
        return self._state

    def _fits(self, stored: StoredFold) -> bool:
        """Whether a fold that ends where what was seen ends is of the same log."""
        own = (stored.tip, stored.state.head)
        return stored.state.seq < self.seen.seq or own == (self.seen.tip, self.seen.head)

    def _from_checkpoint(self) -> tuple[HubState, str] | None:
        """The newest fold that the founder signed, and the hash of its last entry, which lies in the log."""
        found = listing.landmarks(self.store)
        for seq in found.checkpoints[: -_TRIED - 1 : -1]:
            entry = self._entry(seq, found)
            if entry is None:
                continue
            tip = log.digest(entry)
            checkpoint = checkpoints.usable(self.store, self.info.owner, seq, self.info.group, tip)
            if checkpoint is not None:
                if 0 < self.seen.seq <= seq:
                    self._check_seen(self.seen.seq, self.seen.tip)
                return checkpoint.state, tip
        self._useless = max(found.checkpoints, default=0)
        return None

    def _check_seen(self, seq: int, tip: str) -> None:
        entry = self._entry(seq)
        if entry is None or log.digest(entry) != tip:
            raise self._forked(f"Entry {seq} is not the one that was seen.")

    def _entry(self, seq: int, found: Listing | None = None) -> bytes | None:
        """The bytes of one entry, wherever it lies. Only for comparing with a known hash: whose pack it is in
        is not asked.
        """
        data = self.store.get(log.key_of(seq), log.MAX_COMMIT)
        if data is not None:
            return data
        for first, last in (found or listing.landmarks(self.store)).holding(seq):
            try:
                entries, _ = open_pack(self.store, first, last, self.info.group)
            except VerifyError:
                continue
            return entries[seq - first]
        return None

    def _catch_up(self, state: HubState, found: Listing) -> tuple[HubState, Listing]:
        """Read what `found` lists: single entries a few at a time, and packs where those are missing."""
        fresh = True
        while following := found.behind(state.seq):
            before = state.seq
            if following[0] == state.seq + 1:
                for data in listing.fetch(self.store, listing.run(following)):
                    if data is None:
                        break  # packed since it was listed
                    state = self._take(state, data)
            if state.seq == before:
                state = self._unpack(state, found)
            if state.seq > before:
                fresh = True
            elif fresh:
                found, fresh = listing.look(self.store, state.seq), False
            else:
                break
        if self._unknown:
            self._check_signers(state)
        return state, found

    def _unpack(self, state: HubState, found: Listing) -> HubState:
        """Read on in a pack that holds the next entry; `state` itself where there is none that counts."""
        packed = next_packed(self.store, found, state)
        if packed is not None:
            if packed.signer not in state.keys:
                self._unknown[packed.signer] = packed.name
            for data in packed.entries:
                state = self._take(state, data)
        return state

    def _check_signers(self, state: HubState) -> None:
        for public, name in self._unknown.items():
            key = state.keys.get(public)
            if key is None or key.role != "owner":
                self._state, self._unknown = None, {}
                raise self._damaged(f"{name} is not signed by an owner, and the entries themselves are gone.")
        self._unknown = {}

    def _check_whole(self, state: HubState, found: Listing) -> None:
        """Raise VerifyError where `found` has entries behind the one that could not be had."""
        later = found.behind(state.seq)
        if not later:
            return
        missing = f"Entry {state.seq + 1} ({log.key_of(state.seq + 1)})"
        if later[0] > state.seq + 1:
            raise self._damaged(f"{missing} is missing, and entry {later[0]} is there.")
        if state.seq >= self.seen.seq:  # else it is told that what was seen is gone
            raise self._damaged(f"{missing} is listed, and the storage says that it is not there.")

    def _check_there(self, seq: int, data: bytes, listed: set[int]) -> None:
        """Before an entry counts as void, for good: raise StorageError unless the storage lists it, and gives
        the same bytes again. What answers every name with a page of its own would else be read on and on.
        `listed` holds what was listed before, so that many void entries cost one list, and takes up more.
        """
        key = log.key_of(seq)
        if seq not in listed:
            listed.update(listing.look(self.store, seq - 1).entries)
        if seq not in listed or self.store.get(key, log.MAX_COMMIT) != data:
            raise StorageError(
                f"The hub at {self.store.shown} could not be read ({key}).",
                "What came for it is no entry of a log, and the storage does not hold to it.",
                "Check what stands between this machine and the storage, then try again.",
            )

    def _take(self, state: HubState, data: bytes) -> HubState:
        return self._taken(log.fold(state, data), data)

    def _taken(self, state: HubState, data: bytes) -> HubState:
        """`state`, which is the fold with the entry `data`, if it goes on from what was seen."""
        tip = log.digest(data)
        # the head, too: a change further back leaves this entry's bytes, but it is void then
        if state.seq == self.seen.seq and (tip, state.head) != (self.seen.tip, self.seen.head):
            self._state = None
            raise self._forked(f"Entry {state.seq} is not the one that was seen.")
        self._state, self.tip = state, tip
        return state

    def _keep(self, state: HubState) -> bool:
        """Remember `state`; False where another process saw what it was not compared with."""
        if state.seq > self.seen.seq:
            now = SeenGroup(owner=self.info.owner, seq=state.seq, head=state.head, tip=self.tip)
            try:
                there = save_seen(self._path, plain(self.store.url), self.info.group, now, base=self.seen)
            except (StorageError, BusyError):
                there = self.seen  # a full disk must not hide the hub; it is written at the next call
            else:
                if there != now:
                    self._go_on_from(there)
                    return False
            self.seen = there
        if state.seq >= self._saved + _FOLD_EVERY:
            save_fold(self._folder, state, self.tip)
            self._saved = state.seq
        return True

    def _forked(self, why: str) -> VerifyError:
        return VerifyError(
            f"The log of the hub at {self.store.shown} was cut back or replaced.",
            why,
            "Nothing is changed or uninstalled. Ask the owner; if it was restored: skillclaw hub repin",
        )

    def _damaged(self, why: str) -> VerifyError:
        return VerifyError(
            f"The log of the hub at {self.store.shown} has a gap.",
            why,
            "Nothing is changed or uninstalled. Put it back from a backup; see all: skillclaw hub verify",
        )

    @property
    def _folder(self) -> Path:
        """Where the stored fold lies on this machine."""
        return self._path.with_name(self._path.stem)
