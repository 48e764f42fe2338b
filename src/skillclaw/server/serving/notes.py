"""What a server leaves for the others when its cycle is done, as the note of its claim's release. Pure.

`done SEQ DIGEST`, with `missed` behind it where a model failed: how far the log was, and which sealed
sessions were taken in. Another server that finds the same names in the hub knows that nothing is new.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from skillclaw.trajectory.model import Record

__all__ = ["Done", "digest", "read", "text"]

_FORM = re.compile(r"done (0|[1-9][0-9]{0,17}) ([0-9a-f]{32})( missed)?")


class Done(Record, frozen=True, kw_only=True):
    """A cycle that was done: entries of the log at its end, `digest` of the names of the sessions that it
    covered, and whether its model failed, so that there is something left to do."""

    seq: int
    names: str
    missed: bool = False


def digest(names: Iterable[str]) -> str:
    """What stands for a set of names."""
    found = hashlib.sha256()
    for name in sorted(set(names)):
        found.update(name.encode() + b"\0")
    return found.hexdigest()[:32]


def text(done: Done) -> str:
    """The note."""
    return f"done {done.seq} {done.names}" + (" missed" if done.missed else "")


def read(note: str) -> Done | None:
    """What a note says; None for any other."""
    found = _FORM.fullmatch(note)
    if found is None:
        return None
    return Done(seq=int(found[1]), names=found[2], missed=found[3] is not None)
