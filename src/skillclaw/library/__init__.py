"""The skills installed on this machine: synced from hubs, never over a user's edit (DESIGN 3.3, 7.4)."""

from __future__ import annotations

from skillclaw.library.folders import from_folder, to_folder
from skillclaw.library.foreign import Foreign, foreign_skills
from skillclaw.library.library import Library
from skillclaw.library.records import Change, Quarantined, Row, SyncReport

__all__ = [
    "Change",
    "Foreign",
    "Library",
    "Quarantined",
    "Row",
    "SyncReport",
    "foreign_skills",
    "from_folder",
    "to_folder",
]
