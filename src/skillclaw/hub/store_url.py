"""What the URL of a hub's storage says: which place it is, what of it may be shown, and its options. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from skillclaw.errors import UsageError
from skillclaw.logins import without_login

__all__ = ["local_folder", "masked", "options_of", "plain", "safely", "scrubbed", "secrets_of"]

# names of options and of environment variables whose values are shown nowhere
_SECRET = re.compile(r"key|secret|token|password|signature|sas|credential", re.IGNORECASE)
_PROVIDERS = re.compile(r"(AWS|OSS|ALIBABA_CLOUD|AZURE|GOOGLE)_")
_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']+")
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")


def local_folder(url: str) -> Path | None:
    """The folder that `url` names (a path or a file:// URL), or None where it names other storage.

    UsageError, as of all functions here, where it is no address at all.
    """
    parts = _parts(url)
    if parts.scheme == "file":
        from urllib.request import url2pathname  # with all of HTTP and TLS behind it

        return Path(url2pathname(f"//{parts.netloc}{parts.path}" if parts.netloc else parts.path))
    # a single letter is a Windows drive
    if len(parts.scheme) > 1:
        return None
    try:
        return Path(url).expanduser().absolute()
    except RuntimeError as error:  # `~name/...` where nobody of that name is
        raise UsageError(
            "The folder of a hub cannot be found.", str(error), "Write it out, from the root on."
        ) from error


def plain(url: str) -> str:
    """What tells one hub from another: the URL without credentials, options and trailing slashes."""
    folder = local_folder(url)
    if folder is not None:
        return str(folder)
    parts = _parts(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def masked(url: str) -> str:
    """`url` as messages may show it: no credentials, no values of options."""
    if "://" not in url:
        return plain(url)
    safe = without_login(url).partition("#")[0]
    return plain(safe) + ("?..." if _parts(safe).query else "")


def safely(value: Any) -> Any:
    """A setting's value as anybody may see it: an address without its credentials, all else as it is."""
    if not isinstance(value, str) or not _ADDRESS.match(value) or not re.search("[?@#]", value):
        return value
    try:
        return masked(value)
    except UsageError:
        return "..."


def options_of(url: str) -> dict[str, str]:
    """The options after the `?`, names in lower case; the last of one name counts."""
    return {name.lower(): value for name, value in parse_qsl(_parts(url).query)}


def secrets_of(url: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The values in `url` and in the providers' variables that no message may hold, longest first."""
    told = [value for name, value in options_of(url).items() if _SECRET.search(name)]
    told += [v for name, v in environ.items() if _PROVIDERS.match(name) and _SECRET.search(name)]
    login = _parts(url).netloc.rpartition("@")[0]
    return sorted({value for value in [*told, *login.split(":")] if len(value) > 2}, key=len, reverse=True)


def scrubbed(text: str, secrets: list[str]) -> str:
    """`text` without these values, the logins of URLs, and the queries of URLs (signatures lie there)."""
    for secret in secrets:
        text = text.replace(secret, "...")
    return _QUERY.sub(r"\1", _LOGIN.sub("", text))


def _parts(url: str) -> SplitResult:
    """The parts of `url`; UsageError, without a word of it (it may hold a key), where it is no address."""
    try:
        return urlsplit(url)
    except ValueError:
        raise UsageError(
            "The address of a hub cannot be read.",
            "It has brackets or signs that no address has.",
            "Write a folder, or a URL such as s3://BUCKET/FOLDER.",
        ) from None
