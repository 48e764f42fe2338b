"""Telling SkillClaw's own URLs from a user's, and what a user's is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skillclaw.errors import BadInputError

if TYPE_CHECKING:
    from skillclaw.agents.records import Env

__all__ = ["filled", "is_local", "is_own", "sent_elsewhere"]


# With the name that this machine has inside of containers; compared, never bound.
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0", "host.docker.internal"})  # noqa: S104


def is_own(url: str, agent: str) -> bool:
    """True for `http://127.0.0.1:<any port>/<agent>`: a SkillClaw proxy, which must never be an upstream."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return host in _LOOPBACK and parts.path.strip("/").split("/")[0] == agent


def is_local(url: str) -> bool:
    """True for a URL of this machine."""
    try:
        return "://" in url and urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def sent_elsewhere(environ: Mapping[str, str]) -> str:
    """The variable that names a proxy for plain HTTP which is not kept off 127.0.0.1; empty for none.

    Several clients' libraries (httpx, reqwest) then send it what is meant for this machine, headers and all.
    """
    kept = f"{environ.get('no_proxy', '')},{environ.get('NO_PROXY', '')}".replace(",", " ").split()
    if any(entry.partition(":")[0] in ("*", "127.0.0.1", "127.0.0.0/8") for entry in kept):
        return ""
    return next((name for name in _PROXIES if environ.get(name, "").strip()), "")


_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_VARIABLE = re.compile(
    r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}|\$([A-Za-z_]\w*)|\{env:([A-Za-z_]\w*)\}|\{\{env\.([A-Za-z_]\w*)\}\}"
)


def filled(env: Env, url: str) -> str:
    """The URL with the variables in it filled in, as agents do it: `${A}`, `${A:-b}`, `$A`, `{env:A}`.

    Raises BadInputError for a variable that is not set here.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4] or found[5]
        given = env.environ.get(name) or found[2]
        if given is None:
            raise BadInputError(
                f"The base URL {url} is made from {name}, which is not set here.",
                "So nobody knows where the requests go.",
                f"Set {name} where you start SkillClaw, or write the URL out.",
            )
        return given

    return _VARIABLE.sub(value, url)
