"""The skills installed on this machine: synced from hubs, never over a user's edit.

Names are loaded when they are first asked for: what the library remembers is read by commands that have
nothing to do with a hub, and they need not wait for its records and keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_IN = {
    "EditedCopy": "library",
    "Foreign": "foreign",
    "HubView": "choose",
    "Library": "library",
    "ObjectCache": "objects",
    "foreign_skills": "foreign",
    "from_folder": "folders",
    "to_folder": "folders",
}
"""The module of each name that is not one of the records."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'skillclaw.library' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"skillclaw.library.{_IN.get(name, 'records')}"), name)
