"""What the sessions of one endpoint say, and whether that is a harm. Pure.

Nobody alone has a canary rolled back that the others' sessions do not speak against, and nobody alone hides
a harm that they show: of the people a tenth, one at least, is left out at either end (`people`,
`betting.trimmed`, `contrast.trimmed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.gate.rollout.betting import Evidence, evidence
from skillclaw.gate.rollout.blocks import Block, Endpoint, blocks, good
from skillclaw.gate.rollout.contrast import Contrast, Trimmed, contrast, lowest, trimmed
from skillclaw.gate.rollout.people import FEW, left_out
from skillclaw.gate.rollout.records import Observation
from skillclaw.gate.rollout.rules import Rules
from skillclaw.gate.rollout.wording import Harm

__all__ = ["Seen", "comparable", "harm_of", "harm_open", "harm_without_ends", "see"]


class Seen(NamedTuple):
    """One endpoint: the sessions in which it is known, their blocks, and what they say. `contrast` is of
    everybody, `trimmed` of people without those at either end; that is looked at once a guard could be.
    """

    endpoint: Endpoint
    known: list[Observation]
    blocks: list[Block]
    evidence: Evidence
    contrast: Contrast | None
    trimmed: Trimmed

    @property
    def people(self) -> int:
        """How many there are with sessions in which the endpoint is known."""
        return len({one.user for one in self.known})


def see(
    observations: Sequence[Observation], endpoint: Endpoint, rules: Rules, today: str, days: float
) -> Seen:
    """What is seen on the day `today`, so many `days` after the release."""
    known = [one for one in observations if good(one, endpoint) is not None]
    found = blocks(known, endpoint, rules.cap)
    out = left_out(len({one.user for one in known}), rules.left_out)
    said = evidence(found, rules.share, out)
    over = [one for one in found if one.day < today]
    if len(over) < len(found):
        past = evidence(over, rules.share, out)
        said = said._replace(helps=past.helps, helps_trimmed=past.helps_trimmed, loud_help=past.loud_help)
    late = days >= min(rules.guard, rules.timeout)
    return Seen(endpoint, known, found, said, contrast(found), trimmed(found, out) if late else Trimmed(None))


def comparable(found: Sequence[Block]) -> bool:
    """Whether there are blocks of both arms."""
    return len({one.treated for one in found}) == 2


def harm_without_ends(seen: Seen, days: float, rules: Rules) -> Harm | None:
    """Why the canary has to go, judged by one endpoint; None where it has not. Where nothing is left to
    compare without the people at either end, all are heard."""
    found = seen.trimmed.contrast or seen.contrast
    harm = _harm(seen.blocks, seen.evidence.harms_trimmed, found, days, rules)
    if harm == "guard" and days > rules.guard + 1 and harm_of(seen, days, rules) is None:
        # Who is left out changes from day to day, so that every further look would be another try of chance:
        # after the two that it is made for, everybody's sessions have to show it, too.
        return "end" if _ended(seen.blocks, found, days, rules) else None
    return harm


def harm_of(seen: Seen, days: float, rules: Rules, without: Sequence[str] = ()) -> Harm | None:
    """The same, judged by all sessions but those of the people `without`."""
    if not without:
        return _harm(seen.blocks, seen.evidence.harms, seen.contrast, days, rules)
    kept = [one for one in seen.blocks if one.user not in without]
    return _harm(kept, evidence(kept, rules.share, 0).harms, contrast(kept), days, rules)


def _harm(
    found: Sequence[Block], harms: float, compared: Contrast | None, days: float, rules: Rules
) -> Harm | None:
    if not comparable(found):
        return None
    if harms >= 1 / rules.harm:
        return "evidence"
    if compared is None or compared.difference >= 0:
        return None
    # What one person sends on a day counts up to the cap here, so that volume opens no guard.
    counted = rules.cap * sum(one.weight for one in found)
    guarded = days >= rules.guard and counted >= rules.guarded
    if guarded and compared.bound(rules.certain, lower=True) <= -rules.worst:
        return "guard"
    return "end" if _ended(found, compared, days, rules) else None


def _ended(found: Sequence[Block], compared: Contrast | None, days: float, rules: Rules) -> bool:
    """Whether time is over and harm is likely."""
    over = days >= rules.timeout and sum(one.n for one in found) >= rules.sessions
    return over and compared is not None and compared.bound(1 - rules.harm, lower=False) < 0


def harm_open(seen: Seen, days: float, rules: Rules) -> bool:
    """Whether the endpoint is known well enough to judge by, and a large harm to it is still possible without
    the people at either end; of few, without the one who hides it best. It is looked at once the guard has
    looked twice: at every look before, chance would have another try."""
    if seen.contrast is None or len(seen.known) < rules.sessions:
        return False
    if seen.contrast.error == 0 <= seen.contrast.difference:
        return False  # nothing varies, as where everybody always succeeds: nothing is there to wait for
    if days < rules.guard + 1:
        return True
    if rules.left_out and seen.people <= FEW:
        return lowest(seen.blocks, rules.certain) <= -rules.worst
    found = seen.trimmed.contrast
    return found is None or found.bound(rules.certain, lower=True) <= -rules.worst
