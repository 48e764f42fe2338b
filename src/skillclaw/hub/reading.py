"""The log as this machine reads it: only what is new, against what it has seen before (docs/hub-log.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.errors import BusyError, StorageError, VerifyError
from skillclaw.hub import log
from skillclaw.hub.seen import SeenGroup, load_checkpoint, save_checkpoint, save_seen
from skillclaw.hub.store import plain

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.hub.records import HubInfo, HubState
    from skillclaw.hub.store import Store

__all__ = ["LogReader"]

_CHECKPOINT_EVERY = 64


class LogReader:
    """Reads the log of one hub and remembers how far it came. Not safe for threads by itself; every method
    may raise StorageError, and VerifyError where the log is not the one that was seen.
    """

    def __init__(self, store: Store, info: HubInfo, seen: Path) -> None:
        self.store = store
        self.info = info
        self.seen = SeenGroup(owner=info.owner)
        self._path = seen
        self._state: HubState | None = None
        self._tip = ""
        self._saved = 0

    def read(self) -> HubState:
        """The fold of the log as of now: one request where nothing is new."""
        state = self._state if self._state is not None else self._begin()
        while (data := self.store.get(log.key_of(state.seq + 1), log.MAX_COMMIT)) is not None:
            state = self._take(state, data)
        if state.seq < self.seen.seq:
            raise self._forked(f"It ends at entry {state.seq}, and {self.seen.seq} were seen.")
        self._keep(state)
        return state

    def add(self, state: HubState, data: bytes) -> HubState:
        """The state after `data`, which this machine has just written behind `state`."""
        state = self._take(state, data)
        self._keep(state)
        return state

    def check_tip(self, state: HubState) -> None:
        """Before writing: the log still ends where it did, so that nothing is added after a gap."""
        if state.seq and state.seq == self.seen.seq:
            tip = self.store.get(log.key_of(state.seq), log.MAX_COMMIT)
            if tip is None or log.digest(tip) != self._tip:
                raise self._forked(f"Entry {state.seq} is not the one that was seen.")

    def _begin(self) -> HubState:
        """The state to read on from: the last checkpoint, if the log still holds its last entry."""
        self._state = log.initial(self.info)
        checkpoint = load_checkpoint(self._folder, self.info.group)
        if checkpoint is not None and 0 < checkpoint.state.seq <= self.seen.seq:
            tip = self.store.get(log.key_of(checkpoint.state.seq), log.MAX_COMMIT)
            if tip is None or log.digest(tip) != checkpoint.tip:
                self._state = None
                raise self._forked(f"Entry {checkpoint.state.seq} is not the one that was seen.")
            self._state, self._tip = checkpoint.state, checkpoint.tip
            self._saved = checkpoint.state.seq
        return self._state

    def _take(self, state: HubState, data: bytes) -> HubState:
        state = log.fold(state, data)
        tip = log.digest(data)
        if state.seq == self.seen.seq and tip != self.seen.tip:
            raise self._forked(f"Entry {state.seq} is not the one that was seen.")
        self._state, self._tip = state, tip
        return state

    def _keep(self, state: HubState) -> None:
        if state.seq > self.seen.seq:
            now = SeenGroup(owner=self.info.owner, seq=state.seq, head=state.head, tip=self._tip)
            try:
                save_seen(self._path, plain(self.store.url), self.info.group, now)
                self.seen = now
            except (StorageError, BusyError):
                pass  # a full disk must not hide the hub; what was seen is written at the next call
        if state.seq >= self._saved + _CHECKPOINT_EVERY:
            save_checkpoint(self._folder, state, self._tip)
            self._saved = state.seq

    def _forked(self, why: str) -> VerifyError:
        return VerifyError(
            f"The log of the hub at {self.store.shown} was cut back or replaced.",
            why,
            f"Nothing is changed or uninstalled. Ask the owner; if it is meant: delete {self._path}.",
        )

    @property
    def _folder(self) -> Path:
        """Where checkpoints lie on this machine."""
        return self._path.with_name(self._path.stem)
