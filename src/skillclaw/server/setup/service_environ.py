"""What of this environment a service gets: a service manager has none of the shell's variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from skillclaw.home import CONFIG
from skillclaw.settings import Settings
from skillclaw.settings_layers import ENV_PREFIX, NOT_SETTINGS

__all__ = ["for_service"]

NETWORK = re.compile(r"(?i)(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|AWS_CA_BUNDLE")
CLOUDS = {"s3": "AWS_", "oss": "OSS_", "gs": "GOOGLE_", "a": "AZURE_"}
"""By the beginning of a hub's URL (az, azure, abfs, adl), how the variables of its storage begin."""
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|SAS|CONNECTION_STRING")
FILE = re.compile(r".*_(?:FILE|DIR|BUNDLE)")


def for_service(settings: Settings, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables with which `up` reaches the network and the hubs and has the settings that it has here;
    and the names of those that it would need too and that go into no file, being secret (or no text).

    Paths are absolute: a service has another working folder.
    """
    urls = [settings.hub.url, *(hub.url for hub in settings.hubs.values())]
    there = tuple(prefix for start, prefix in CLOUDS.items() if any(u.startswith(start) for u in urls))
    texts = _texts(msgspec.to_builtins(settings))
    named = {text.removeprefix("env:") for text in texts if text.startswith("env:")}
    kept, lacks = {}, []
    for name, value in sorted(environ.items()):
        of_cloud = bool(there) and name.startswith(there)
        setting = name == CONFIG or (name.startswith(ENV_PREFIX) and name not in NOT_SETTINGS)
        if not value or not (NETWORK.fullmatch(name) or setting or of_cloud or name in named):
            continue
        secret = of_cloud and SECRET.search(name) and not FILE.fullmatch(name)
        if name in named or secret or _has_login(value) or not value.isprintable():
            lacks.append(name)
        else:
            kept[name] = str(Path(value).expanduser().absolute()) if FILE.fullmatch(name) else value
    return kept, lacks


def _has_login(value: str) -> bool:
    """Whether it is a URL with a password, or with a name that may be a token."""
    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        return bool(parts.password or ("://" in value and parts.username))
    except ValueError:
        return "@" in value


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(one)
