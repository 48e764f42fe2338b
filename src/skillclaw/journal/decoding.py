"""Recorded exchanges as what was said in them, each decoded once however often the journal is read.

A conversation is re-sent at every turn, and `up` reads half a day of journal at every look: equal pieces are
one object, and what the last pass read is known in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from skillclaw.journal.records import Exchange, is_own
from skillclaw.trajectory.model import text_of
from skillclaw.wire.content import fingerprint
from skillclaw.wire.decode import read
from skillclaw.wire.once import Prints
from skillclaw.wire.records import Call, Decoded, Item, Unread

__all__ = ["Decoder"]

MOST = 32 << 20
"""Characters that are kept from one pass to the next: more than a long day of one person has."""
PLACE = 8
"""What a place where a piece stands counts beside."""

Found = Decoded | Unread | None


class Decoder:
    """Exchanges -> what they said. One serves pass after pass and forgets what a pass did not read again.

    sent: what makes of a recorded exchange the one to be decoded.
    """

    def __init__(self, sent: Callable[[Exchange], Exchange] | None = None) -> None:
        self._sent = sent
        self._known: dict[tuple[str, float, float], Found] = {}
        self._shared = _Shared()
        self._is_whole = True

    @property
    def prints(self) -> Prints:
        """The fingerprints of the pieces in what was decoded last."""
        return self._shared.prints

    def decoded(self, exchanges: Iterable[Exchange]) -> Iterator[tuple[int, Exchange, Found]]:
        """Each with its place among those given (from 0), without the project's own."""
        read_now: dict[tuple[str, float, float], Found] = {}
        before, self._is_whole = self._is_whole, False
        for place, exchange in enumerate(exchanges):
            if is_own(exchange):
                continue
            key = (exchange.id, exchange.started, exchange.finished)
            found = self._known[key] if key in self._known else self._decode(exchange)
            read_now[key] = found
            yield place, exchange, found
        gone = self._known.keys() - read_now.keys()
        self._known, self._is_whole = read_now, True
        if gone or not before:  # what is of no exchange that was read goes
            shared, self._shared = self._shared, _Shared()
            self._known = {key: self._shared.of(found, shared.prints.of) for key, found in read_now.items()}
        if self._shared.weight > MOST:
            self._known, self._shared = {}, _Shared()

    def _decode(self, exchange: Exchange) -> Found:
        sent = self._sent(exchange) if self._sent else exchange
        found = read(
            Call(
                method=sent.method,
                path=sent.path,
                request_headers=sent.request_headers,
                request_body=sent.request_body,
                status=sent.status,
                response_headers=sent.response_headers,
                response_body=sent.response_body,
                complete=sent.complete,
                error=sent.error,
            )
        )
        return self._shared.of(found)


class _Shared:
    """Equal pieces, and equal lists of tools, as one object; `weight` is about what all of it takes."""

    def __init__(self) -> None:
        self.prints = Prints()
        self.weight = 0
        self._pieces: dict[tuple[object, ...], Item] = {}
        self._tools: dict[bytes, list[dict[str, Any]]] = {}

    def of(self, found: Found, print_of: Callable[[Item], bytes] = fingerprint) -> Found:
        if not isinstance(found, Decoded):
            return found
        tools = self._tools.setdefault(msgspec.json.encode(found.tools), found.tools)
        request = [self._once(item, print_of(item)) for item in found.request]
        self.weight += PLACE * len(request) + sum(map(_size, found.response))
        return msgspec.structs.replace(found, request=request, tools=tools)

    def _once(self, item: Item, print_: bytes) -> Item:
        # The fingerprint leaves out blanks, and what the host says of a piece.
        text = item.content if isinstance(item.content, str) else msgspec.json.encode(item.content)
        told = (item.injected, item.compaction, item.provider, item.exit_code, item.is_error, item.taint)
        key = (print_, text, item.raw, item.call_id, item.group, *told)
        known = self._pieces.get(key)
        if known is None:
            self._pieces[key] = known = item
            self.weight += _size(item)
            self.prints.keep(item, print_)
        return known


def _size(item: Item) -> int:
    """About how many characters a piece has."""
    arguments = len(msgspec.json.encode(item.arguments)) if item.arguments else 0
    return len(text_of(item.content)) + len(item.raw or "") + arguments
