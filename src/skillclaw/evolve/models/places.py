"""Where a model is: its host, and its key, which is looked up and never written, logged or told.

A key lies in the environment (`env:NAME`) or in the operating system's keyring (`keyring:NAME`, package
`keyring`, service `skillclaw`), as for configured upstreams.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from skillclaw.errors import UsageError
from skillclaw.evolve.loopback import is_loopback
from skillclaw.settings import ModelSettings
from skillclaw.system_keyring import SERVICE, KeyringError, get_key

__all__ = ["check_readable", "departs_to", "find_key", "hidden", "is_own_machine"]

HOSTS = {
    "chat": "api.openai.com",
    "responses": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
    "bedrock": "bedrock-runtime.amazonaws.com",
}
_NEAR = (".local", ".lan", ".internal", ".home.arpa", ".localhost", ".test")
"""How names end that the internet does not have."""
_KEY = re.compile(r"[\x21-\x7e]+")


def is_own_machine(url: str) -> bool:
    """Whether a base URL leads to this machine."""
    return bool(url) and is_loopback(urlsplit(url).hostname or "")


def departs_to(settings: ModelSettings) -> str | None:
    """The host that gets evidence with these settings; None where it stays here, or no model is set."""
    if not settings.name or is_own_machine(settings.url):
        return None
    return urlsplit(settings.url).hostname or HOSTS[settings.protocol]


def find_key(settings: ModelSettings, environ: Mapping[str, str]) -> str:
    """The key; empty where none is set. Raises UsageError where the place that is named holds none."""
    kind, _, name = settings.key.partition(":")
    if not settings.key:
        if departs_to(settings) is not None and settings.protocol != "bedrock":
            raise _missing("evolve.model.key names no place for it.")
        return ""
    if kind == "env":
        key, why = environ.get(name, "").strip(), f"The variable {name} is not set."
    else:
        key, why = _from_keyring(name).strip(), f"The keyring holds no {name!r} of {SERVICE!r}."
    if not key:
        raise _missing(why)
    if not _KEY.fullmatch(key):
        raise _missing("What is stored as the key holds characters that no key has.")
    check_readable(settings.url)
    return key


def check_readable(url: str) -> None:
    """UsageError where `url` is none, and where a key that goes there could be read on the way: by plain HTTP
    over the internet. To this machine, and in a network of one's own, it may go so."""
    try:
        parts = urlsplit(url)
    except ValueError:  # says the address, which may hold a password
        raise UsageError(
            "The URL that the key would go to is none.", "", "Look at where it is set."
        ) from None
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme != "http" or is_loopback(host) or "." not in host or host.endswith(_NEAR):
        return
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_private:
            return
    raise UsageError(
        f"The key would go to {host} where anybody on the way can read it.",
        f"Its URL begins with http://, and {host} is neither this machine nor in a network of your own.",
        f"Set its URL to https://{host}",
    )


def hidden(text: str, key: str) -> str:
    """What a provider said, without the key: some repeat in an error what they were sent."""
    for spelt in {key, quote(key, safe="")} if key else ():
        text = text.replace(spelt, "***")
    return text


def _from_keyring(name: str) -> str:
    try:
        return get_key(name)
    except KeyringError as error:
        raise _missing(str(error)) from None


def _missing(why: str) -> UsageError:
    return UsageError(
        "There is no key for the evolver's model.",
        why,
        "skillclaw config set evolve.model.key env:NAME; or store it: skillclaw config key evolve.model",
    )
