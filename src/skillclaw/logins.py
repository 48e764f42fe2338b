"""Addresses without the login that may stand in them, and those that were shown so. Pure."""

from __future__ import annotations

import re

from skillclaw.errors import UsageError

__all__ = ["refuse_shown", "without_login"]

_STANDS_IN = re.compile(r"://(?:\.{3}@|\S*(?:\*{3}|\?\.{3}(?:#|$)))")

_WITH_PORT = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}")


def without_login(url: str) -> str:
    """The URL without what stands before an @, also where that holds signs that no login may have as it is
    (`s3://id:half/other half@bucket`): it ends at none of them."""
    scheme, mark, rest = url.partition("://")
    place = re.split("[/?]", rest, maxsplit=1)[0]
    if "@" in place:
        return f"{scheme}{mark}{rest[place.rindex('@') + 1 :]}"
    before, at, behind = rest.rpartition("@")
    port = _WITH_PORT.fullmatch(place) if scheme in ("http", "https") else None
    if at and ":" in before[len(place) if port else 0 :]:
        return f"{scheme}{mark}...@{behind}"
    return url


def refuse_shown(url: str) -> None:
    """UsageError for an address as it is shown, without its key or login: it leads elsewhere, or nowhere."""
    if _STANDS_IN.search(url.strip()):
        raise UsageError(
            "This address is not whole.",
            "It holds `***` or `...`, which stands where a shown address has a key, a login or options.",
            "Give it as it stands in the file or variable that it comes from.",
        )
