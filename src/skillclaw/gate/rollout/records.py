"""What is seen of a canary, and what is decided."""

from __future__ import annotations

from typing import Literal

from skillclaw.skills.records import Effect
from skillclaw.trajectory.model import Record

__all__ = ["Decision", "Observation"]


class Observation(Record, frozen=True, kw_only=True):
    """One eligible session of one client: the skill's description comes up for what was asked, in both arms
    alike. A client that edited its copy is in neither arm from the next block on; those are left out before.

    client   `Key.member` of who signed the session; user: the person
    day      the block (`hub.arms.block`) in which the session began
    treated  by assignment (`hub.arms.treated`), whatever the client did
    event    whether the pattern's own failing action occurred; null where the skill has no such pattern
    success  the session's outcome; null where it is unknown
    steps    actions until it was recovered, or done; null where nothing was
    read     whether the body of this version was really read: a second figure, never the first
    stratum  task cluster and model: what is alike but for the skill
    edited   whether the client changed its copy since the release, by which this is of its last blocks
    """

    client: str
    user: str
    day: str
    session: str
    treated: bool
    event: bool | None = None
    success: bool | None = None
    steps: int | None = None
    read: bool = False
    stratum: str = ""
    edited: bool = False


class Decision(Record, frozen=True, kw_only=True):
    """What becomes of a canary now. `why` is a sentence for the user (500 characters at most); `effect` what
    was measured, null where nothing can be compared. `people` are the few (as `Observation.user`) who alone
    speak for something else than what is decided: for harm, or for the skill; for the eyes of an owner, since
    `why` names nobody.

    wait      go on: more data, or more time, is needed (said plainly)
    promote   stable: it helps; unproven: time is over, no evidence of harm
    rollback  it harms, or time is over and many changed their copies of it
    """

    action: Literal["wait", "promote", "unproven", "rollback"]
    why: str
    effect: Effect | None = None
    people: tuple[str, ...] = ()
