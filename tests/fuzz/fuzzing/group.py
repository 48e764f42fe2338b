"""A group whose keys everybody knows, so that hostile records can be signed as they have to be."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from skillclaw.hub import keys, log
from skillclaw.hub.records import Commit, HubInfo, HubState

__all__ = ["GROUP", "KEYS", "loaded", "signed_commit", "started"]

GROUP = "0123456789abcdef0123456789abcdef"
KEYS = {name: keys.SigningKey(name.encode() * 32) for name in "oermi"}
"""Owner, evolver, reviewer, member, and one who was invited (or: nobody)."""
ROLES = {"e": "evolver", "r": "reviewer", "m": "member"}


def signed_commit(state: HubState, kind: Any, body: Any, by: str, version: Any = 1) -> bytes:
    """The next entry of the log with this body, chained and signed; ValueError where JSON cannot say it."""
    fields: dict[str, Any] = {
        "v": version,
        "seq": state.seq + 1,
        "prev": state.head,
        "time": "2026-01-01T00:00:00Z",
        "kind": kind,
        "body": body,
        "signer": keys.public_hex(KEYS.get(by, KEYS["i"])),
        "sig": "",
    }
    commit = Commit(**fields)
    return log.sign(commit, KEYS.get(by, KEYS["i"]), state.group)


@lru_cache(1)
def started() -> HubState:
    """The state after the owner admitted the others and a skill was released."""
    info = HubInfo(group=GROUP, owner=keys.public_hex(KEYS["o"]), created="2026-01-01T00:00:00Z")
    state = log.initial(info)
    steps: list[tuple[str, dict[str, Any], str]] = [
        ("key-add", {"public": keys.public_hex(KEYS[name]), "role": role, "name": role}, "o")
        for name, role in ROLES.items()
    ]
    steps += [
        ("settings", {"policy": "solo"}, "o"),
        ("release", {"skill": "git", "version": "1" * 64, "base": None, "object": "a" * 64}, "e"),
        (
            "proposal",
            {
                "id": "p1",
                "skill": "git",
                "action": "refine",
                "base": "1" * 64,
                "object": "b" * 64,
                "version": "2" * 64,
            },
            "e",
        ),
    ]
    for kind, body, by in steps:
        data = signed_commit(state, kind, body, by)
        assert not log.why_void(state, data), log.why_void(state, data)
        state = log.fold(state, data)
    return state


def loaded(line: bytes) -> Any:
    """The JSON of a line, or None."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
