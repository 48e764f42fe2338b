"""Entries of a group's log: bytes as they come, and hostile bodies, chained and signed as they must be.

Each line is JSON: {"kind", "body", "by"} with the letter of a role (`fuzzing.group`), signed here; a line
that is something else is an entry as it stands. Every one of them leaves a state that can be written, read
again, listed, and carried on from.
"""

from __future__ import annotations

import msgspec
from fuzzing.group import loaded, signed_commit, started

from skillclaw.errors import UpgradeNeededError
from skillclaw.hub import log
from skillclaw.hub.checkpoints import make, parse
from skillclaw.hub.records import HubState
from skillclaw.hub.sealed import sealing_keys

ALLOWED = (UpgradeNeededError,)
DICT = (
    b'"settings"',
    b'"key-add"',
    b'"key-revoke"',
    b'"invite"',
    b'"join"',
    b'"leave"',
    b'"rotate"',
    b'"proposal"',
    b'"verdict"',
    b'"vote"',
    b'"counts"',
    b'"approval"',
    b'"release"',
    b'"promote"',
    b'"rollback"',
    b'"pin"',
    b'"archive"',
    b'"revoke"',
    b'"tombstone"',
    b'"retires"',
    b'"effect"',
    b'"share"',
    b'"policies"',
    b'"canary"',
    b'"2026-99-99T99:99:99Z"',
    b'"by"',
    b'"o"',
    b'"e"',
    b'"sealing"',
    b'"scope"',
    b'"project"',
)


def once(data: bytes) -> None:
    """The fold of all of it, from a log that has begun."""
    from fuzzing.group import KEYS

    state = started()
    for line in data.split(b"\n")[:20]:
        told = loaded(line)
        entry = line
        if isinstance(told, dict) and "body" in told:
            try:
                entry = signed_commit(
                    state, told.get("kind"), told["body"], str(told.get("by")), told.get("v", 1)
                )
            except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
                continue
        before = state
        state = log.fold(state, entry)
        assert state.seq == before.seq + 1
        assert bool(log.why_void(before, entry)) == (state.void > before.void)
    assert msgspec.json.decode(msgspec.json.encode(state), type=HubState) == state
    sealing_keys(state)
    found = parse(make(state, "0" * 64, KEYS["o"]), state.seq, state.group) if state.keys else None
    assert found is None or found.state == state
