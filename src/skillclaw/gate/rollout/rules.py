"""What is asked of a canary before something becomes of it."""

from __future__ import annotations

import msgspec

from skillclaw.gate.policies import Policy
from skillclaw.hub.arms import CONTROL
from skillclaw.trajectory.model import Record

__all__ = ["Rules", "rules_for"]


class Rules(Record, frozen=True, kw_only=True):
    """The numbers of a rollout.

    share            of blocks in which a client has the canary: the known chance of each draw
    help, harm       how often chance alone may promote, or roll back by the e-value of one endpoint, in a
                     whole rollout
    sessions, users  least eligible sessions, and people with some, before a promotion
    left_out         share of people who are left out at either end of what is judged by, one at least (see
                     `people`); 0: nobody is, where one person decides for nobody else
    cap              eligible sessions of one person on one day that count in full; more share this weight
    timeout          days after which a canary is no more
    guard            days from which on a canary has to exclude a harm as large as `worst`
    guarded          sessions of an endpoint from which on the guard can tell
    worst            the harm, as a difference of rates, that has to be excluded
    certain          confidence with which it has to be
    edits            share of the people who had it above which, at the time-out, their edits speak against
                     it, where they are more than can be left out
    """

    share: float = CONTROL
    help: float = 0.05
    harm: float = 0.05
    sessions: int = 40
    users: int = 2
    left_out: float = 0.1
    cap: int = 8
    timeout: float = 28.0
    guard: float = 13.0
    guarded: int = 200
    worst: float = 0.15
    certain: float = 0.99
    edits: float = 0.2


def rules_for(policy: Policy, share: float = CONTROL) -> Rules:
    """The rules under a group's policy: as many people as it asks for before anything is released.

    Under `solo` one person decides for that person alone, and nobody could be led by a liar.
    """
    alone = policy.users <= 1
    return msgspec.structs.replace(
        Rules(), share=share, users=policy.users, left_out=0.0 if alone else Rules().left_out
    )
