"""The group's shared storage: objects, and a signed log whose fold is the state of the group (DESIGN 3.3)."""

from __future__ import annotations

from skillclaw.hub.hub import Hub
from skillclaw.hub.records import Commit, HubInfo, HubState, Invite, Key, ProposalState, Release, SkillState

__all__ = ["Commit", "Hub", "HubInfo", "HubState", "Invite", "Key", "ProposalState", "Release", "SkillState"]
