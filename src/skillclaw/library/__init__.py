"""The skills installed on this machine: synced from hubs, never over a user's edit (DESIGN 3.3, 7.4)."""

from __future__ import annotations

from skillclaw.library.choose import HubView
from skillclaw.library.folders import from_folder, to_folder
from skillclaw.library.foreign import Foreign, foreign_skills
from skillclaw.library.library import EditedCopy, Library
from skillclaw.library.objects import ObjectCache
from skillclaw.library.records import Change, HubSeen, MergeRow, Quarantined, Row, SyncReport

__all__ = [
    "Change",
    "EditedCopy",
    "Foreign",
    "HubSeen",
    "HubView",
    "Library",
    "MergeRow",
    "ObjectCache",
    "Quarantined",
    "Row",
    "SyncReport",
    "foreign_skills",
    "from_folder",
    "to_folder",
]
