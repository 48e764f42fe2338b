"""Who alone makes the difference, where a decision hangs on one person, or on a tenth of them. Pure.

That may be chance, other work than the others', or a lie: an owner can look and revoke a key. The sentences
name nobody, since they go into the log, which all members read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.gate.rollout.betting import evidence
from skillclaw.gate.rollout.judging import Seen, harm_of
from skillclaw.gate.rollout.rules import Rules
from skillclaw.gate.rollout.wording import Harm, alone

__all__ = ["Hinge", "hiding", "speaking_against", "speaking_for"]


SHOW: dict[Harm, str] = {
    "evidence": "the others' show the harm",
    "guard": "by the others' it is worse, and a large harm cannot be excluded",
    "end": "by the others' it rather harms",
}
"""What is seen without those who hide it."""


class Hinge(NamedTuple):
    """People (as `Observation.user`) without whom the sessions say something else, and a sentence that says
    so, to come after another; neither where there are none."""

    people: tuple[str, ...] = ()
    why: str = ""


def hiding(seen: Seen, harm: Harm, days: float, rules: Rules) -> Hinge:
    """Who hides a harm that was found without them, and would not be with everybody."""
    people = seen.evidence.loud_help if harm == "evidence" else seen.trimmed.help
    if not people or harm_of(seen, days, rules) or not harm_of(seen, days, rules, people):
        return Hinge()
    return Hinge(people, alone(len(people), seen.people, "for it", SHOW[harm]))


def speaking_against(seen: Sequence[Seen], days: float, rules: Rules) -> Hinge:
    """Who alone speaks for a harm, where none is found without them."""
    for one in seen:
        harm = harm_of(one, days, rules)
        people = one.evidence.loud_harm if harm == "evidence" else one.trimmed.harm
        if harm and people and not harm_of(one, days, rules, people):
            return Hinge(people, alone(len(people), one.people, "against it", "the others' show no harm"))
    return Hinge()


def speaking_for(seen: Seen, rules: Rules) -> Hinge:
    """Who alone speaks for help that is certain with them."""
    people, target = seen.evidence.loud_help, 1 / rules.help
    if not people or seen.evidence.helps < target:
        return Hinge()
    kept = [one for one in seen.blocks if one.user not in people]
    if evidence(kept, rules.share, 0).helps >= target:
        return Hinge()
    return Hinge(people, alone(len(people), seen.people, "for it", "the others' do not show it"))
