"""What SkillClaw's own HTTP servers ask of every request: which host it names, where it comes from, how much
it sends.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

__all__ = ["LOOPBACK", "host_of", "limited", "plain_name", "same_origin"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def host_of(given: str) -> str:
    """The name in a Host header, without its port; empty where it is none."""
    found = _HOST.fullmatch(given)
    return plain_name(found[1]) if found else ""


def plain_name(host: str) -> str:
    """A host's name as it is compared."""
    return host.strip("[]").lower().rstrip(".")


def same_origin(headers: Headers) -> bool:
    """Whether a request comes from no page, or from one of this very server."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    given = headers.get("origin")
    if given is None:
        return True
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == headers["host"].lower()


def limited(receive: Receive, most: int, seconds: float) -> Receive:
    """`receive`, which gives no more than `most` bytes of a body and does not wait for it for ever.

    What goes beyond raises HTTPException, 413 or 408.
    """
    size = 0
    whole = False
    until = asyncio.get_running_loop().time() + seconds

    async def bounded() -> Message:
        nonlocal size, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > most:
                raise HTTPException(413)
        return message

    return bounded
