"""What each kind of commit needs and does, given a state whose log holds so far. Pure.

`apply` is called with a commit whose signature and place in the chain were checked (log.py). Each rule gives
the next state or raises Void with the reason; docs/hub-log.md lists the same rules for people. Those about
proposals, skills, members' counts and who belongs to the group are in proposal_rules.py, skill_rules.py,
counts.py and membership.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from skillclaw.hub import counts, kinds, membership, proposal_rules, skill_rules
from skillclaw.hub.approval import PEOPLE
from skillclaw.hub.records import Commit, HubState, Key
from skillclaw.hub.void import Void

__all__ = ["ROLES", "Void", "apply"]


OWNER, EVOLVER, REVIEWER = "owner", "evolver", "reviewer"
WRITERS = (OWNER, EVOLVER, REVIEWER)

ROLES: dict[str, tuple[str, ...]] = {
    "settings": (OWNER,),
    "key-add": (OWNER,),
    "key-revoke": (OWNER,),
    "invite": (OWNER,),
    "uninvite": (OWNER,),
    "join": WRITERS,
    "leave": WRITERS,
    "rotate": WRITERS,
    "proposal": WRITERS,
    "verdict": WRITERS,
    "vote": WRITERS,
    "counts": WRITERS,
    "approval": PEOPLE,
    "release": WRITERS,
    "promote": WRITERS,
    "rollback": WRITERS,
    "pin": PEOPLE,
    "archive": WRITERS,
    "revoke": WRITERS,
    "tombstone": WRITERS,
}
"""Who may sign a commit of which kind. Members and importers may not write the log at all."""


def apply(state: HubState, commit: Commit) -> HubState:
    """The state after `commit`; its seq, head and void are the caller's. Raises Void."""
    signer = state.keys.get(commit.signer)
    if signer is None:
        raise Void("its signer is not a key of this group")
    if signer.revoked:
        raise Void("its signer's key was revoked")
    if not signer.active:
        raise Void("its signer's key was replaced" if signer.replaced else "its signer left the group")
    if commit.kind not in ROLES:
        raise Void(f"{commit.kind!r} is not a kind of commit")
    if signer.role not in ROLES[commit.kind]:
        raise Void(f"a key of role {signer.role} may not sign {commit.kind}")
    try:
        said = kinds.body_of(commit.kind, commit.body, commit.v)
        body = msgspec.convert(said, kinds.BODIES[commit.kind])
    except msgspec.ValidationError as error:
        raise Void(f"its body is wrong: {error}") from error
    return _RULES[commit.kind](state, commit, signer, body)


def _settings(state: HubState, commit: Commit, signer: Key, body: kinds.SettingsEntry) -> HubState:
    merged = {**state.settings, **kinds.body_of(commit.kind, commit.body, commit.v)}
    return replace(state, settings={key: value for key, value in merged.items() if value is not None})


def _tombstone(state: HubState, commit: Commit, signer: Key, body: kinds.Tombstone) -> HubState:
    if body.client is None:
        if body.key in state.tombstones:
            raise Void("the session is forgotten already")
        return replace(state, tombstones=[*state.tombstones, body.key])
    if signer.role == OWNER and body.client in state.keys:
        who = membership.member(state, body.client)  # an owner may, for a member that cannot any more
    else:
        who = membership.said_by(state, body.client, body.sig, "tombstone", body.key).member
    gone = state.withdrawn.get(who, [])
    if body.key in gone:
        raise Void("the session is forgotten already")
    return replace(state, withdrawn={**state.withdrawn, who: [*gone, body.key]})


_RULES: dict[str, Callable[[HubState, Commit, Key, Any], HubState]] = {
    "settings": _settings,
    "tombstone": _tombstone,
    **proposal_rules.RULES,
    **skill_rules.RULES,
    **counts.RULES,
    **membership.RULES,
}
