"""What a cycle says of the canaries."""

from __future__ import annotations

from typing import Literal

from skillclaw.skills.records import Effect
from skillclaw.trajectory.model import Record

__all__ = ["Hinging", "Rollout"]


class Hinging(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A person on whom it hangs: the name that the log knows, how the key begins, and how many of
    `of` eligible sessions are that person's."""

    name: str
    key: str
    sessions: int
    of: int

    def told(self) -> str:
        """For people."""
        return f"{self.name or 'a member'} (key {self.key}, {self.sessions} of {self.of} sessions)"


class Rollout(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What became of one canary; `why` is for the user, `effect` is null where it was not measured.

    action  wait: it stays a canary; promote: it is stable; unproven: stable without proof; rollback: the
            version before is current again. Of a dry run: what would be
    """

    skill: str
    version: str
    action: Literal["wait", "promote", "unproven", "rollback"]
    why: str
    effect: Effect | None = None
    people: list[Hinging] = []

    def told(self, *, dry_run: bool = False) -> str:
        """For people, in a line."""
        what = {
            "wait": "is still a canary",
            "promote": "would become stable" if dry_run else "is stable now",
            "unproven": "would become stable, unproven" if dry_run else "is stable now, unproven",
            "rollback": "would be rolled back" if dry_run else "was rolled back",
        }[self.action]
        return f"{self.skill} {self.version[:12]} {what}. {self.seen()}"

    def seen(self) -> str:
        """`why`, and who it hangs on."""
        if not self.people:
            return self.why
        named = ", ".join(one.told() for one in self.people)
        return f"{self.why} It hangs on {named}; an owner can ask, and revoke the key."
