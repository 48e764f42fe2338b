"""What passed, counted as it ends: numbers alone, so that a request pays for some additions and no more."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillclaw.proxy.record import Draft

__all__ = ["GONE", "AgentCounts", "Counts", "Spread"]

GONE = "the agent closed the connection"
"""The `error` of an exchange whose agent left."""
FIRST_BYTE = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds: models answer within some of them, and may think for minutes."""
ADDED = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Seconds: a kept connection takes well under a millisecond, a new one a round or two over the network."""
LATE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Seconds."""


class Spread:
    """How often values fell where: `limits` are the upper ends (inclusive) of all parts but the last."""

    __slots__ = ("_found", "limits", "total")

    def __init__(self, limits: tuple[float, ...]) -> None:
        self.limits = limits
        self.total = 0.0
        """The sum of all values."""
        self._found = [0] * (len(limits) + 1)

    def add(self, value: float) -> None:
        """Count one."""
        self._found[bisect_left(self.limits, value)] += 1
        self.total += value

    def up_to(self) -> list[tuple[str, float]]:
        """Each upper end as text, `+Inf` last, with how many values were no larger."""
        ends = [*(f"{limit:g}" for limit in self.limits), "+Inf"]
        return list(zip(ends, map(float, accumulate(list(self._found))), strict=True))


class AgentCounts:
    """What passed for one agent. Bytes are those of bodies, without heads and framing.

    classes     exchanges whose answer was 1xx, 2xx and so on, at that digit; at 0 those that got none
    left        exchanges that the agent ended before they were whole
    broken      exchanges that ended unfinished for another reason
    """

    __slots__ = ("broken", "classes", "first_byte", "left", "received", "sent")

    def __init__(self) -> None:
        self.classes = [0] * 6
        self.left = self.broken = 0
        self.sent = self.received = 0
        self.first_byte = Spread(FIRST_BYTE)


class Counts:
    """The counters of one proxy since it began. Only the event loop's thread changes them; all may read."""

    __slots__ = ("added_kept", "added_new", "agents", "late", "own")

    def __init__(self) -> None:
        self.agents: dict[str, AgentCounts] = {}
        self.own: dict[int, int] = {}
        """Answers of the proxy's own that tell an error, by status."""
        self.added_kept, self.added_new = Spread(ADDED), Spread(ADDED)
        """Seconds from a request's end to its being sent on, over a kept connection and over a new one."""
        self.late = Spread(LATE)
        """Seconds that the event loop came late: so long waited whatever came then."""

    def ended(self, draft: Draft) -> None:
        """An exchange is over."""
        agent = self.agents.get(draft.agent)
        if agent is None:  # one that has an upstream: their number is bounded by the settings
            agent = self.agents[draft.agent] = AgentCounts()
        status = draft.status // 100
        agent.classes[status if 0 < status < 6 else 0] += 1
        if not draft.complete:
            if draft.error == GONE:
                agent.left += 1
            else:
                agent.broken += 1
        agent.sent += sum(map(len, draft.request_chunks)) + draft.unkept_request
        agent.received += sum(map(len, draft.response_chunks)) + draft.unkept_response
        if draft.first_byte is not None:
            agent.first_byte.add(draft.first_byte)
        if draft.added >= 0:
            (self.added_kept if draft.kept_connection else self.added_new).add(draft.added)

    def refused(self, status: int) -> None:
        """The proxy answered with an error of its own."""
        self.own[status] = self.own.get(status, 0) + 1
