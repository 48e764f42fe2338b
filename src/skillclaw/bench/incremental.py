"""Does a state that grew night by night give what mining everything at once gives?

Sessions come in portions, each followed by a cycle's mining. At the end the memberships (pattern, session)
are compared with those of a state made from all sessions at once: agreement = 2 |A and B| / (|A| + |B|).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random
from typing import Any

from skillclaw.evolve.cutting import cut_session, pack
from skillclaw.evolve.mine import Mined, mine_state
from skillclaw.evolve.state import EvolveState
from skillclaw.trajectory.model import Trajectory

__all__ = ["measure_incremental"]

FIRST = 0.7
"""Share of the sessions that are there before the portions begin."""

Progress = Callable[[int, int | None, str], None]
Membership = tuple[str, str, str]


def measure_incremental(
    sessions: Iterable[Trajectory],
    *,
    portions: int,
    now: datetime,
    seed: int = 0,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Agreement of the grown state with the one made at once, and what share of the mining the growth cost.

    Sessions come in a random order of their own (`seed`), not in that of the data set.
    """
    packed = [pack(cut_session(session)) for session in sessions]
    Random(seed).shuffle(packed)  # noqa: S311 - an order, not a secret
    first = int(len(packed) * FIRST)
    grown = EvolveState(None)
    _take(grown, packed[:first])
    last = _mine(grown, now)
    remade = units = 0
    for number in range(portions):
        progress(number, portions, "night by night")
        start = first + (len(packed) - first) * number // portions
        end = first + (len(packed) - first) * (number + 1) // portions
        _take(grown, packed[start:end])
        last = _mine(grown, now)
        remade += last.remade
        units += last.units
    progress(portions, portions, "")
    grown.close()
    whole = EvolveState(None)
    _take(whole, packed)
    full = _mine(whole, now)
    whole.close()
    one, other = _memberships(last), _memberships(full)
    both = len(one & other)
    return {
        "sessions": len(packed),
        "portions": portions,
        "memberships": len(other),
        "agreement": round(2 * both / (len(one) + len(other)), 6) if one or other else None,
        "patterns": len(full.patterns),
        "patterns_in_both": len({p.id for p in last.patterns} & {p.id for p in full.patterns}),
        "remade": round(remade / units, 4) if units else None,
    }


def _take(state: EvolveState, packed: list[bytes]) -> None:
    with state.writing():
        for one in packed:
            state.take(one)


def _mine(state: EvolveState, now: datetime) -> Mined:
    return mine_state(state, now=now, half_life_days=0, keep=None)


def _memberships(mined: Mined) -> set[Membership]:
    return {(p.id, ref.user, ref.session) for p in mined.patterns for ref in p.evidence}
