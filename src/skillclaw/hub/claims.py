"""An expiring claim on a piece of work, on the hub's storage: one holder at a time, taken over when it died.

`create` (write only where nothing is) is all that it needs: a claim is a row of numbered entries
(claim_entries.py), and who writes the next one has it. Clocks of machines are never compared: a holder
counts as dead once this machine has seen the same newest entry for longer than the `ttl` that it says, by
this machine's own steady clock. A holder that was only slow finds a newer entry before it writes on.

The newest entry is never deleted, so numbers only grow. A writer that was held up may find the place of an
entry that is gone and write there; so everyone looks behind its own entry after it wrote it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import BusyError, SkillClawError, StorageError, UpgradeNeededError, VerifyError
from skillclaw.hub import claim_entries as entries
from skillclaw.hub import keys
from skillclaw.hub.claim_entries import MAX_ENTRY, MOST_TTL, Entry
from skillclaw.hub.claim_watch import Here, Lock
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub

__all__ = ["NAMES", "Claim", "Claims", "Holder", "LitteredError", "LostClaimError"]

KEEP = 4
"""Entries that stay when older ones are deleted."""
NAMES = 5000
"""Names of one job's claims that are read: signs of life for two days where nobody may delete. With more the
job cannot be had: members write in the slots of voting jobs, and nobody has to read a flood."""
_TRIES = 100
"""Entries that do not hold, one after the other, before it is an error."""


class LostClaimError(BusyError):
    """Somebody else has the work now: nothing more may be written for it."""


class LitteredError(StorageError):
    """What lies at the place of a job's claims is not to be read through: somebody floods it."""


