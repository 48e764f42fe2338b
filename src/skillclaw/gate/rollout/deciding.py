"""From what was seen of a canary to what becomes of it. Pure, and the same for any order of what was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from skillclaw.gate.rollout import wording
from skillclaw.gate.rollout.betting import Evidence, evidence, interval
from skillclaw.gate.rollout.blocks import Block, Endpoint, blocks, good
from skillclaw.gate.rollout.contrast import Contrast, contrast, lowest
from skillclaw.gate.rollout.records import Decision, Observation
from skillclaw.gate.rollout.rules import Rules
from skillclaw.hub.arms import block
from skillclaw.skills.records import Effect

__all__ = ["METHOD", "decide"]

METHOD = "switchback by client and day; betting e-values"


class _Seen(NamedTuple):
    """One endpoint: the sessions in which it is known, their blocks, and what they say."""

    endpoint: Endpoint
    known: list[Observation]
    blocks: list[Block]
    evidence: Evidence
    contrast: Contrast | None


def decide(
    observations: Sequence[Observation], *, released: datetime, now: datetime, rules: Rules
) -> Decision:
    """What becomes of a canary that was released at `released`, by what was seen since.

    The primary endpoint is the pattern's own event where any session can tell of it, else the outcome. The
    primary one promotes, once the other one excludes a large harm; either one rolls back. What an earlier
    call decided is not known here: the error rates hold for asking at any time, as often as one likes (those
    of the guard, which are for daily cycles, are in docs/rollout.md).

    Days to come are left out, whatever a client's clock says: else who makes days up has the evidence of
    months at once. For help only days that are over speak, since who looks into a day as it goes on chooses
    when it looks good.
    """
    today = block(now)
    observations = [one for one in observations if one.day <= today]
    days = (now - released) / timedelta(days=1)
    primary: Endpoint = "event" if any(one.event is not None for one in observations) else "outcome"
    ends: list[Endpoint] = ["event", "outcome"] if primary == "event" else ["outcome"]
    seen = [_see(observations, end, rules, today) for end in ends]
    first = seen[0]
    for one in seen:
        if harm := _harm(one, days, rules):
            effect = _effect(one, rules)
            return Decision(action="rollback", why=wording.harmed(harm, effect), effect=effect)
    measured = _effect(first, rules) if _comparable(first) else None
    people = len({one.user for one in first.known})
    enough = len(first.known) >= rules.sessions and people >= rules.users
    target = 1 / rules.help
    said = first.evidence
    helps = enough and measured is not None and min(said.helps, said.robust) >= target
    if helps and measured is not None and not any(_open(one, days, rules) for one in seen[1:]):
        return Decision(action="promote", why=wording.helped(measured), effect=measured)
    if days >= rules.timeout:
        return _end(observations, measured, rules)
    if not enough:
        why = wording.not_enough(len(first.known), people, rules)
    elif measured is None:
        why = wording.one_sided(first.known)
    elif helps:
        why = wording.success_open(measured, days, rules)
    else:
        carried = said.helps >= target
        why = wording.not_told(measured, days, rules, carried=carried)
    return Decision(action="wait", why=why, effect=measured)


def _end(observations: Sequence[Observation], measured: Effect | None, rules: Rules) -> Decision:
    """Time is over without evidence. Whoever changed the copy is measured no more: where many did, that
    nothing is known of harm says little, and that they did says something."""
    had = {one.user for one in observations if one.treated}
    edited = {one.user for one in observations if one.treated and one.edited}
    if had and len(edited) / len(had) > rules.edits:
        why = wording.changed(measured, rules, len(edited), len(had))
        return Decision(action="rollback", why=why, effect=measured)
    why = wording.timed_out(measured, rules, len(edited), len(had))
    return Decision(action="unproven", why=why, effect=measured)


def _see(observations: Sequence[Observation], endpoint: Endpoint, rules: Rules, today: str) -> _Seen:
    known = [one for one in observations if good(one, endpoint) is not None]
    found = blocks(known, endpoint, rules.cap)
    people = len({one.user for one in known})
    left = _left(people, rules)
    said = evidence(found, rules.share, left)
    over = [one for one in found if one.day < today]
    if len(over) < len(found):
        said = evidence(over, rules.share, left)._replace(harms=said.harms)
    return _Seen(endpoint, known, found, said, contrast(found))


def _left(people: int, rules: Rules) -> int:
    """Of so many people, how many are left out."""
    return max(1, math.floor(rules.left_out * people)) if rules.left_out else 0


def _comparable(seen: _Seen) -> bool:
    return len({one.treated for one in seen.blocks}) == 2


def _harm(seen: _Seen, days: float, rules: Rules) -> wording.Harm | None:
    """Why the canary has to go, judged by one endpoint; None where it has not."""
    if not _comparable(seen):
        return None
    if seen.evidence.harms >= 1 / rules.harm:
        return "evidence"
    found = seen.contrast
    if found is None or found.difference >= 0:
        return None
    guarded = days >= rules.guard and len(seen.known) >= rules.guarded
    if guarded and found.bound(rules.certain, lower=True) <= -rules.worst:
        return "guard"
    ended = days >= rules.timeout and len(seen.known) >= rules.sessions
    if ended and found.bound(1 - rules.harm, lower=False) < 0:
        return "end"
    return None


def _open(seen: _Seen, days: float, rules: Rules) -> bool:
    """Whether the endpoint is known well enough to judge by, and a large harm to it is still possible: by all
    sessions, or by those without the people who hide one best. It is looked at once the guard has looked
    twice: at every look before, chance would have another try."""
    found = seen.contrast
    if found is None or len(seen.known) < rules.sessions:
        return False
    if days < rules.guard + 1 or found.bound(rules.certain, lower=True) <= -rules.worst:
        return True
    people = {one.user for one in seen.blocks}
    return lowest(seen.blocks, _left(len(people), rules), rules.certain) <= -rules.worst


def _effect(seen: _Seen, rules: Rules) -> Effect:
    """What was measured, in rates of the endpoint itself: of an event less is better."""
    treated = [one for one in seen.known if one.treated]
    control = [one for one in seen.known if not one.treated]
    read = [one for one in treated if one.read]
    ci = interval(seen.blocks, rules.share) if treated and control else None
    event = seen.endpoint == "event"
    rates = [_rate(seen, True), _rate(seen, False), _plain_rate(read, seen.endpoint)]
    both = rates[0] is not None and rates[1] is not None
    adjusted = seen.contrast.difference if seen.contrast is not None else None
    if adjusted is None and rates[0] is not None and rates[1] is not None:
        adjusted = (rates[0] - rates[1]) * (-1 if event else 1)
    if adjusted is not None:  # less what was forecast, where little was seen it may be more than all
        adjusted = max(-1.0, min(1.0, adjusted))
    return Effect(
        endpoint=seen.endpoint,
        treated_n=len(treated),
        control_n=len(control),
        clients=len({one.client for one in seen.known}),
        blocks=len(seen.blocks),
        treated_rate=rates[0],
        control_rate=rates[1],
        difference=_round(-adjusted if event else adjusted) if both and adjusted is not None else None,
        ci=None
        if ci is None
        else (_round(-ci[1]), _round(-ci[0]))
        if event
        else (_round(ci[0]), _round(ci[1])),
        helps=float(f"{seen.evidence.helps:.4g}"),
        harms=float(f"{seen.evidence.harms:.4g}"),
        read_n=len(read),
        read_rate=rates[2],
        method=METHOD,
    )


def _rate(seen: _Seen, treated: bool) -> float | None:
    """The rate in one arm, in which each block has its weight: a person's many sessions say no more here
    than they do in the decision."""
    own = [one for one in seen.blocks if one.treated == treated]
    if not own:
        return None
    mean = sum(one.weight * one.value for one in own) / sum(one.weight for one in own)
    return _round(1 - mean if seen.endpoint == "event" else mean)


def _plain_rate(sessions: Sequence[Observation], endpoint: Endpoint) -> float | None:
    values = [value for one in sessions if (value := good(one, endpoint)) is not None]
    if not values:
        return None
    mean = sum(values) / len(values)
    return _round(1 - mean if endpoint == "event" else mean)


def _round(value: float) -> float:
    return round(value, 4) + 0.0
