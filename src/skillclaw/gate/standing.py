"""How much sessions weigh together, whoever sent them: people count, not volume (docs/gate.md, Trust). Pure.

Anyone can make many sessions, and many keys where an invite may be used more than once. So of one person at
most a few sessions a day count; who is new in a group counts half, and those who came in together count as
one person until they are known; and nothing stands on new people alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skillclaw.gate.policies import Policy
from skillclaw.trajectory.model import Record

__all__ = ["NEWCOMER", "MemberFacts", "Standing", "enough", "person_of", "weighed"]

NEWCOMER = 0.5
"""What a person who is new in the group counts, against 1 of one who is known."""

_STRANGER = "?"
"""Cohort of who is no member that the log knows of."""


class MemberFacts(Record, frozen=True, kw_only=True):
    """What the group's log says of a member.

    known   whether it counts in full: it was there long enough, or an owner let in this very person
    cohort  what all who came in together with a new member share; empty for one that is known
    """

    known: bool = True
    cohort: str = ""


class Standing(Record, frozen=True, kw_only=True):
    """What stands behind something.

    sessions, users  how many, as they are
    weight, people   the same weighed: sessions that count, and people, new ones half
    known            how many of the people are known
    """

    sessions: int
    users: int
    weight: float
    people: float
    known: int


def weighed(
    seen: Iterable[tuple[str, str]], policy: Policy, members: Mapping[str, MemberFacts] | None = None
) -> Standing:
    """The standing of sessions, each given as its user and its day (YYYY-MM-DD, or empty).

    Of one person at most `policy.per_day` sessions of a day count (0: all). `members` are those of a group;
    without any, as on one's own hub, everybody is known.
    """
    by_day: dict[tuple[str, str], int] = {}
    users: dict[str, MemberFacts] = {}
    sessions = 0
    for user, day in seen:
        sessions += 1
        facts = _facts(user, members)
        users[user] = facts
        person = person_of(user, members)
        by_day[person, day] = by_day.get((person, day), 0) + 1
    new = {f"{_STRANGER}{facts.cohort}" for facts in users.values() if not facts.known}
    known = sum(facts.known for facts in users.values())
    return Standing(
        sessions=sessions,
        users=len(users),
        weight=sum(
            (min(n, policy.per_day) if policy.per_day else n) * (NEWCOMER if person in new else 1)
            for (person, _), n in by_day.items()
        ),
        people=known + NEWCOMER * len(new),
        known=known,
    )


def person_of(user: str, members: Mapping[str, MemberFacts] | None) -> str:
    """Whom a user counts as: those who are new and came in together are one person."""
    facts = _facts(user, members)
    return user if facts.known else f"{_STRANGER}{facts.cohort}"


def _facts(user: str, members: Mapping[str, MemberFacts] | None) -> MemberFacts:
    if not members:
        return MemberFacts()
    return members.get(user, MemberFacts(known=False, cohort=_STRANGER))


def enough(found: Standing, policy: Policy) -> bool:
    """Whether that is what the policy asks for."""
    return found.weight >= policy.sessions and found.people >= policy.users and found.known > 0
