"""Who is new in a group, for the gate: new members count half, and nothing stands on them alone.

A member is known when it was there for `newcomer_days`, or from its first day where an owner let in this very
person: the founder, a key that an owner admitted, who came by an invite of an owner's for one person with a
name. So colleagues whom the founder invites by name are known at once, and a group is not stopped in its
first week; who came by an invite that several may use has to wait. New members who came by one invite, or on
one day, count as one person: whoever holds such an invite can make any number of keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from skillclaw.gate.standing import MemberFacts
from skillclaw.hub import log
from skillclaw.server.groups.collecting import pseudonym
from skillclaw.trajectory.moments import moment_of

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Key
    from skillclaw.journal.store import SessionStore

__all__ = ["facts_of", "member_facts"]

NEWCOMER_DAYS = 7
"""Days for which a member is new, unless the group's `newcomer_days` says otherwise."""

_JOINED = "joined:"
"""Marks in the session store: member -> when the log took it in."""


def member_facts(
    hub: Hub, state: HubState, sessions: SessionStore, secret: bytes, now: datetime
) -> dict[str, MemberFacts]:
    """The facts of all members, by the user that their sessions count for.

    When a member came in is read from the log once and kept in `sessions`. StorageError.
    """
    days = newcomer_days(state)
    firsts = _members(state)
    joined = {
        member: _joined(hub, state, sessions, member, key.seq) if days and not _vouched(state, key) else ""
        for member, key in firsts.items()
    }
    facts = facts_of(state, joined, now)
    return {pseudonym(key, secret): facts[key.member] for key in state.keys.values()}


def facts_of(state: HubState, joined: Mapping[str, str], now: datetime) -> dict[str, MemberFacts]:
    """The facts by `Key.member`. `joined` says when each came in (a commit's time); empty where nobody knows,
    who then counts as new."""
    days = newcomer_days(state)
    new = {
        member
        for member, key in _members(state).items()
        if days and not _vouched(state, key) and not _long_ago(joined.get(member, ""), now, days)
    }
    cohorts = _together(
        [
            *([member for member in invite.used if member in new] for invite in state.invites.values()),
            *_by_day(new, joined),
        ]
    )
    return {
        member: MemberFacts(known=False, cohort=cohorts.get(member, member))
        if member in new
        else MemberFacts()
        for member in _members(state)
    }


def newcomer_days(state: HubState) -> int:
    """For how many days a member is new in this group; 0: nobody is."""
    days = state.settings.get("newcomer_days", NEWCOMER_DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 365:
        return NEWCOMER_DAYS
    return days


def _members(state: HubState) -> dict[str, Key]:
    """By member the key that it began with."""
    return {key.public: key for key in state.keys.values() if not key.first}


def _vouched(state: HubState, key: Key) -> bool:
    """Whether an owner let in this very person; only owners admit keys and make invites."""
    used = next((one for one in state.invites.values() if key.public in one.used), None)
    return used is None or (used.uses == 1 and bool(used.name))


def _long_ago(time: str, now: datetime, days: int) -> bool:
    then = moment_of(time)
    return then is not None and now - then >= timedelta(days=days)


def _by_day(new: Iterable[str], joined: Mapping[str, str]) -> list[list[str]]:
    days: dict[str, list[str]] = {}
    for member in sorted(new):
        days.setdefault(joined.get(member, "")[:10], []).append(member)
    return list(days.values())


def _together(lots: Iterable[list[str]]) -> dict[str, str]:
    """A name for all that share a lot, directly or by way of others."""
    name: dict[str, str] = {}
    for lot in lots:
        if not lot:
            continue
        joined = {name.get(member, member) for member in lot}
        first = min(joined)
        name |= dict.fromkeys(lot, first)
        name = {member: first if own in joined else own for member, own in name.items()}
    return name


def _joined(hub: Hub, state: HubState, sessions: SessionStore, member: str, seq: int) -> str:
    """When the log took the member in; empty where that cannot be read any more: then what came after it
    says that it was there by then."""
    known = sessions.get_mark(_JOINED + member)
    if known is not None:
        return known
    data = hub.store.get(log.key_of(seq), log.MAX_COMMIT)
    commit = log.signed(state, data) if data is not None else None
    if commit is not None and (commit.seq, commit.body.get("public")) == (seq, member):
        sessions.set_mark(_JOINED + member, commit.time)
        return commit.time
    later = [one.time for skill in state.skills.values() for one in skill.releases if one.seq > seq]
    later += [one.time for one in state.proposals.values() if one.seq > seq and one.time]
    return min(later, default="")
