"""A walk over the whole log from its start, single entries and packed ones, for who checks or packs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from skillclaw.hub import listing, log
from skillclaw.hub.reading import next_packed

if TYPE_CHECKING:
    from skillclaw.hub.listing import Listing
    from skillclaw.hub.records import HubInfo, HubState
    from skillclaw.hub.store import Store

__all__ = ["Step", "walk"]


class Step(NamedTuple):
    """One entry: its bytes' hash, why it is void (empty where it counts), and the state after it."""

    tip: str
    reason: str
    state: HubState


def walk(store: Store, info: HubInfo, found: Listing) -> Iterator[Step]:
    """Every entry in order, until one is neither single nor in a pack that counts.

    Raises UpgradeNeededError like the fold.
    """
    state = log.initial(info)
    while following := found.behind(state.seq):
        before = state.seq
        if following[0] == state.seq + 1:
            for data in listing.fetch(store, listing.run(following)):
                if data is None:
                    break
                step = _step(state, data)
                state = step.state
                yield step
        if state.seq == before and (packed := next_packed(store, found, state)):
            for data in packed.entries:
                step = _step(state, data)
                state = step.state
                yield step
        if state.seq == before:
            return


def _step(state: HubState, data: bytes) -> Step:
    after = log.fold(state, data)
    reason = log.why_void(state, data) if after.void > state.void else ""
    return Step(log.digest(data), reason, after)
