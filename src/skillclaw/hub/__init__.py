"""The group's shared storage: objects, and a signed log whose fold is the state of the group.

Names are loaded when they are first asked for: whoever reads a record needs no keys and no storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.records import (
        Commit,
        HubInfo,
        HubState,
        Invite,
        Key,
        ProposalState,
        Release,
        SkillState,
    )

__all__ = ["Commit", "Hub", "HubInfo", "HubState", "Invite", "Key", "ProposalState", "Release", "SkillState"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'skillclaw.hub' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"skillclaw.hub.{'hub' if name == 'Hub' else 'records'}"), name)
