"""From what was seen of a canary to what becomes of it. Pure, and the same for any order of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from skillclaw.gate.rollout import wording
from skillclaw.gate.rollout.betting import interval
from skillclaw.gate.rollout.blocks import Endpoint, good
from skillclaw.gate.rollout.hinging import Hinge, hiding, speaking_against, speaking_for
from skillclaw.gate.rollout.judging import Seen, comparable, harm_open, harm_without_ends, see
from skillclaw.gate.rollout.people import FEW, left_out
from skillclaw.gate.rollout.records import Decision, Observation
from skillclaw.gate.rollout.rules import Rules
from skillclaw.hub.arms import block
from skillclaw.skills.records import Effect

__all__ = ["METHOD", "decide"]

METHOD = "switchback by client and day; betting e-values, trimmed by person"


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
    seen = [see(observations, end, rules, today, days) for end in ends]
    first = seen[0]
    for one in seen:
        if harm := harm_without_ends(one, days, rules):
            effect = _effect(one, rules)
            hinge = hiding(one, harm, days, rules)
            why = wording.harmed(harm, effect) + hinge.why
            return Decision(action="rollback", why=why, effect=effect, people=hinge.people)
    measured = _effect(first, rules) if comparable(first.blocks) else None
    hinge = speaking_against(seen, days, rules)
    enough = len(first.known) >= rules.sessions and first.people >= rules.users
    helps = enough and measured is not None and first.evidence.helps_trimmed >= 1 / rules.help
    if helps and measured is not None and not any(harm_open(one, days, rules) for one in seen[1:]):
        why = wording.helped(measured) + hinge.why
        return Decision(action="promote", why=why, effect=measured, people=hinge.people)
    if days >= rules.timeout:
        return _end(observations, measured, rules, hinge)
    if not enough:
        why = wording.not_enough(len(first.known), first.people, rules)
    elif measured is None:
        why = wording.one_sided(first.known)
    elif helps:
        why = wording.success_open(measured, days, rules)
    else:
        why = wording.not_told(measured, days, rules)
        hinge = hinge if hinge.people else speaking_for(first, rules)
    return Decision(action="wait", why=why + hinge.why, effect=measured, people=hinge.people)


def _end(
    observations: Sequence[Observation], measured: Effect | None, rules: Rules, hinge: Hinge
) -> Decision:
    """Time is over without evidence. Whoever changed the copy is measured no more: where many did, that
    nothing is known of harm says little, and that they did says something. As many as can be left out do not
    roll it back by that either, where there are more than a few."""
    had = {one.user for one in observations if one.treated}
    edited = {one.user for one in observations if one.treated and one.edited}
    least = left_out(len(had), rules.left_out) if len(had) > FEW else 0
    if len(edited) > max(least, rules.edits * len(had)):
        why = wording.changed(measured, rules, len(edited), len(had))
        return Decision(action="rollback", why=why, effect=measured)
    why = wording.timed_out(measured, rules, len(edited), len(had)) + hinge.why
    return Decision(action="unproven", why=why, effect=measured, people=hinge.people)


def _effect(seen: Seen, rules: Rules) -> Effect:
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


def _rate(seen: Seen, treated: bool) -> float | None:
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
