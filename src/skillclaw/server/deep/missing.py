"""Files that a home in use has and that are not there: nothing reads what is gone, so nothing else says so.

A home is in use by what it holds besides, each of which is only ever written after the file that is missed.
Where that is not certain it is a warning; a home that is new has none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skillclaw.errors import SkillClawError
from skillclaw.journal.store import SessionStore
from skillclaw.server.deep.records import Check, fail, warn
from skillclaw.server.setup.wishes import Wishes, wishes
from skillclaw.server.up import runfile

__all__ = ["missing"]

_CYCLED = ("evolve.db", "canaries.json", "counts.json")
"""What a cycle leaves, which opens the sessions first."""
_NAMED = ("library.json", "credentials.seen", "sharing.json", *_CYCLED)
"""What is written by who has an identity."""


def missing(home: Path) -> list[Check]:
    """What is gone of sessions.db, identity.json and consent.json."""
    return [*_sessions(home), *_identity(home), *_consent(home)]


def _sessions(home: Path) -> Iterator[Check]:
    if (home / "sessions.db").exists():
        return
    mend = (
        "skillclaw restore a backup; without one: skillclaw import takes in what agents' histories still hold"
    )
    if found := _first(home, ("sessions.db-wal", *_CYCLED, "library.json")):
        text = (
            f"is gone: {found} was made with it. With it go sessions, feedback, what was forgotten or shared"
        )
        yield fail("data", "sessions.db", text, mend)
    elif (home / "identity.json").exists():
        text = "is not there, though this home has an identity"
        yield warn("data", "sessions.db", text, f"If sessions were here: {mend}. Else nothing")


def _identity(home: Path) -> Iterator[Check]:
    if (home / "identity.json").exists():
        return
    found = _first(home, _NAMED) or ("sessions.db" if _count(home) else "")
    if found:
        yield fail(
            "files",
            "identity.json",
            f"is gone: {found} was made with it. The next command makes another one, for which masked values "
            "and what this machine shared are somebody else's",
            "skillclaw stop, then skillclaw restore a backup, or put it back, before anything else runs",
        )


def _consent(home: Path) -> Iterator[Check]:
    if (home / "consent.json").exists():
        return
    mend = "skillclaw up asks again; or: skillclaw up -d --yes"
    try:
        now = wishes(home)
    except SkillClawError:
        now = Wishes()  # told where formats are
    running = runfile.told_running(home)  # one that was killed, too
    if now.history or (running is not None and running.agreed):
        text = "is gone: you agreed, yet until you do again nothing is imported, learned, shared or installed"
        yield fail("files", "consent.json", text, mend)
    elif (home / "wanted.json").exists() and _count(home):
        text = "is not there: up runs the proxy and counts histories, but imports and installs nothing"
        yield warn("files", "consent.json", text, f"{mend}. If you never agreed: nothing")


def _count(home: Path) -> int:
    """The sessions of the home; 0 where none can be read."""
    if not (home / "sessions.db").exists():
        return 0
    try:
        store = SessionStore(home, look=True)
    except SkillClawError:
        return 0
    try:
        return store.count()
    except SkillClawError:
        return 0
    finally:
        store.close()


def _first(home: Path, names: tuple[str, ...]) -> str:
    return next((name for name in names if (home / name).exists()), "")
