"""`GET /models`: what the first upstream has, and the names that settings map, in the agent's shape."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from skillclaw.proxy import ConfiguredUpstream
from skillclaw.proxy.asked import Answer, Asked
from skillclaw.proxy.configured import sending
from skillclaw.proxy.configured.errors import Refused
from skillclaw.proxy.configured.keys import Keys, key_headers
from skillclaw.proxy.configured.models import listed, models_body, single
from skillclaw.proxy.configured.passing import own_answer, read_whole
from skillclaw.proxy.configured.paths import Wanted, family_of, target, without_key

__all__ = ["answer_models"]

LATEST = 30.0
"""Seconds that a list may take; agents ask for it at their start."""
_PAGES = ("after_id=", "before_id=", "pageToken=", "after=")


async def answer_models(
    asked: Asked,
    want: Wanted,
    upstream: ConfiguredUpstream,
    name: str,
    keys: Keys,
    session: aiohttp.ClientSession,
    back: Answer,
) -> None:
    """Answer `GET /models` or `GET /models/NAME`; Refused when there is nothing to tell."""
    own = family_of(upstream.protocol)
    query = without_key(want.query) if own == want.family and want.kind == "models" else ""
    entries = await _entries(asked, want, query, upstream, name, keys, session)
    data: bytes | None
    if want.kind == "models":
        if entries is None and not upstream.models:
            raise Refused(
                502, f"The upstream {name} gave no list of models.", "", "Try again, or map models."
            )
        first = not any(mark in query for mark in _PAGES)
        data = models_body(entries or [], own, want.family, upstream.models, first=first)
    else:
        data = single(entries or [], own, want.family, upstream.models, want.model)
        if data is None:
            raise Refused(404, f"The upstream {name} has no model {want.model!r}.")
    await own_answer(back, 200, "OK", b"" if asked.method == "HEAD" else data)


async def _entries(
    asked: Asked,
    want: Wanted,
    query: str,
    upstream: ConfiguredUpstream,
    name: str,
    keys: Keys,
    session: aiohttp.ClientSession,
) -> list[dict[str, Any]] | None:
    """The upstream's own list; None when it gives none."""
    own = family_of(upstream.protocol)
    key = await keys.get(upstream.key, name)
    passed = sending.forwarded(asked.headers, upstream.protocol, same=own == want.family)
    made = sending.Sending(
        method="GET",
        url=target(upstream.url, "/models", query, upstream.protocol),
        passed=[pair for pair in passed if pair[0].lower() != "accept-encoding"],
        own=[*key_headers(upstream.protocol, key), ("Accept-Encoding", "identity")],
        body=b"",
        secret=key,
        inflate=True,
        first_byte_timeout=min(LATEST, upstream.first_byte_timeout),
    )
    try:
        async with asyncio.timeout(LATEST), await sending.send(session, made) as response:
            data = await read_whole(response) if response.status == 200 else b""
    except (sending.Failed, aiohttp.ClientError, TimeoutError):
        return None
    return listed(data, own)