class Holder(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Who has a job.

    public, name  the evolver's key, and what the log calls it; here: whether it is on this machine and home
    since         when it took it, by its own clock; beats: signs of life since
    watched       seconds that its newest entry has been the newest, as this machine saw it
    stale         that is longer than `ttl`: whoever asks next gets the job
    """

    public: str
    name: str
    here: bool
    since: str
    beats: int
    ttl: float
    watched: float
    stale: bool


class Claims:
    """The claims of one hub, as this machine sees them. Threads can share it.

    `folder` (made, 0700) is this home's own for this hub: a lock there keeps two processes of a home from
    one job, so that what this home holds and no process has locked is known to be dead at once; and what was
    watched is remembered there for the next process. Without it only what this object saw counts. Whose
    key has one of `roles` may hold a job, and the first that this machine has is used. Every method may raise
    StorageError (LitteredError for a job whose place is flooded) and, for an entry of a later version,
    UpgradeNeededError.
    """

    def __init__(
        self,
        hub: Hub,
        folder: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        roles: tuple[str, ...] = ("evolver",),
    ) -> None:
        self.hub = hub
        self.roles = roles
        self.here = Here(folder, clock)

    def take(self, job: str, ttl: float) -> Claim | None:
        """The claim on `job`; None while somebody works on it and is not (yet) seen to be dead.

        `ttl` is how long, in seconds, others wait for a sign of life of ours. UsageError where this machine
        has no key for it.
        """
        key = self.hub.own_key(self.hub.acts_as(*self.roles) or self.roles[0])
        lock = self.here.lock(entries.checked(job))
        if lock is None:
            return None
        claim = Claim(self, job, min(ttl, MOST_TTL), key, lock)
        try:
            if self._begin(claim, job):
                return claim
        except BaseException:
            claim.let_go()
            raise
        claim.let_go()
        return None

    def holder(self, job: str) -> Holder | None:
        """Who has `job`, living or dead; None where nobody has."""
        return self.standing(job)[0]

    def standing(self, job: str) -> tuple[Holder | None, Entry | None]:
        """Who has `job`, and its newest entry, whose note says how it ended where nobody has it."""
        newest = self._newest(job, self._numbers(job))
        if newest is None or newest.kind == "release":
            return None, newest
        watched = self.here.watched(job, f"{newest.n} {newest.claim}")
        known = self.hub.last_state().keys.get(newest.signer)
        holder = Holder(
            public=newest.signer,
            name=known.name if known is not None else "",
            here=newest.place == self.here.place(),
            since=newest.since,
            beats=newest.beats,
            ttl=min(newest.ttl, MOST_TTL),
            watched=round(watched, 1),
            stale=watched > min(newest.ttl, MOST_TTL),
        )
        return holder, newest

    def read(self, job: str, n: int) -> Entry | None:
        """Entry `n` of `job`; None where there is none that counts."""
        data = self.hub.store.get(entries.place_of(job, n), MAX_ENTRY)
        if data is None:
            return None
        try:
            found = entries.read(data, self.hub.info.group, job, n)
        except UpgradeNeededError as error:
            if self._counts(error.why):
                raise UpgradeNeededError(error.what, f"It is on the job {job}.", "Upgrade.") from error
            return None
        except VerifyError:
            return None
        return found if self._counts(found.signer) else None

    def behind(self, job: str, n: int) -> list[int]:
        """The numbers of what lies behind entry `n`; one request, but for a flood."""
        return [one for one in self._numbers(job) if one > n]

    def _begin(self, claim: Claim, job: str) -> bool:
        self.hub.state()
        found = self._numbers(job)
        newest = self._newest(job, found)
        if newest is not None and newest.kind != "release":
            own = newest.signer == claim.public and self.here.locks and newest.place == self.here.place()
            if not own and self.here.watched(job, f"{newest.n} {newest.claim}") <= min(newest.ttl, MOST_TTL):
                return False
        return claim.begin(newest.n if newest is not None else 0, found)

    def _numbers(self, job: str) -> list[int]:
        names = self.hub.store.list(entries.folder_of(job), most=NAMES)
        if len(names) >= NAMES:
            raise _littered(self.hub, job, f"{NAMES} objects or more lie there.")
        return entries.numbers(job, names)

    def _newest(self, job: str, found: list[int]) -> Entry | None:
        for tried, n in enumerate(reversed(found)):
            if tried == _TRIES:
                raise _littered(self.hub, job)
            if (entry := self.read(job, n)) is not None:
                return entry
        return None

    def _counts(self, public: str) -> bool:
        """Whether `public` is a key that counts and may hold a job; where it is new, the log is read on."""
        for state in (self.hub.last_state, self.hub.state):
            known = state().keys.get(public)
            if known is not None:
                break
        return known is not None and known.role in self.roles and known.active


class Claim:
    """A claim that is held. Made by `Claims.take`; to be released. Threads can share it."""

    def __init__(self, claims: Claims, job: str, ttl: float, key: keys.SigningKey, lock: Lock) -> None:
        self.job, self.ttl, self.public = job, ttl, keys.public_hex(key)
        self._claims, self._key = claims, key
        self._lock = lock
        self._id = secrets.token_hex(16)
        self._since = _now()
        self._n = 0
        self._beats = -1
        self._beaten = 0.0
        self._own: list[int] = []
        self._lost = False
        self._guard = threading.RLock()

    def beat(self) -> None:
        """Renew it, where a third of `ttl` has passed since the last time. LostClaimError, StorageError."""
        with self._guard:
            if self._lost:
                raise self._gone()
            if self._claims.here.clock() - self._beaten >= self.ttl / 3:
                self._write("hold")

    def check(self) -> None:
        """LostClaimError if it is not ours any more: one request. Asked before whatever it guards is
        written; the write itself has to be safe where the claim is lost between the two."""
        with self._guard:
            if self._lost:
                raise self._gone()
            self._look()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat from a thread until the block ends. A storage that is away is tried again; that the claim was
        lost is told by `check`."""
        over = threading.Event()

        def beats() -> None:
            while not over.wait(self.ttl / 6):
                try:
                    self.beat()
                except LostClaimError:
                    return
                except SkillClawError:
                    continue

        thread = threading.Thread(target=beats, name="skillclaw-claim", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def release(self, note: str = "") -> None:
        """Let others have it at once; `note` (200 characters) says how it ended. Where the storage is away
        they get it after `ttl`."""
        with self._guard:
            try:
                if not self._lost:
                    with suppress(SkillClawError):
                        self._write("release", note[:200])
            finally:
                self._lost = True
                self.let_go()

    def begin(self, after: int, found: list[int]) -> bool:
        """Write the first entry behind number `after`; False where another was faster. For Claims alone.

        `found` are the numbers of all entries, of which old ones are deleted then.
        """
        self._n = after
        try:
            self._write("hold")
        except LostClaimError:
            return False
        self._own = [n for n in found if n <= after] + self._own
        self._sweep()
        return True

    def let_go(self) -> None:
        """Let go of the lock of this home. For Claims alone."""
        self._lock.release()

    def _write(self, kind: str, note: str = "") -> None:
        """The next entry. LostClaimError where another's stands in its place, or behind it."""
        n = self._n
        for _ in range(_TRIES):
            n += 1
            entry = Entry(
                job=self.job,
                n=n,
                claim=self._id,
                kind="release" if kind == "release" else "hold",
                place=self._claims.here.place(),
                since=self._since,
                time=_now(),
                ttl=self.ttl,
                beats=self._beats + 1,
                note=note,
            )
            began = self._claims.here.clock()
            data = entries.write(entry, self._claims.hub.info.group, self._key)
            if not self._claims.hub.store.create(entries.place_of(self.job, n), data):
                there = self._claims.read(self.job, n)
                # Ours is there where the storage failed after it wrote; what does not hold is passed.
                if there is not None and there.claim != self._id:
                    self._lose()
                continue
            self._n, self._beats, self._beaten = n, self._beats + 1, began
            self._own.append(n)
            self._look()
            self._sweep()
            return
        raise _littered(self._claims.hub, self.job)

    def _look(self) -> None:
        void = 0
        for n in self._claims.behind(self.job, self._n):
            there = self._claims.read(self.job, n)
            if there is None:
                void += 1
                if void == _TRIES:
                    raise _littered(self._claims.hub, self.job)
                continue
            if there.claim != self._id:
                self._lose()
            self._n = n
            self._own.append(n)

    def _sweep(self) -> None:
        """Delete entries of before; what is left is deleted next time."""
        old, self._own = self._own[:-KEEP], self._own[-KEEP:]
        for n in old:
            with suppress(StorageError):
                self._claims.hub.store.delete(entries.place_of(self.job, n))

    def _lose(self) -> None:
        self._lost = True
        raise self._gone()

    def _gone(self) -> LostClaimError:
        return LostClaimError(
            f"Another machine has taken over the job {self.job} of the hub at {self._claims.hub.url}.",
            f"This one gave no sign of life for {self.ttl:g} seconds, or has released it.",
            "Nothing is lost: what was found is kept, and the other goes on.",
        )


def _littered(hub: Hub, job: str, why: str = "") -> LitteredError:
    return LitteredError(
        f"The claims on the job {job} of the hub at {hub.url} cannot be used.",
        why or f"{_TRIES} objects there, one after the other, are no entries.",
        f"Delete what lies below {entries.folder_of(job)}/ and see who may write there.",
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
