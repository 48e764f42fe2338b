"""Telling SkillClaw's own URLs from a user's."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_own"]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  compared, never bound


def is_own(url: str, agent: str) -> bool:
    """True for `http://127.0.0.1:<any port>/<agent>`: a SkillClaw proxy, which must never be an upstream."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return host in _LOOPBACK and parts.path.strip("/").split("/")[0] == agent
