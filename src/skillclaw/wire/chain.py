"""Requests that name the response they go on from, and send only what is new -> whole requests.

Responses with `previous_response_id`: Codex over WebSocket, and any client that has the provider store its
responses. What stands behind the named response is put before what the request itself brings. Instructions
are not carried over by the provider, so each request has its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from skillclaw.wire.records import Decoded, Identity, Item
from skillclaw.wire.results import with_facts

__all__ = ["Chains"]


class Chains:
    """What was told up to each response. Give it the exchanges in order of time.

    `wanted` are the ids that any of them names: only what stands behind those is remembered.
    """

    def __init__(self, wanted: Iterable[tuple[str, str]]) -> None:
        self._wanted = frozenset(wanted)
        self._agents = frozenset(agent for agent, _ in self._wanted)
        self._known: dict[tuple[str, str], tuple[list[Item], Identity | None]] = {}
        self._last: dict[tuple[str, str, str], list[Item]] = {}

    def whole(self, agent: str, decoded: Decoded) -> Decoded:
        """The exchange with its whole conversation.

        Where the named response was not seen, it goes on from the last one of its thread; where there is
        none, it stands as it is.
        """
        if agent not in self._agents:
            return decoded
        if decoded.previous:
            base, identity = self._before(agent, decoded)
            if base:
                decoded = _joined(
                    base, msgspec.structs.replace(decoded, identity=decoded.identity or identity)
                )
        if decoded.kind == "count":
            return decoded
        told = [item for item in decoded.request if item.group > 0]
        told += _moved(decoded.response, _top(told) + 1)
        if (agent, decoded.response_id) in self._wanted:
            self._known[(agent, decoded.response_id)] = (told, decoded.identity)
        if decoded.identity is not None and not decoded.error:
            self._last[(agent, decoded.identity.root, decoded.identity.thread)] = told
        return decoded

    def _before(self, agent: str, decoded: Decoded) -> tuple[list[Item], Identity | None]:
        found = self._known.get((agent, decoded.previous))
        if found is not None:
            return found
        own = decoded.identity
        last = self._last.get((agent, own.root, own.thread), []) if own is not None else []
        return last, own


def _joined(base: list[Item], decoded: Decoded) -> Decoded:
    own = [item for item in decoded.request if item.group == 0]
    fresh = [item for item in decoded.request if item.group > 0]
    called = {item.call_id: item for item in base if item.kind == "call"}
    added = [
        with_facts(item, called) if item.call_id in called else item for item in _moved(fresh, _top(base))
    ]
    return msgspec.structs.replace(decoded, request=[*own, *base, *added])


def _top(items: list[Item]) -> int:
    return max((item.group for item in items), default=0)


def _moved(items: list[Item], by: int) -> list[Item]:
    """The items with numbers of messages of their own, behind those that are taken."""
    return [msgspec.structs.replace(item, group=item.group + by) for item in items]
