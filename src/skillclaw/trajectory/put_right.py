"""What the user told the agent in a request, and what the agent did about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from skillclaw.trajectory.asks import Request
from skillclaw.trajectory.demanded import Demanded
from skillclaw.trajectory.episode import Episode, make
from skillclaw.trajectory.feedback import correction_text, repeats
from skillclaw.trajectory.flow import Said
from skillclaw.trajectory.moves import Move, differs
from skillclaw.trajectory.outcomes import tail

__all__ = ["as_demanded", "corrections"]

TOLD_CUT = 200
"""Characters of a user's words that are kept."""


def as_demanded(
    one: Demanded,
    moves: Sequence[Move],
    taken: tuple[str, ...],
    accepted: Sequence[int],
    intent: str,
    base: dict[str, Any],
) -> Episode:
    """The lesson of what was demanded of a program, whatever the agent made of it."""
    steps = {one.step, one.action.step, *([one.failed.step] if one.failed is not None else [])}
    return make(
        "correction",
        base,
        intent,
        [one.action],
        failed=one.failed,
        topic=one.action.topic,
        steps=sorted(steps),
        user_text=one.demand.text[:TOLD_CUT],
        worked=one.worked,
        taken=taken,
        accepted=any(one.action.place < a <= len(moves) for a in accepted),
        demand=f"{one.demand.program} {one.demand.wanted}" if one.demand.option else one.demand.wanted,
    )


def corrections(
    moves: list[Move],
    said_no: list[tuple[int, Said]],
    request: Request,
    accepted: list[int],
    intent: str,
    base: dict[str, Any],
) -> list[Episode]:
    """What the agent did otherwise after words that name no program's option or call (`demanded`)."""
    found: list[Episode] = []
    for order, (at, said) in enumerate(said_no):
        until = said_no[order + 1][0] if order + 1 < len(said_no) else len(moves)
        before, after = moves[:at], moves[at:until]
        last = next((m for m in reversed(before) if m.writes), before[-1] if before else None)
        # What the agent did after the words, in another way than before.
        own = request.taken.get(said.step, ())
        changed = [m for m in after if m.ok is not False and (last is None or _otherwise(last, m, own))]
        words = [m for m in changed if m.writes] or changed
        if last is None or not words or said.step in request.demanded:
            continue
        kind = [m for m in words if tail(m.tool) == tail(last.tool)] or words
        later = [
            _names(request, other)
            for place, other in said_no[order + 1 :]
            if not (_says_again(said, other, own) and _alike(after, moves[place:]))
        ]
        found.append(
            make(
                "correction",
                base,
                intent,
                kind[:2],
                failed=last,
                topic=kind[0].topic,
                steps=sorted({last.step, said.step, *(m.step for m in kind[:2])}),
                user_text=correction_text(said.text, names=own),
                # Who then names something else was content with this.
                worked=not later or (bool(own) and all(names and not names & set(own) for names in later)),
                taken=own,
                accepted=any(at < a <= len(moves) for a in accepted),
            )
        )
    return found


def _names(request: Request, said: Said) -> set[str]:
    demanded = request.demanded.get(said.step, ())
    return {*request.taken.get(said.step, ()), *(one.wanted for one in demanded)}


def _says_again(said: Said, other: Said, names: Collection[str]) -> bool:
    return repeats(said.text, other.text) or any(name in other.text for name in names)


def _alike(before: Sequence[Move], after: Sequence[Move]) -> bool:
    """Whether the agent, told the same once more, only did the same once more: then the words stand as they
    did."""
    done = {m.command for m in before}
    return all(m.command and m.command in done for m in after)


def _otherwise(before: Move, after: Move, taken: Collection[str]) -> bool:
    """Whether a move is another way: by its shape, or by what was `taken` up, which may lie in a text that
    shapes leave out."""
    return differs(before, after) or (bool(taken) and before.command != after.command)
