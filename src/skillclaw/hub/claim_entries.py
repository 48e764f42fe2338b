"""The entries of a claim on a piece of work, `jobs/<job>/claims/<n>.json` (docs/hub-log.md). Pure.

An entry is signed by a key of the group and says its own job and number, so that it counts nowhere else.
What lies there and does not hold is void: skipped, as in the log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from skillclaw.errors import UpgradeNeededError, UsageError, VerifyError
from skillclaw.hub.signed import opened, signed
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillclaw.hub.keys import SigningKey

__all__ = ["MAX_ENTRY", "MOST_TTL", "Entry", "checked", "folder_of", "numbers", "place_of", "read", "write"]

MAX_ENTRY = 16 * 1024
"""Bytes of an entry; a longer one is void."""
MOST_TTL = 3600.0
"""Seconds that an entry counts at most, whatever it says: a mistaken one must not stop a group for days."""
_JOB = re.compile(r"[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63}){0,2}")
_NUMBER = re.compile(r"[0-9]{20}")


class Entry(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One sign of life of a holder, or its last.

    claim   stands for one taking of the job: random, the same in all its entries
    place   stands for the machine and home that it was taken on (claims.py)
    since, time  when it was taken, and when this was written, by the holder's clock: for people alone
    ttl     seconds without a newer entry after which the holder counts as dead
    note    of a release: how it ended
    """

    v: int = 1
    job: str
    n: int
    claim: str
    kind: Literal["hold", "release"]
    place: str
    since: str
    time: str
    ttl: float
    beats: int = 0
    note: str = ""
    signer: str = ""
    sig: str = ""


def checked(job: str) -> str:
    """The name of a job; UsageError where it is none."""
    if not _JOB.fullmatch(job):
        raise UsageError(
            f"{ascii(job)[:80]} is not the name of a job.",
            "It has a-z, 0-9 and -, 64 at most; / parts it, twice at most.",
        )
    return job


def folder_of(job: str) -> str:
    """Where a job's claims lie in the hub."""
    return f"jobs/{checked(job)}/claims"


def place_of(job: str, n: int) -> str:
    """Where entry `n` lies."""
    return f"{folder_of(job)}/{n:020d}.json"


def numbers(job: str, names: Iterable[str]) -> list[int]:
    """The numbers of the entries among the names of objects, sorted."""
    head, found = f"{folder_of(job)}/", []
    for name in names:
        stem = name.removeprefix(head).removesuffix(".json")
        if name == f"{head}{stem}.json" and _NUMBER.fullmatch(stem) and int(stem):
            found.append(int(stem))
    return sorted(found)


def write(entry: Entry, group: str, key: SigningKey) -> bytes:
    """The bytes of an entry, signed."""
    return signed("claim", group, entry, key)


def read(data: bytes, group: str, job: str, n: int) -> Entry:
    """The entry that lies at number `n` of `job`; VerifyError where it does not hold.

    Whether its signer counts is for the caller to ask, also of an UpgradeNeededError, whose `why` is the
    signer: the entry is of a newer format.
    """
    if len(data) > MAX_ENTRY:
        raise VerifyError(f"it is longer than {MAX_ENTRY} bytes")
    raw = opened("claim", group, data)
    version = raw.get("v")
    if isinstance(version, int) and version > 1 and (raw.get("job"), raw.get("n")) == (job, n):
        raise UpgradeNeededError("Upgrade needed: a claim is of a newer format.", str(raw.get("signer")))
    try:
        found = msgspec.convert(raw, Entry)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise VerifyError(f"it does not hold what it should: {error}") from error
    if (found.v, found.job, found.n) != (1, job, n):
        raise VerifyError("it was made for another place")
    if not found.ttl > 0:
        raise VerifyError("it ends before it begins")
    return found
