"""What a backup says of itself: the first and the last member of the archive (docs/formats.md)."""

from __future__ import annotations

from skillclaw.trajectory.model import Record

__all__ = ["FORMAT", "HEAD", "MANIFEST", "Copy", "Entry", "Head", "LeftOut", "Manifest"]

FORMAT = 1
HEAD = "BACKUP.json"
MANIFEST = "MANIFEST.json"


class Head(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The first member: the format, the SkillClaw that wrote it, when (UTC), whether raw exchanges are in."""

    format: int = FORMAT
    version: str = ""
    made: str = ""
    journal: bool = False
    note: str = ""


class Entry(Record, frozen=True, kw_only=True):
    """One file: its path below the home, bytes, hash, and whether its owner may execute it."""

    path: str
    size: int
    sha256: str
    executable: bool = False


class LeftOut(Record, frozen=True, kw_only=True):
    """Something in the home that a backup cannot hold, and why."""

    path: str
    why: str


class Copy(Record, frozen=True, kw_only=True):
    """An installed skill whose folder was there: what is missing elsewhere was not removed by its user."""

    hub: str
    skill: str
    target: str


class Manifest(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The last member: every file before it. Without it the archive is not whole."""

    format: int = FORMAT
    version: str = ""
    made: str = ""
    files: list[Entry] = []
    left_out: list[LeftOut] = []
    copies: list[Copy] = []
