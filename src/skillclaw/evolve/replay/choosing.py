"""Which held-out sessions a proposal is tried on. Reads sessions of the evolver's own store, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from skillclaw.evolve.replay.decision_points import Point, find_point
from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import added_items, all_evidence
from skillclaw.gate.replay.deciding import LEAST_CASES
from skillclaw.skills.records import Pattern, Proposal, Ref

__all__ = ["choose_points", "taught_by"]


def taught_by(proposal: Proposal, context: GateContext) -> set[str]:
    """The sessions that had a part in the proposal or in the version that it changes: none can try it. What a
    model was shown had a part in what it wrote, whether a line cites it or not.

    A pattern that is too thin to do without them was mined from its held-out sessions too; it says so by
    having none.
    """
    taught = {ref.session for ref in all_evidence(proposal)}
    taught.update(ref.session for pattern in proposal.patterns for ref in pattern.sources)
    taught.update(ref.session for ref in proposal.shown)
    base = context.base(proposal)
    for item in base.sidecar.items if base is not None else []:
        taught.update(ref.session for ref in item.evidence)
    return taught


def choose_points(proposal: Proposal, context: GateContext, most: int) -> tuple[list[Point], str]:
    """The cases of a proposal, at most `most`, one for each session; and, where they are too few, why.

    People take turns. Of a change only what its new lines are made from is tried: cases of lines that were
    there before would tie, whatever the new ones do.
    """
    taught = taught_by(proposal, context)
    new = {identity for item in added_items(proposal, context) for identity in item.patterns}
    tried_for = [one for one in proposal.patterns if one.id in new] or proposal.patterns
    refs = [(pattern, ref) for pattern in tried_for for ref in pattern.held_out]
    free = [(pattern, ref) for pattern, ref in refs if ref.session not in taught]
    points: dict[str, Point] = {}
    for pattern, ref in _in_turns(free):
        if len(points) >= most:
            break
        if ref.session in points:
            continue
        session = context.sessions(ref.session)
        point = find_point(pattern, session, ref.steps) if session is not None else None
        if point is not None and point.user == ref.user:
            points[ref.session] = point
    found = list(points.values())
    if len(found) >= LEAST_CASES:
        return found, ""
    return found, _why(proposal, len(refs), len({ref.session for _, ref in free}), len(found), most)


def _in_turns(free: Sequence[tuple[Pattern, Ref]]) -> list[tuple[Pattern, Ref]]:
    turns: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, int, tuple[Pattern, Ref]]] = []
    for pattern, ref in sorted(free, key=lambda x: (x[1].day, x[1].session, x[0].id), reverse=True):
        turns[pattern.id, ref.user] += 1
        ranked.append((turns[pattern.id, ref.user], len(ranked), (pattern, ref)))
    return [one for *_, one in sorted(ranked, key=lambda x: x[:2])]


def _why(proposal: Proposal, held: int, free: int, usable: int, most: int) -> str:
    if most < LEAST_CASES:
        return f"gate.replay.max_calls leaves room for {most}."
    if not proposal.patterns:
        return "It was made from no pattern, so there is nothing to try it on."
    if not held:
        return "Too few sessions show what it is about for any to be held out."
    if not free:
        return "Every session that was held out of one lesson taught another of the skill."
    return f"{usable} of {free} held-out sessions show one step that went wrong; {LEAST_CASES} are needed."
