"""A group's hub: its log, read and written, and its objects."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import (
    BadInputError,
    BlockedError,
    BusyError,
    GoneError,
    StorageError,
    UsageError,
    VerifyError,
)
from skillclaw.hub import checkpoints, keys, kinds, log
from skillclaw.hub.deciding import Deciding
from skillclaw.hub.founding import INFO, found_group, parse_info
from skillclaw.hub.keyring import settle
from skillclaw.hub.reading import LogReader
from skillclaw.hub.records import Commit, HubInfo, HubState, Release
from skillclaw.hub.seen import load_seen, pin
from skillclaw.hub.store import Store, plain
from skillclaw.skills import bundle as bundles
from skillclaw.skills.records import Bundle
from skillclaw.utf8 import need_utf8

if TYPE_CHECKING:
    from skillclaw.hub.compaction import Compacted

__all__ = ["Hub"]

MAX_OBJECT = 64 * 1024 * 1024
"""Bytes of one object that is read; the largest is a proposal with a bundle of 20 MB as base64."""

_HEX = re.compile(r"[0-9a-f]{64}")
_TRIES = 200


class Hub(Deciding):
    """One hub as this machine sees it. Safe to share between threads; every method may raise StorageError
    (the storage cannot be read or written) and VerifyError (what was read does not hold).
    """

    def __init__(self, store: Store, info: HubInfo, keys_folder: Path, seen: Path) -> None:
        self.store = store
        self.info = info
        self.url = store.shown
        self.reader = LogReader(store, info, seen)
        self._keys = keys_folder
        self._lock = threading.RLock()
        self._probed = False
        self._settled = -1
        self._last: HubState | None = None
        self._makes_keys = False
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        """What time it is for the commits of this machine; a simulation has its own."""

    @classmethod
    def open_or_create(cls, url: str, keys_folder: Path, seen: Path) -> Hub:
        """The hub at `url`; where nothing is, a new group with its keys in `keys_folder`/<group>/.

        `seen` remembers the hub: one that was there and is gone is an error and is not made anew.
        """
        place = plain(url)
        pinned = load_seen(seen).urls.get(place)
        store = Store(url, make=pinned is None)
        data = store.get(INFO, log.MAX_COMMIT)
        if data is None:
            if pinned is not None or store.list("log"):
                raise StorageError(
                    f"The hub at {store.shown} is not whole: hub.json is gone.",
                    f"A hub of group {pinned or 'unknown'} was here; nothing is changed or uninstalled.",
                    f"Put it back from a backup. To begin anew: choose another place, or delete {seen}.",
                )
            data = found_group(store, keys_folder, _told(datetime.now(UTC)))
        hub = cls._pinned(store, data, keys_folder, seen)
        hub._makes_keys = True
        if keys.load(keys_folder, hub.info.group, "owner") is not None and hub.reader.seen.seq == 0:
            hub._admit_own()
        return hub

    @classmethod
    def open(cls, url: str, keys_folder: Path, seen: Path) -> Hub:
        """The hub that is at `url` already; StorageError where none is. Nothing is made there."""
        store = Store(url, make=False)
        data = store.get(INFO, log.MAX_COMMIT)
        if data is None:
            raise StorageError(
                f"There is no hub at {store.shown}.",
                "It has no hub.json.",
                "Check the place: skillclaw config show",
            )
        return cls._pinned(store, data, keys_folder, seen)

    @property
    def keys_folder(self) -> Path:
        """Where this machine's keys lie, by group."""
        return self._keys

    @classmethod
    def _pinned(cls, store: Store, data: bytes, keys_folder: Path, seen: Path) -> Hub:
        """The hub whose hub.json is `data`; VerifyError where this machine knows another in its place."""
        info = parse_info(data, store.shown)
        hub = cls(store, info, keys_folder, seen)
        hub.reader.seen = pin(seen, plain(store.url), info, store.shown)
        return hub

    def state(self) -> HubState:
        """The fold of the log as of now; reads only what is new (one request where nothing is).

        A rotation that the log took in by now takes effect here (`hub rotate`).
        """
        with self._lock:
            state = self.reader.read()
            if state.seq != self._settled:
                with suppress(StorageError, BadInputError):  # a key that is damaged is told when it is used
                    settle(self._keys, state)
                self._settled = state.seq
            self._last = state
            return state

    def last_state(self) -> HubState:
        """The fold as of the last read or commit; no request where there was one."""
        with self._lock:
            return self._last if self._last is not None else self.state()

    def own_key(self, role: str) -> keys.SigningKey:
        """This machine's key for `role`; UsageError where it has none."""
        return self._key(role)

    def acts_as(self, *wanted: str) -> str | None:
        """The first of `wanted` for which this machine has a key that the log, as last read, lets sign."""
        state = self.last_state()
        for role in wanted:
            key = keys.load(self._keys, self.info.group, role)
            known = state.keys.get(keys.public_hex(key)) if key is not None else None
            if known is not None and known.active and known.role == role:
                return role
        return None

    def commit(self, kind: str, body: dict[str, Any], role: str = "evolver") -> Commit:
        """Sign `body` with this machine's key for `role` and add it to the log.

        A race that is lost is tried again on the new state. Raises BadInputError where the log would not
        take it (the reason as in docs/hub-log.md) and UsageError where this machine has no such key.
        """
        need_utf8(kind, body)
        with self._lock:
            state = self.state()  # first: the key may have been replaced by now
            key = self._key(role)
            if self._makes_keys and not self._probed:  # a group's storage is looked at by `hub init`
                self.store.probe(INFO, msgspec.json.encode(self.info))
                self._probed = True
            plain_body = msgspec.to_builtins(body)
            for attempt in range(_TRIES):
                state = self.state() if attempt else self.reader.check_tip(state)
                if self._makes_keys and role != "owner" and keys.public_hex(key) not in state.keys:
                    self._admit_own()
                    state = self.state()
                entry = Commit(
                    v=kinds.format_of(kind, plain_body),
                    seq=state.seq + 1,
                    prev=state.head,
                    time=_told(self.clock()),
                    kind=kind,
                    body=plain_body,
                    signer=keys.public_hex(key),
                )
                data = log.sign(entry, key, state.group)
                reason = log.why_void(state, data)
                if reason:
                    raise BadInputError(f"The hub does not take this {kind}.", f"Reason: {reason}.")
                if self.store.create_surely(log.key_of(entry.seq), data):
                    self._last = self.reader.add(state, data)
                    with suppress(StorageError):  # the commit is in the log; the next one tries again
                        self.checkpoint()
                    return msgspec.json.decode(data, type=Commit)
                time.sleep(random.uniform(0, 0.01 * min(attempt + 1, 10)))  # noqa: S311 - only spreads writers
            raise BusyError(
                f"Others write to the hub at {self.url} all the time.",
                f"{_TRIES} tries were lost.",
                "Try again.",
            )

    def put_object(self, data: bytes) -> str:
        """Store `data` under the name that its hash is; returns the name."""
        if len(data) > MAX_OBJECT:
            raise BadInputError("The object is too large for a hub.", f"{len(data)} bytes of {MAX_OBJECT}.")
        name = log.digest(data)
        try:
            self.store.put_surely(f"objects/{name}", data)
        except StorageError:
            self.read(f"objects/{name}", MAX_OBJECT)  # BlockedError where something else is in its place
            raise
        return name

    def read(self, place: str, most: int) -> bytes | None:
        """What lies at `place`, `most` bytes at most; None where nothing does. BlockedError where the storage
        gives other objects and not this one, StorageError where it is away: the next try may go well."""
        try:
            return self.store.get(place, most)
        except StorageError:
            if not self.answers():
                raise
        try:
            return self.store.get(place, most)
        except StorageError as error:
            raise BlockedError(error.what, error.why, error.todo) from error

    def answers(self) -> bool:
        """Whether the storage gives what every hub has."""
        try:
            return self.store.get(INFO, log.MAX_COMMIT) is not None
        except StorageError:
            return False

    def get_object(self, name: str) -> bytes:
        """The bytes of object `name`; VerifyError where they hash to another, GoneError where gone, and as
        `read`."""
        if not _HEX.fullmatch(name):
            raise VerifyError(f"{ascii(name)[:80]} is not the name of an object.")
        data = self.read(f"objects/{name}", MAX_OBJECT)
        if data is None:
            raise GoneError(
                f"Object {name[:16]} is not in the hub at {self.url}.",
                "The log names it.",
                "Put it back from a backup; see all: skillclaw hub verify",
            )
        if log.digest(data) != name:
            raise VerifyError(
                f"Object {name[:16]} of the hub at {self.url} was changed.",
                "Its bytes do not hash to its name.",
                "Put it back from a backup; see all: skillclaw hub verify",
            )
        return data

    def put_bundle(self, bundle: Bundle) -> tuple[str, str]:
        """Store a bundle; returns its version and its object's name."""
        return bundles.version(bundle), self.put_object(bundles.pack(bundle))

    def get_bundle(self, release: Release) -> Bundle:
        """The files of `release`, with the object's hash and the version checked."""
        bundle = bundles.unpack(self.get_object(release.object), release.skill)
        if bundles.version(bundle) != release.version:
            raise VerifyError(
                f"Release {release.version[:16]} of {release.skill} is not what its object holds.",
                "The version does not match the files.",
                "It is not installed. Tell the group's owner.",
            )
        return bundle

    def tombstone(self, key: str) -> None:
        """Leave the session with this key out of every later cycle, everywhere."""
        if key not in self.state().tombstones:
            self.commit("tombstone", {"key": key}, role=self._role("owner", "evolver", "reviewer"))

    def checkpoint(self, every: int = checkpoints.EVERY) -> bool:
        """As owner: write a signed fold of the log as it was last read, for machines that are new, where
        `every` entries came since the last. False where it is not due, or this machine may not.
        """
        with self._lock:
            state = self.reader.state
            if state is None or state.seq < self.reader.checkpoint + every:
                return False
            key = keys.load(self._keys, self.info.group, "owner")
            if key is None:
                return False
            written = checkpoints.write(self.store, self.info.owner, state, self.reader.tip, key)
            self.reader.checkpoint = state.seq  # written, or there already, or not ours to write
            return written

    def compact(self, keep_days: int = 180, now: datetime | None = None) -> Compacted:
        """As owner: pack what is older than `keep_days`; see compaction.py."""
        from skillclaw.hub.compaction import compact

        with self._lock:
            key = self._key("owner")
            self.state()
            self.store.probe(INFO, msgspec.json.encode(self.info))
            self.checkpoint()
            return compact(self.store, self.info, key, keep_days, now or datetime.now(UTC))

    def verify(self) -> list[str]:
        """Walk the whole log and every object that it names; what does not hold, one line each."""
        from skillclaw.hub.verify import problems

        return problems(self, self.reader.seen)

    def _key(self, role: str) -> keys.SigningKey:
        key = keys.load(self._keys, self.info.group, role)
        if key is None:
            raise UsageError(
                f"This machine may not sign as {role} of the hub at {self.url}.",
                f"It has no {role} key of group {self.info.group}.",
                "Do it on the machine that has the key.",
            )
        return key

    def _role(self, *wanted: str) -> str:
        """The first of `wanted` that this machine has a key for that counts; else one that it has a key for;
        else the first, for the message.
        """
        acting = self.acts_as(*wanted)
        if acting is not None:
            return acting
        for role in wanted:
            if keys.load(self._keys, self.info.group, role) is not None:
                return role
        return wanted[0]

    def _admit_own(self) -> None:
        """As owner: admit this machine's evolver and member keys, where the log doesn't have them yet."""
        if keys.load(self._keys, self.info.group, "owner") is None:
            return
        for role in ("evolver", "member"):
            public = keys.public_hex(keys.load_or_create(self._keys, self.info.group, role))
            if public in self.state().keys:
                continue
            try:
                self.commit("key-add", {"public": public, "role": role, "name": role}, role="owner")
            except BadInputError:
                if public not in self.state().keys:  # another process may have been first
                    raise


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
