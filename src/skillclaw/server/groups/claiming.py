"""The claim that whoever runs a group's cycle has, on its machine and among all its evolvers' machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skillclaw.errors import BusyError, UsageError
from skillclaw.server.groups.collecting import group_folder

if TYPE_CHECKING:
    from skillclaw.hub import Hub
    from skillclaw.hub.claims import Claim, Claims
    from skillclaw.server.machine import Machine

__all__ = ["CYCLE", "check_evolver", "claimed", "claims_of", "no_later", "why_not"]

CYCLE = "cycle"
"""The job of a group's cycle: a group has one hub, and a cycle at a time."""


def check_evolver(hub: Hub) -> None:
    """UsageError where this machine may not evolve for the group."""
    if not hub.acts_as("evolver"):
        raise UsageError(
            "This machine is not the evolver of that group.",
            "No evolver's key of the group that counts lies here.",
            "Run it on the evolver's machine, or make this one: skillclaw hub key --role evolver",
        )


def claims_of(machine: Machine, hub: Hub) -> Claims:
    """The claims of a group as this machine sees them; it remembers between processes what it saw."""
    from skillclaw.hub.claims import Claims

    return Claims(hub, group_folder(machine, hub.info.group) / "claims")


@contextmanager
def claimed(machine: Machine, hub: Hub, *, ttl: float, dry_run: bool = False) -> Iterator[Claim | None]:
    """The claim on the group's cycle, released at the end; BusyError with who has it, at once.

    A dry run writes nothing to the hub, so it takes none; only no other cycle of this home runs beside it.
    UsageError where this machine may not evolve for the group.
    """
    check_evolver(hub)
    claims = claims_of(machine, hub)
    if dry_run:
        lock = claims.here.lock(CYCLE)
        if lock is None:
            raise why_not(claims)
        try:
            yield None
        finally:
            lock.release()
        return
    claim = claims.take(CYCLE, ttl)
    if claim is None:
        raise why_not(claims)
    note = "failed"
    try:
        yield claim
        note = "done"
    finally:
        claim.release(note)


def no_later(hub: Hub) -> datetime:
    """Now, for what is deleted by its age: where this machine's clock is ahead, the time by the storage's, of
    the claim of the cycle that runs. A clock that jumped must take from a group nothing that it keeps.
    StorageError.
    """
    from skillclaw.hub.claim_entries import folder_of

    now = datetime.now(UTC)
    return min(now, max(hub.store.times(folder_of(CYCLE)).values(), default=now))


def why_not(claims: Claims) -> BusyError:
    """Who has the group's cycle, as an error."""
    from skillclaw.hub.kinds import is_moment

    known = claims.holder(CYCLE)
    if known is None or known.here:
        why = "It runs on this machine, in another process."
        todo = "Wait for it, or see: skillclaw status"
    else:
        since = f"since {known.since} by its own clock" if is_moment(known.since) else "now"
        why = f"{known.name or 'An evolver'} ({known.public[:16]}) has it {since}."
        left = max(known.ttl - known.watched, 0.0)
        todo = (
            f"Wait for it. If it is dead, its claim ends when {left:.0f} seconds pass without a sign of life."
        )
    return BusyError(f"Another evolver runs a cycle for the group of the hub at {claims.hub.url}.", why, todo)
