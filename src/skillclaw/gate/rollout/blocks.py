"""Sessions as blocks: what one client's day says, beside what could be known of it before. Pure.

A block is drawn as a whole, so it is the unit that is counted: sessions of one block depend on each other in
ways that nobody knows. Its weight grows with its sessions up to a cap that all blocks of one person's day
share, so that volume buys no vote. The forecast of a block is made of days before it alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Literal, NamedTuple

from skillclaw.gate.rollout.records import Observation

__all__ = ["Block", "Endpoint", "blocks", "good"]

Endpoint = Literal["event", "outcome"]

PULL_STRATUM, PULL_CLIENT = 4.0, 15.0
"""Sessions' worth of weight that the mean of all has in a stratum's, and that of its strata in a client's."""


class Block(NamedTuple):
    """One client's day. `value` is the mean of its sessions, 1 the best (no failing action, or success),
    `forecast` what the days before let one expect, `own` what the person's own days alone do, which nobody
    else can move; `usual` the mean of their strata over all days; each 0 to 1, as is `weight`.
    """

    user: str
    client: str
    day: str
    treated: bool
    n: int
    value: float
    forecast: float
    own: float
    usual: float
    weight: float


def good(one: Observation, endpoint: Endpoint) -> float | None:
    """How well the session went, 1 or 0; None where that is not known."""
    if endpoint == "event":
        return None if one.event is None else 1.0 - one.event
    return None if one.success is None else float(one.success)


def blocks(observations: Iterable[Observation], endpoint: Endpoint, cap: int) -> list[Block]:
    """The blocks by day; sessions whose endpoint is not known are left out. The same for any order of the
    sessions, and whatever clients, users and strata are called, but for rounding.
    """
    days: dict[str, dict[_Key, list[_Session]]] = {}
    for one in observations:
        value = good(one, endpoint)
        if value is not None:
            key = (one.user, one.client, one.treated)
            days.setdefault(one.day, {}).setdefault(key, []).append((one.stratum, value))
    found: list[tuple[Block, list[_Session]]] = []
    past = _Past()
    alone: dict[str, _Past] = defaultdict(_Past)
    for name in sorted(days):
        # In an order of its own, so that rounding does not depend on that of the sessions.
        day = {key: sorted(sessions) for key, sessions in sorted(days[name].items())}
        counted: dict[str, int] = defaultdict(int)
        for (user, _, _), sessions in day.items():
            counted[user] += min(len(sessions), cap)
        for (user, client, treated), sessions in day.items():
            n = len(sessions)
            block = Block(
                user=user,
                client=client,
                day=name,
                treated=treated,
                n=n,
                value=sum([value for _, value in sessions]) / n,
                forecast=past.forecast(client, sessions),
                own=alone[user].forecast(client, sessions),
                usual=0.0,
                weight=min(n, cap) / max(cap, counted[user]),
            )
            found.append((block, sessions))
        past.add(day)
        for person in counted:
            alone[person].add({key: sessions for key, sessions in day.items() if key[0] == person})
    means = _usual(found, PULL_STRATUM / cap)
    return [
        block._replace(usual=sum([means[stratum] for stratum, _ in sessions]) / block.n)
        for block, sessions in found
    ]


def _usual(found: Sequence[tuple[Block, Sequence[_Session]]], pull: float) -> dict[str, float]:
    """The means of the strata over all days, drawn towards that of all. A session has its part of the weight
    of its block, and nobody has more in a stratum than the median of the people in it: else who sends most
    says what is usual for others."""
    strata: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for block, sessions in found:
        part = block.weight / block.n
        for stratum, value in sessions:
            own = strata[stratum][block.user]
            own[0] += part
            own[1] += part * value
    sums = {}
    for stratum, people in strata.items():
        most = median(n for n, _ in people.values())
        parts = [(min(1.0, most / n), n, total) for n, total in people.values()]
        sums[stratum] = sum(cut * n for cut, n, _ in parts), sum(cut * total for cut, _, total in parts)
    rest = sum(total for _, total in sums.values()) / max(1e-9, sum(n for n, _ in sums.values()))
    return {stratum: (total + pull * rest) / (n + pull) for stratum, (n, total) in sums.items()}


_Key = tuple[str, str, bool]
_Session = tuple[str, float]


class _Past:
    """The sessions of the days so far, of both arms. `means` are those of the strata, drawn towards that of
    all; a client's shift is by how much it was above its strata's, drawn towards none.
    """

    def __init__(self) -> None:
        self._n, self._total = 1.0, 0.5  # one session's worth of "nothing is known"
        self._strata: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._clients: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.means: dict[str, float] = {}

    def forecast(self, client: str, sessions: Sequence[_Session]) -> float:
        """What to expect of the mean of these sessions of a client."""
        n, above = self._clients[client]
        shift = above / (n + PULL_CLIENT)
        rest = self._total / self._n
        means = self.means
        total = 0.0
        for stratum, _ in sessions:
            total += min(1.0, max(0.0, means.get(stratum, rest) + shift))
        return total / len(sessions)

    def add(self, day: Mapping[_Key, Sequence[_Session]]) -> None:
        """Take in a day, all of it against the days before."""
        rest = self._total / self._n
        for (_, client, _), sessions in day.items():
            own = self._clients[client]
            own[0] += len(sessions)
            for stratum, value in sessions:
                own[1] += value - self.means.get(stratum, rest)
                known = self._strata[stratum]
                known[0] += 1
                known[1] += value
                self._total += value
            self._n += len(sessions)
        rest = self._total / self._n
        self.means = {
            stratum: (total + PULL_STRATUM * rest) / (n + PULL_STRATUM)
            for stratum, (n, total) in self._strata.items()
        }
