"""The proposals of all hubs of this machine as a queue: what waits for people first. From the logs' folds
alone: no object of a hub is read, so that a long queue of a hub far away is listed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.hub.approval import policy_of, waits_for_people
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review.decisions import proposals
from skillclaw.server.review.reviewing import needs
from skillclaw.skills.records import Verdict
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import FoundProposal

__all__ = ["QueueRow", "queue"]


class QueueRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A proposal as the queue shows it. `waits`: only people's approval lets it through; `needs`: what is
    missing, in a sentence, empty where it is decided; `against`: the checks that hold it or refuse it;
    `votes`: how many members are for it, and how many are not."""

    hub: str
    id: str
    skill: str
    action: str
    status: str
    policy: str
    needs: str
    time: str
    waits: bool
    against: list[Verdict]
    votes: tuple[int, int] = (0, 0)


def queue(machine: Machine) -> tuple[list[QueueRow], list[Source]]:
    """Those that wait for people, the oldest first, then all others, the newest first; and the hubs that
    could not be read."""
    found, unread = proposals(machine)
    rows = [_row(one) for one in found]
    waiting = [row for row in reversed(rows) if row.waits]
    return [*waiting, *(row for row in rows if not row.waits)], unread


def _row(found: FoundProposal) -> QueueRow:
    one, log = found.state, found.log
    names = (one.skill, *(gone.skill for gone in one.retires))
    policy = policy_of(log.settings, *names, default="solo" if found.hub_name == PERSONAL else "team")
    against = [v for v in one.verdicts if v.verdict in ("hold", "reject")]
    approve = sum(vote.vote == "approve" for vote in one.votes.values())
    return QueueRow(
        hub=found.hub_name,
        id=one.id,
        skill=one.skill,
        action=one.action,
        status=one.status,
        policy=policy,
        needs=needs(log, one, policy),
        time=one.time,
        waits=waits_for_people(log, one, policy),
        against=against,
        votes=(approve, len(one.votes) - approve),
    )
