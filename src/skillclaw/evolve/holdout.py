"""Sessions that are held out: a pattern is tried on them later, so they never teach it.

What is held out of a unit (`evolve.cutting`) is decided by who and when alone, never by what a session says:
some people whole, by a hash of unit and person, and of the rest the newest. The unit is then mined from what
is left. A pattern that is too thin, or not sure, without its held-out sessions is taken from all of them, and
has none: a lesson is not lost for want of a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from skillclaw.evolve.cutting import rank
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.shapes import command_key

__all__ = ["SHARE", "Hold", "Mark", "held_of", "kept_apart", "said_again"]

SHARE = 0.3
"""Most of a unit's sessions that are held out."""

WHOLE = 0.5
"""Most of these that may be of people who are held out whole; the rest are the newest of the others."""

SAME = 0.5
"""Share of a pattern's sessions that another of the same kind and actions must have to be the same one."""

Mark = tuple[str, str]
"""User and session."""


class Hold(Record, frozen=True, kw_only=True):
    """What a pattern must keep when sessions are held out: as much as the policy asks of a line."""

    sessions: int
    users: int


def kept_apart(unit: str, episodes: Iterable[Episode]) -> frozenset[Mark]:
    """The sessions of a unit that are held out: at most `SHARE` of them."""
    days: dict[Mark, str] = {}
    for episode in episodes:
        days.setdefault((episode.user, episode.session), episode.day)
    most = int(SHARE * len(days) + 1e-9)
    own: dict[str, list[Mark]] = {}
    for mark in days:
        own.setdefault(mark[0], []).append(mark)
    out: set[Mark] = set()
    if len(own) > 1:
        for user in sorted(own, key=lambda name: (rank(f"{unit}\0{name}"), name)):
            if len(out) + len(own[user]) <= int(WHOLE * most + 0.5):
                out.update(own[user])
    left = sorted((mark for mark in days if mark not in out), key=lambda mark: _age(unit, mark, days))
    out.update(left[len(left) - (most - len(out)) :] if most > len(out) else ())
    return frozenset(out)


def _age(unit: str, mark: Mark, days: dict[Mark, str]) -> tuple[str, int, Mark]:
    """Sorts the newest last; what is of one day in an order that nobody chose."""
    return days[mark], rank(f"{unit}\0{mark[0]}\0{mark[1]}"), mark


def held_of(
    taught: Pattern, whole: Sequence[Pattern], out: frozenset[Mark]
) -> tuple[Pattern, Pattern | None]:
    """`taught`, mined without `out`, with those of `out` that show the same; and the pattern of `whole`,
    mined from all sessions, that it is."""
    same = next((one for one in whole if one.id == taught.id), None)
    if same is None:
        alike = [one for one in whole if said_again(one, taught)]
        same = max(alike, key=lambda one: (_shared(one, taught), one.id), default=None)
    refs = [ref for ref in same.evidence if (ref.user, ref.session) in out] if same is not None else []
    return msgspec.structs.replace(taught, held_out=refs), same


def said_again(one: Pattern, other: Pattern) -> bool:
    """Whether two patterns are the same lesson, mined from more and from fewer sessions: what they are about,
    what is run, and most of the sessions behind the smaller one."""
    if (one.kind, one.topic, _runs(one)) != (other.kind, other.topic, _runs(other)):
        return False
    fewer = min(len(one.evidence), len(other.evidence))
    return _shared(one, other) > SAME * fewer


def _shared(one: Pattern, other: Pattern) -> int:
    marks = {(ref.user, ref.session) for ref in one.evidence}
    return sum((ref.user, ref.session) in marks for ref in other.evidence)


def _runs(pattern: Pattern) -> tuple[str, ...]:
    return tuple(_key(shape) for shape in (pattern.failed, *pattern.actions) if shape is not None)


def _key(shape: ActionShape) -> str:
    return (command_key(shape.command) if shape.command is not None else "") or shape.tool
