"""A recorded request as its upstream got it.

The record holds what the agent sent; the skill index that went along is noted in a response header and put in
here again, so that a session tells which skills were offered to it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from skillclaw.journal.records import Exchange
from skillclaw.proxy.configured.bodies import Body, clear
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.inject import inject
from skillclaw.proxy.configured.offered import INJECTED, read_index
from skillclaw.proxy.configured.paths import wanted

__all__ = ["as_sent"]


def as_sent(home: Path, exchange: Exchange) -> Exchange:
    """The exchange with the index in its request; as it is where none was given, or it is gone."""
    note = INJECTED.decode("ascii")
    digest = next((value for name, value in exchange.response_headers if name.lower() == note), "")
    text = read_index(home, digest) if digest else ""
    if not text:
        return exchange
    headers = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in exchange.request_headers]
    speech = wanted(exchange.method, exchange.path, headers).speech
    try:
        body = Body(clear(exchange.request_body, headers))
    except Refused:
        return exchange
    if speech is not None:
        inject(body, speech, text)
    kept = [pair for pair in exchange.request_headers if pair[0].lower() != "content-encoding"]
    return msgspec.structs.replace(exchange, request_headers=kept, request_body=body.data())
