"""What of a home belongs into a backup, by path alone. Pure.

What is not known to be made anew is taken: a file of a later version, or one that a person put there, must
not be missing from a backup because nobody thought of it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

from skillclaw.server.setup.home_files import FOLDERS

__all__ = ["NAMERS", "How", "how", "order"]

How = Literal["plain", "database", "leave"]

_LEFT = frozenset({"run", "logs", "demo", "objects", "replay", "dashboard"})
"""Folders of a home: what runs, logs, the demo, releases that hubs hold, workrooms, logins of browsers."""
_JOURNAL = "journal"
_REMADE = (
    re.compile(r"(?:.*/)?evolve\.db"),
    re.compile(r"catalogue\.db"),
    re.compile(r"(?:.*/)?evolve/models/.*"),
    re.compile(r"hubs/[^/]+\.state\.json"),
    re.compile(r"serve/\.ready-[^/]*"),
)
"""Made anew from the sessions, by asking the model again, from the hubs' logs."""
_PASSING = re.compile(r".*(?:\.lock|-wal|-shm|-journal)|\..*\.new")
_MADE = FOLDERS - {"backups", "quarantine"}
"""Folders in which SkillClaw alone gives the names. In all others `Cargo.lock` is somebody's own file."""
NAMERS = ("hubs.json", "library.json", "connections.json", "config.toml")
"""These name entries of hubs' logs, the backups of agents' settings, groups with keys: read before anything
is listed, they never name what the backup has not."""


def how(path: PurePosixPath, *, journal: bool) -> How:
    """How the file at `path` (below the home) is taken; `journal`: whether raw exchanges are."""
    top = path.parts[0]
    whole = str(path)
    if top in _LEFT and len(path.parts) > 1:
        return "leave"
    if top == _JOURNAL and not journal:
        return "leave"
    ours = len(path.parts) == 1 or top in _MADE
    if ours and (_PASSING.fullmatch(path.name) or any(one.fullmatch(whole) for one in _REMADE)):
        # SQLite's own side files go with their database; those of evolve.db with it
        return "leave"
    return "database" if ours and path.name == "sessions.db" else "plain"


def order(path: PurePosixPath, kind: How) -> tuple[int, str]:
    """Where a file stands in the archive. Databases come last: what was forgotten meanwhile is known."""
    whole = str(path)
    if whole in NAMERS:
        return 0, whole
    # a proposal's or release's object is written before the entry that names it, so entries are read first
    if whole.startswith("hub/log/"):
        return 1, whole
    return (3 if kind == "database" else 2), whole
