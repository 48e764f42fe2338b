"""Why a session may not leave by another way than a group's hub: by MCP, or as a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.journal.share_rules import named
from skillclaw.server.sharing.view import current, subjects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine

__all__ = ["withheld"]


def withheld(machine: Machine, rows: Iterable[SessionRow], *, own: bool) -> dict[str, str]:
    """By session why nothing of it may be given; empty where it may.

    What is another person's or marked `never` stays, always. Of the rest goes what the rules of sharing
    (`share.agents`, `share.projects`, `share.default`) let out redacted; all of it with `own`.
    """
    share = current(machine)[0].share
    reasons = {}
    for row, subject in subjects(machine, rows):
        rules = list(named(share, subject))
        off = next((f"share.{rule} is {value}" for rule, value in rules if value != "redacted"), "")
        if subject.mark == "never":
            reason = "you said that it is never shared"
        elif subject.other:
            reason = "it is another person's"
        elif own:
            reason = ""
        elif off:
            reason = off
        elif not rules and share.default != "redacted":
            reason = "no rule of sharing lets it out"
        else:
            reason = ""
        reasons[row.id] = reason
    return reasons
