"""How well an action does at a point: 1 as what is known to work there, 0 as what fails, 0.5 neither.

By shape, with the traits that mining tells calls apart by (`evolve.traits`): no model judges, and no word of
a session but the calls themselves has a say.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.replay.decision_points import Point
from skillclaw.evolve.traits import SHORT, given, lasting, traits
from skillclaw.trajectory.episodes import Move
from skillclaw.trajectory.moves import differs

__all__ = ["FAILS", "NEITHER", "WORKS", "known_to_matter", "score", "told_apart_by", "ways"]

WORKS, FAILS, NEITHER = 1.0, 0.0, 0.5
AND = " && "


def score(point: Point, move: Move | None) -> float:
    """The score of the next action `move`; None is an action that does nothing there."""
    if move is None:
        return NEITHER
    if ways(point, move):
        return WORKS
    known = known_to_matter(point)
    return FAILS if any(_fails(move, one, point.working, known) for one in point.failing) else NEITHER


def ways(point: Point, move: Move | None) -> list[Move]:
    """Which of the actions known to work there the next action is like."""
    if move is None:
        return []
    known = known_to_matter(point)
    return [way for way in point.working if _works(move, way, point.failing, known)]


def known_to_matter(point: Point) -> frozenset[str]:
    """The traits that the pattern has: where they tell two calls apart, they alone do."""
    return frozenset(trait for one in point.telling for trait in traits(one) if lasting(trait))


def _works(move: Move, way: Move, failing: Sequence[Move], known: frozenset[str]) -> bool:
    if not differs(move, way) and all(differs(way, one) for one in failing):
        return True
    others = [one for one in failing if one.key == way.key]
    if not others:
        return _runs(move, way, failing)
    return move.key == way.key and all(_told_apart(move, way, one, known) == WORKS for one in others)


def _runs(move: Move, way: Move, failing: Sequence[Move]) -> bool:
    """Whether the call runs what `way` runs, and nothing known to fail before that."""
    parts, wanted = move.key.split(AND), way.key.split(AND)
    if any(part not in parts for part in wanted):
        return False
    first = parts.index(wanted[0])
    return not any(one.key in parts[:first] for one in failing)


def _fails(move: Move, failed: Move, working: Sequence[Move], known: frozenset[str]) -> bool:
    if move.key != failed.key:
        # It begins with the failing call and goes on with something else.
        return move.key.startswith(failed.key + AND) and all(way.key != failed.key for way in working)
    others = [way for way in working if way.key == failed.key]
    if others:
        return all(_told_apart(move, way, failed, known) == FAILS for way in others)
    return given(failed) <= given(move)


def _told_apart(move: Move, way: Move, failed: Move, known: frozenset[str]) -> float:
    """Which of two calls of one kind a third is like, by what tells the two apart."""
    more, less = told_apart_by(way, failed, known)
    if not more and not less:
        return _word_by_word(move, way, failed)
    own = traits(move)
    if more <= own and not less & own:
        return WORKS
    return FAILS if less <= own and not more & own else NEITHER


def told_apart_by(way: Move, failed: Move, known: frozenset[str]) -> tuple[set[str], set[str]]:
    """The traits that `way` has and `failed` has not, and the other way round; where some of them are `known`
    to matter, those alone, and where there are none, one value for another of the same argument."""
    works, fails = traits(way), traits(failed)
    more = {t for t in works - fails if lasting(t)}
    less = {t for t in fails - works if lasting(t)}
    more, less = more & known or more, less & known or less
    return (more, less) if more or less else _swapped(way, failed)


def _swapped(way: Move, failed: Move) -> tuple[set[str], set[str]]:
    """One value for another of the same argument."""
    before = {arg.name: arg.value for arg in failed.args}
    changed = [
        (arg.name, before[arg.name], arg.value)
        for arg in way.args
        if before.get(arg.name, arg.value) != arg.value
        and max(len(arg.value), len(before[arg.name])) <= SHORT
    ]
    return {f"{name}={new}" for name, _, new in changed}, {f"{name}={old}" for name, old, _ in changed}


def _word_by_word(move: Move, way: Move, failed: Move) -> float:
    """Commands of one shape: what stands in the places that a shape leaves open."""
    if move.command and move.command == way.command != failed.command:
        return WORKS
    return FAILS if not differs(move, failed) and move.command == failed.command else NEITHER
