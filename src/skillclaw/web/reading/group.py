"""A group as its hub's log has it: members with what they did, invites, settings, votes, spending."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from skillclaw.errors import SkillClawError
from skillclaw.hub import Hub, HubState, Invite, Key
from skillclaw.hub.membership import standing
from skillclaw.hub.vote_jobs import VoteJob
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = [
    "Activity",
    "MemberLine",
    "Paid",
    "SettingLine",
    "VoteLine",
    "members",
    "open_invites",
    "paid_by_group",
    "paid_here",
    "settings_of",
    "votes",
]

DAYS = 14
"""Days of spending that are shown; as many are kept."""


class Activity(Record, frozen=True, kw_only=True):
    """What the log has of a member: proposals, approvals, votes, counts of changes that were tried."""

    proposals: int = 0
    approvals: int = 0
    votes: int = 0
    counts: int = 0


class MemberLine(Record, frozen=True, kw_only=True):
    """A key of the group. `since`: when its member came in, empty where that cannot be read; `known`: it
    counts in full (`newcomers`); `here`: it is this machine's; `stands`: active, replaced, left, revoked."""

    name: str
    role: str
    key: str
    stands: str
    since: str
    ended: str
    known: bool
    here: bool
    did: Activity


class SettingLine(Record, frozen=True, kw_only=True):
    """A setting of the group: what it is for, its value as JSON (empty: not set), and what it may be where
    that is a few words."""

    key: str
    about: str
    value: str
    choices: list[str] = []
    fixed: bool = False


class VoteLine(Record, frozen=True, kw_only=True):
    """A change that members' machines are asked to try: the job, and the counts by member's name."""

    job: VoteJob
    counts: list[tuple[str, Any]]


class Paid(Record, frozen=True, kw_only=True):
    """What models were paid on one day (UTC)."""

    day: str
    tokens: int
    calls: int
    usd: float


def members(state: HubState, own: Iterable[str], times: Mapping[int, str], now: datetime) -> list[MemberLine]:
    """Every key of the log, those that count first. `own`: this machine's keys; `times`: of the entries that
    admitted members."""
    from skillclaw.server.groups.newcomers import facts_of

    mine = set(own)
    joined = {key.public: times.get(key.seq, "") for key in state.keys.values() if not key.first}
    facts = facts_of(state, joined, now)
    did = _activity(state)
    lines = [
        MemberLine(
            name=key.name,
            role=key.role,
            key=key.public,
            stands=standing(key),
            since=times.get(key.seq, ""),
            ended=key.ended,
            known=facts[key.member].known if key.member in facts else False,
            here=key.public in mine,
            did=did.get(key.member, Activity()),
        )
        for key in state.keys.values()
    ]
    order = {"owner": 0, "evolver": 1, "reviewer": 2, "member": 3, "importer": 4}
    return sorted(lines, key=lambda one: (one.stands != "active", order.get(one.role, 9), one.name, one.key))


def _activity(state: HubState) -> dict[str, Activity]:
    """By member."""
    members = {key.public: key.member for key in state.keys.values()}
    found: dict[str, dict[str, int]] = {}

    def add(public: str, what: str) -> None:
        own = found.setdefault(members.get(public, public), {})
        own[what] = own.get(what, 0) + 1

    for one in state.proposals.values():
        if one.author or one.by:
            add(one.author or one.by, "proposals")
        for public in one.approvals:
            add(public, "approvals")
        for public in one.votes:
            add(public, "votes")
        for public in one.counts:
            add(public, "counts")
    return {member: Activity(**counts) for member, counts in found.items()}


def open_invites(state: HubState) -> list[Invite]:
    """Those that somebody can still join with."""
    from skillclaw.hub.invites import why_not_join
    from skillclaw.server.sharing.view import clock

    now = clock()
    found = (one for one in state.invites.values() if not why_not_join(one, now))
    return sorted(found, key=lambda one: one.expires)


def settings_of(state: HubState) -> list[SettingLine]:
    """Every setting that a group can have, as it is now."""
    from skillclaw.server.groups.settings import KEYS

    choices = {"policy": ["team", "strict"], "reviewers": ["1", "2"], "evolver_cli": ["true", "false"]}
    lines = []
    for key, (_, about) in KEYS.items():
        value = state.settings.get(key)
        if key == "push" and isinstance(value, dict):
            value = {**value, "token": "…"}  # it lets a machine listen, and nobody needs to see it
        text = (
            ""
            if value is None
            else value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False)
        )
        lines.append(
            SettingLine(key=key, about=about, value=text, choices=choices.get(key, []), fixed=key == "push")
        )
    return lines


def votes(hub: Hub, state: HubState) -> list[VoteLine]:
    """The changes that the group's machines are asked to try now. StorageError."""
    from skillclaw.server.votes.jobs import jobs_in

    return [
        VoteLine(job=job, counts=[(_name(state, member), one) for member, one in known.counts.items()])
        for known, job in jobs_in(hub, state)
    ]


def paid_here(machine: Machine) -> list[Paid]:
    """What this machine paid for all of its hubs, newest day first. StorageError where the file that counts
    it is damaged."""
    from skillclaw.evolve.models.daybook import DayBook

    book = DayBook(machine.home)
    found = []
    for day in _days():
        sums = book.of(day)
        if sums.calls or sums.tokens:
            found.append(Paid(day=day, tokens=sums.tokens, calls=sums.calls, usd=sums.usd))
    return found


def paid_by_group(machine: Machine, hub: Hub) -> list[Paid] | None:
    """What all other evolvers of the group told that they paid for it; None where this machine is no evolver,
    who alone can read it."""
    from skillclaw.hub.spendings import HubSpendings
    from skillclaw.server.groups.claiming import claims_of

    if not hub.acts_as("evolver"):
        return None
    try:
        spent = HubSpendings(hub, claims_of(machine, hub).here.place())
        sums = [(day, spent.others(day)) for day in _days()]
    except SkillClawError:
        return None
    return [
        Paid(day=day, tokens=tokens, calls=calls, usd=usd)
        for day, (tokens, calls, usd) in sums
        if calls or tokens
    ]


def _days() -> list[str]:
    today = datetime.now(UTC).date()
    return [(today - timedelta(days=n)).isoformat() for n in range(DAYS)]


def _name(state: HubState, member: str) -> str:
    key: Key | None = next((one for one in state.keys.values() if one.member == member and one.active), None)
    key = key or state.keys.get(member)
    return (key.name or key.role) if key is not None else member[:12]
