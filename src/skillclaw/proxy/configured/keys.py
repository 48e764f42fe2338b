"""Keys of configured upstreams and tokens of agents: looked up, put into a request, taken out of one.

A key lies in the environment of `skillclaw up` (`env:NAME`) or in the operating system's keyring
(`keyring:NAME`, package `keyring`, service `skillclaw`). It is never written, logged or told.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import time
from urllib.parse import parse_qsl, quote

from skillclaw.proxy import Speech
from skillclaw.proxy.asked import RawHeaders
from skillclaw.proxy.configured.errors import Refused
from skillclaw.system_keyring import SERVICE, KeyringError, get_key

__all__ = ["CREDENTIALS", "Keys", "hidden", "key_headers", "shown_token"]

REMEMBERED = 300.0
"""Seconds that a key of the keyring is remembered: it may ask the user each time."""
CREDENTIALS = frozenset(
    {
        b"api-key",
        b"authorization",
        b"chatgpt-account-id",
        b"cookie",
        b"openai-organization",
        b"openai-project",
        b"x-api-key",
        b"x-goog-api-key",
        b"x-goog-user-project",
    }
)
"""Headers that say who the agent's user is to the agent's own provider: no configured upstream gets them."""
_BEARER = re.compile(r"(?i)bearer\s+(\S+)\s*\Z")
_KEY = re.compile(r"[\x21-\x7e]+")


class Keys:
    """The keys, by how settings name them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    async def get(self, named: str, upstream: str) -> str:
        """The key; empty where none is wanted. Refused (403, which agents do not retry) without it."""
        kind, _, name = named.partition(":")
        if kind == "env":
            return _checked(
                os.environ.get(name, ""), upstream, f"{name} is not set where `skillclaw up` runs."
            )
        if kind != "keyring":
            return ""
        key, until = self._known.get(name, ("", 0.0))
        if time.monotonic() > until:
            key = await asyncio.to_thread(_from_keyring, name, upstream)
            self._known[name] = key, time.monotonic() + REMEMBERED
        return _checked(key, upstream, f"The keyring holds no {name!r} of {SERVICE!r}.")

    def forget(self, named: str) -> None:
        """Look a key up anew: the upstream refused it."""
        self._known.pop(named.partition(":")[2], None)


def key_headers(speech: Speech, key: str) -> list[tuple[str, str]]:
    """The headers that carry the key to an upstream of this protocol."""
    if not key:
        return []
    if speech == "anthropic":
        return [("x-api-key", key)]
    if speech == "gemini":
        return [("x-goog-api-key", key)]
    return [("Authorization", f"Bearer {key}")]


def hidden(data: bytes, key: str) -> bytes:
    """What an upstream said, without its key: some repeat in an error what they were sent."""
    if key:
        for spelt in {key, key.replace("/", "\\/"), quote(key, safe="")}:
            data = data.replace(spelt.encode("ascii"), b"***")
    return data


def shown_token(headers: RawHeaders, query: str, digest: str) -> bool:
    """Whether the request shows the token with this SHA-256 (hex), wherever its protocol puts a key."""
    found = False
    for given in _given(headers, query):
        own = hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()
        found |= hmac.compare_digest(own, digest)
    return found and bool(digest)


def _given(headers: RawHeaders, query: str) -> list[str]:
    given = []
    for name, raw in headers:
        lower, value = name.lower(), raw.decode("latin-1").strip()
        if lower in (b"x-api-key", b"x-goog-api-key", b"api-key"):
            given.append(value)
        elif lower == b"authorization" and (bearer := _BEARER.match(value)):
            given.append(bearer[1])
    return given + [value for name, value in parse_qsl(query.removeprefix("?")) if name == "key"]


def _from_keyring(name: str, upstream: str) -> str:
    try:
        return get_key(name)
    except KeyringError as error:
        raise _missing(upstream, str(error)) from None


def _checked(key: str, upstream: str, why: str) -> str:
    key = key.strip()
    if not key:
        raise _missing(upstream, why)
    if not _KEY.fullmatch(key):
        raise _missing(upstream, "What is stored as the key holds characters that no key has.")
    return key


def _missing(upstream: str, why: str) -> Refused:
    todo = f"Store it: skillclaw config key {upstream}; or set the variable and start SkillClaw again."
    return Refused(403, f"SkillClaw has no key for the upstream {upstream}.", why, todo)
