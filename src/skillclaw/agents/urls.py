"""Telling SkillClaw's own URLs from a user's, and what a user's is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from skillclaw.agents.masking import masked
from skillclaw.errors import BadInputError
from skillclaw.logins import without_login
from skillclaw.settings_tree import PORT

if TYPE_CHECKING:
    from skillclaw.agents.records import Env

__all__ = [
    "filled",
    "is_local",
    "is_named",
    "is_own",
    "names_host",
    "prefix_of",
    "sent_elsewhere",
    "shown",
    "without_urls",
]


# With the name that this machine has inside of containers; compared, never bound.
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0", "host.docker.internal"})  # noqa: S104


def is_own(url: str, agent: str) -> bool:
    """True for `http://127.0.0.1:<any port>/<agent>`, or `/<agent>.<mark>` as `skillclaw run` gives it: a
    SkillClaw proxy, which must never be an upstream. With more behind it (`/codex/v1`) only at the port that
    SkillClaw takes by itself: else it is a gateway of the user's with a path of that name."""
    if prefix_of(url).partition(".")[0] != agent:
        return False
    parts = urlsplit(url)
    try:
        return "/" not in parts.path.strip("/") or parts.port == PORT
    except ValueError:  # a port beyond 65535
        return False


def prefix_of(url: str) -> str:
    """The first part of the path of a URL of this machine, by which a SkillClaw proxy tells where a request
    goes: `<agent>`, or `<agent>.<mark>`; empty for other URLs."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return parts.path.strip("/").split("/")[0] if host in _LOOPBACK else ""


def is_local(url: str) -> bool:
    """True for a URL of this machine."""
    try:
        return "://" in url and urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def shown(url: str) -> str:
    """A base URL, or what stands where one should, as people may see it: without its login, what its query
    holds, and what looks like a key in its path."""
    scheme = "" if "://" in url else "http://"
    plain = without_login(scheme + url).removeprefix(scheme).partition("#")[0]
    place, asked, _ = plain.partition("?")
    return "".join(masked([place])) + ("?..." if asked else "")


def is_named(env: Env, url: str) -> bool:
    """Whether a variable holds the URL, also without `http://` in front."""
    return bool(url) and any(_names(value, url) for value in env.environ.values())


def without_urls(env: Env, url: str) -> Env:
    """The same surroundings without the variables that hold a URL, or `url` without `http://` in front."""
    kept = {n: v for n, v in env.environ.items() if "://" not in v and not (url and _names(v, url))}
    return msgspec.structs.replace(env, environ=kept)


def _names(value: str, url: str) -> bool:
    return value.strip().rstrip("/") in (url, url.partition("://")[2])


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
                f"The base URL {shown(url)} is made from {name}, which is not set here.",
                "So nobody knows where the requests go.",
                f"Set {name} where you start SkillClaw, or write the URL out.",
            )
        return given

    found = _VARIABLE.sub(value, url)
    if "://" in found and not names_host(found):
        raise BadInputError(
            f"The base URL {shown(url)} names no host.",
            "It holds a command, or something that is empty here.",
            "Write the URL out.",
        )
    return found


def names_host(url: str) -> bool:
    """Whether a URL says which machine it is of: not `https:///v1`, nor `https://$(cat host)/v1`."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and not re.search(r"[${}<>()\s]", parts.netloc)
    except ValueError:
        return False
