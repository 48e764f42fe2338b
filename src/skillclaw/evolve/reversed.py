"""Corrections that say the reverse of each other: "use pnpm, not npm", and "use npm, not pnpm". Pure.

Only one of them can be taught. What was asked for last counts, and by how many people: one person's newest
words are what they mean. Where neither clearly leads, neither is taught.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec.structs import replace

from skillclaw.evolve.view import LeftOut
from skillclaw.skills.records import ActionShape, Pattern, Ref

__all__ = ["disputes", "with_reversals"]

SHARE = 0.5
"""What is asked for later has at least this part of the earlier one's people; and where both are asked for at
once, the one that loses has at most this part of the other's."""
SEVERAL = 2
"""People of whom one alone does not take the earlier lesson."""
UNDECIDED = "Neither is proposed until one clearly leads, by how recent it is and by how many people."

Turn = tuple[str, str, str]
"""Project, the call that was wrong, and the one in its place."""


def with_reversals(patterns: Sequence[Pattern]) -> list[Pattern]:
    """The patterns in their order; corrections that others reverse with those sessions against them, and with
    how it stands between them (`Pattern.reversed`)."""
    sides: dict[Turn, list[Ref]] = {}
    for pattern in patterns:
        if (turn := _turn(pattern)) is not None:
            sides.setdefault(turn, []).extend(pattern.evidence)
    return [_weighed(pattern, sides) for pattern in patterns]


def disputes(patterns: Iterable[Pattern]) -> list[LeftOut]:
    """Each pair of ways of which neither clearly leads."""
    found: dict[str, list[str]] = {}
    for pattern in patterns:
        turn = _turn(pattern) if pattern.reversed == "disputed" else None
        if turn is not None:
            where = f" in {turn[0]}" if turn[0] else ""
            first, second = sorted(turn[1:])
            what = f"Users ask for `{first}` instead of `{second}`{where}, and for the reverse"
            found.setdefault(what, []).append(pattern.id)
    return [LeftOut(patterns=sorted(ids), what=what, reason=UNDECIDED) for what, ids in sorted(found.items())]


def _weighed(pattern: Pattern, sides: dict[Turn, list[Ref]]) -> Pattern:
    turn = _turn(pattern)
    against = sides.get((turn[0], turn[2], turn[1]), []) if turn is not None else []
    if turn is None or not against:
        return pattern
    fate: Literal["", "overruled", "disputed"] = "disputed"
    if _leads(sides[turn], against):
        fate = ""
    elif _leads(against, sides[turn]):
        fate = "overruled"
    if not fate:
        return pattern
    known = {(ref.user, ref.session) for ref in (*pattern.evidence, *pattern.contradictions)}
    more = {(ref.user, ref.session): ref for ref in against if (ref.user, ref.session) not in known}
    refs = [*pattern.contradictions, *more.values()]
    return replace(
        pattern, reversed=fate, contradictions=sorted(refs, key=lambda ref: (ref.user, ref.session))
    )


def _turn(pattern: Pattern) -> Turn | None:
    """What a correction puts in the place of what: calls by program and subcommand where these differ, else
    as a whole; None where it does not tell."""
    if pattern.kind != "correction" or pattern.failed is None or len(pattern.actions) != 1:
        return None
    wrong, right = _call(pattern.failed), _call(pattern.actions[0])
    heads = _head(wrong), _head(right)
    wrong, right = heads if heads[0] != heads[1] else (wrong, right)
    return (pattern.project or "", wrong, right) if wrong != right else None


def _call(shape: ActionShape) -> str:
    return shape.command if shape.command is not None else shape.tool


def _head(call: str) -> str:
    return " ".join(call.split()[:2])


def _leads(own: Sequence[Ref], other: Sequence[Ref]) -> bool:
    """Whether one side clearly has the last word: it came later as a whole, of people enough; or most people
    who still say either say this, and the other did not come later so."""
    if _took_over(other, own):
        return False
    mine, theirs = _last_words(own, other), _last_words(other, own)
    return _took_over(own, other) or (bool(mine) and len(theirs) <= SHARE * len(mine))


def _took_over(new: Sequence[Ref], old: Sequence[Ref]) -> bool:
    begun, ended = min(ref.day for ref in new), max(ref.day for ref in old)
    people, before = len({ref.user for ref in new}), len({ref.user for ref in old})
    return begun > ended and people >= max(min(SEVERAL, before), SHARE * before)


def _last_words(own: Sequence[Ref], other: Sequence[Ref]) -> set[str]:
    """The people who said this last."""
    last: dict[str, str] = {}
    for ref in own:
        last[ref.user] = max(ref.day, last.get(ref.user, ""))
    overruled = {ref.user for ref in other if ref.day >= last.get(ref.user, "~")}
    return last.keys() - overruled
