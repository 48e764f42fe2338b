"""The votes of a group's cycle: who a member is where evidence names users, and until when it is asked."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from skillclaw.hub import keys
from skillclaw.server.groups.collecting import pseudonym

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from skillclaw.evolve.voting import GroupVotes
    from skillclaw.gate.standing import MemberFacts
    from skillclaw.hub import Hub
    from skillclaw.server.machine import Machine

__all__ = ["group_votes"]


def group_votes(machine: Machine, hub: Hub, now: datetime, members: Mapping[str, MemberFacts]) -> GroupVotes:
    """For the evolver of `hub` on this machine; its sessions were collected before, by `now`. `members`: what
    is known of each (`newcomers`)."""
    from skillclaw.evolve.voting import GroupVotes

    known = keys.load(machine.home / "keys", hub.info.group, "pseudonyms")
    secret = known.encode() if known is not None else b""

    def code(proposal: str, user: str) -> str:
        parts = ("skillclaw taught", hub.info.group, proposal, user)
        return hmac.digest(secret, "\0".join(parts).encode(), "sha256").hex()[:16]

    return GroupVotes(
        hub,
        now=now,
        masker=machine.redactor,
        user_of=lambda key: pseudonym(key, secret) if secret else "",
        code_of=code,
        members=members,
    )
