"""This machine's keys against the log: a rotation takes effect here once the log has taken it in."""

from __future__ import annotations

from pathlib import Path

from skillclaw.hub import keys, sealed
from skillclaw.hub.records import HubState

__all__ = ["ROLES", "begin_rotation", "settle", "waiting_rotation"]

ROLES = ("owner", "evolver", "reviewer", "importer", "member")
"""Roles that this machine may have a key for; those that write the log first."""


def settle(folder: Path, state: HubState) -> None:
    """Put new keys, which a `rotate` in the log names, in the place of those that they replace."""
    for role in ROLES:
        coming = keys.load(folder, state.group, f"{role}.next")
        known = state.keys.get(keys.public_hex(coming)) if coming is not None else None
        if known is None:
            continue
        sealing = keys.load(folder, state.group, "sealing.next")
        if role == "evolver" and sealing is not None and sealed.sealing_public(sealing) == known.sealing:
            keys.take_next(folder, state.group, "sealing")
        keys.take_next(folder, state.group, role)


def begin_rotation(folder: Path, group: str, role: str) -> keys.SigningKey:
    """The key that is to take the place of this machine's key for `role`; the same until it has."""
    return keys.load_or_create(folder, group, f"{role}.next")


def waiting_rotation(folder: Path, group: str, role: str) -> bool:
    """Whether a rotation was begun that the log has not taken in."""
    return keys.load(folder, group, f"{role}.next") is not None
