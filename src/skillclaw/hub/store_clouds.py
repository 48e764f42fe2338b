"""Object storage opened by URL: S3 and what speaks like it, Alibaba OSS, Google Cloud Storage, Azure.

docs/storage.md has the forms of URLs, the options and where credentials come from.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from obstore.store import S3Store, from_url

from skillclaw.errors import StorageError, UsageError
from skillclaw.hub.store_aws import shared_profile
from skillclaw.hub.store_url import masked, options_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Credential

__all__ = ["Opened", "open_cloud"]

SCHEMES = ("s3", "s3a", "oss", "gs", "az", "azure", "abfs", "abfss", "adl", "https")
"""What a hub's URL may begin with, besides a folder."""

_TIMEOUT = 30.0
_CONNECT = 5.0
_RETRIES = 3
_OWN = ("timeout", "connect_timeout", "retries", "allow_http", "style", "checksums")
# the options, and obstore's variables, that say where requests go
_ENDPOINTS = ("endpoint", "aws_endpoint_url_s3", "base_url", "sts_endpoint")
_VARIABLES = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_REGION = re.compile(r"[a-z]{2,}-[a-z0-9-]{1,40}")
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,254}")


class Opened(NamedTuple):
    """`creating` writes only where nothing is, in the way of this storage; `mode` is obstore's for it.

    `checks`: entity tags that look like an MD5 are taken for one. `again`: how often we try a create again
    after a connection broke, where obstore does not: it takes a create for what must not be repeated.
    """

    store: ObjectStore
    creating: ObjectStore
    mode: str
    checks: bool = True
    again: int = 0


def open_cloud(url: str) -> Opened:
    """The storage at `url`. UsageError where the URL cannot be one; nothing is sent yet."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise UsageError(
            f"A hub cannot lie at {masked(url)}.",
            f"Known are folders and {', '.join(SCHEMES)} URLs.",
            "skillclaw config set hub.url FOLDER-OR-URL",
        )
    bucket, prefix = parts.netloc.rpartition("@")[2], unquote(parts.path).strip("/") or None
    if not _BUCKET.fullmatch(bucket.partition(":")[0]):
        raise UsageError(f"{masked(url)} names no bucket.", "", f"Write {parts.scheme}://BUCKET/FOLDER.")
    options = options_of(url)
    known: dict[str, Any] = {"client_options": _client(options), "retry_config": _retries(options)}
    if parts.scheme == "oss":
        return _open_oss(url, options, known)
    kind = {"s": "s3", "g": "gs"}.get(parts.scheme[0], "az" if parts.scheme[0] == "a" else "")
    if kind == "s3":
        provider, found = shared_profile(options)
        if provider is not None:
            known["credential_provider"] = provider
        if os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
            found.pop("region", None)
        if any(os.environ.get(name) for name in _VARIABLES["s3"]):
            found.pop("endpoint", None)
        options = {**found, **options}
        # deletes one by one are understood everywhere; the bulk request is not
        options.setdefault("disable_bulk_delete", "true")
        _style(options, bucket)
        if "endpoint" in options:
            # this name would win if it were in the environment
            options.setdefault("aws_endpoint_url_s3", options["endpoint"])
    _check_endpoints(url, kind, options, known["client_options"])
    if kind == "s3":
        store: ObjectStore = S3Store(bucket, prefix=prefix, config=_passed(options), **known)
    else:
        bare = urlunsplit((parts.scheme, bucket, unquote(parts.path), "", ""))
        store = from_url(bare, config=_passed(options), **known)
    again: int = known["retry_config"]["max_retries"]
    return Opened(store, store, "create", options.get("checksums") != "off", again)


def _open_oss(url: str, options: dict[str, str], known: dict[str, Any]) -> Opened:
    """OSS's endpoint in the S3 dialect. A second client adds the header that forbids to overwrite: OSS is not
    documented to know `If-None-Match` on writes.
    """
    parts = urlsplit(url)
    bucket = parts.netloc.rpartition("@")[2]
    region = options.get("region") or os.environ.get("OSS_REGION", "")
    region = region.removeprefix("oss-")
    endpoint = options.get("endpoint") or (f"https://s3.oss-{region}.aliyuncs.com" if region else "")
    if not _REGION.fullmatch(region) or not endpoint:
        raise UsageError(
            f"The storage at {masked(url)} needs a region.",
            "Requests to OSS are signed for one.",
            "Add ?region=cn-hangzhou (the bucket's own), or set OSS_REGION.",
        )
    options = {**options, "endpoint": endpoint}
    options.setdefault("style", "virtual")
    _style(options, bucket)
    _check_endpoints(url, "oss", options, known["client_options"])
    credential = _oss_credential(url, options)
    config: Any = {
        "region": region,
        "endpoint": options["endpoint"],
        "aws_endpoint_url_s3": options["endpoint"],
        "virtual_hosted_style_request": options["virtual_hosted_style_request"],
        "disable_bulk_delete": "true",
        # variables that are meant for AWS say nothing here
        "skip_signature": "false",
        "unsigned_payload": "false",
        "s3_express": "false",
    }
    prefix = unquote(parts.path).strip("/") or None

    def client(headers: dict[str, str]) -> S3Store:
        more: dict[str, Any] = {
            **known,
            "client_options": {**known["client_options"], "default_headers": headers},
        }
        return S3Store(bucket, prefix=prefix, credential_provider=lambda: credential, config=config, **more)

    return Opened(
        client({}), client({"x-oss-forbid-overwrite": "true"}), "overwrite", options.get("checksums") != "off"
    )


def _oss_credential(url: str, options: dict[str, str]) -> S3Credential:
    """The key from the URL or from the variables that Alibaba's own tools read."""
    env = os.environ
    named = (
        (options.get("access_key_id"), options.get("secret_access_key"), options.get("session_token")),
        (env.get("OSS_ACCESS_KEY_ID"), env.get("OSS_ACCESS_KEY_SECRET"), env.get("OSS_SESSION_TOKEN")),
        (
            env.get("ALIBABA_CLOUD_ACCESS_KEY_ID"),
            env.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            env.get("ALIBABA_CLOUD_SECURITY_TOKEN"),
        ),
    )
    for key_id, secret, token in named:
        if key_id and secret:
            return {
                "access_key_id": key_id,
                "secret_access_key": secret,
                "token": token or None,
                "expires_at": None,
            }
    raise StorageError(
        f"There are no credentials for the storage at {masked(url)}.",
        "Neither OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET nor ALIBABA_CLOUD_ACCESS_KEY_ID and ..._SECRET "
        "are set.",
        "Set them in the environment; OSS_SESSION_TOKEN too if the key is a temporary one.",
    )


def _style(options: dict[str, str], bucket: str) -> None:
    """Turn `style` (path or virtual) into what obstore knows: the bucket in the path or in the host."""
    style = options.pop("style", "")
    if not style:
        return
    if style not in ("path", "virtual"):
        raise UsageError(f"style={ascii(style)[:40]} is not known.", "", "Write style=path or style=virtual.")
    options["virtual_hosted_style_request"] = str(style == "virtual").lower()
    endpoint = urlsplit(options.get("endpoint", ""))
    if style == "virtual" and endpoint.netloc and not endpoint.netloc.startswith(f"{bucket}."):
        options["endpoint"] = urlunsplit(endpoint._replace(netloc=f"{bucket}.{endpoint.netloc}"))


def _passed(options: dict[str, str]) -> Any:
    return {name: value for name, value in options.items() if name not in _OWN} or None


def _client(options: dict[str, str]) -> dict[str, Any]:
    client: dict[str, Any] = {
        "timeout": _seconds(options, "timeout", _TIMEOUT),
        "connect_timeout": _seconds(options, "connect_timeout", _CONNECT),
    }
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        bundle = os.environ.get(name)
        if bundle:
            try:
                client["root_certificate"] = Path(bundle).read_bytes()
            except OSError as error:
                raise UsageError(
                    f"The certificates in {name} cannot be read.", str(error), f"Correct {name}, or unset it."
                ) from error
            break
    return client


def _retries(options: dict[str, str]) -> dict[str, Any]:
    """Up to three tries more, 0.1 to 2 s apart with jitter, none after `timeout` (obstore's RetryConfig)."""
    told = options.get("retries", str(_RETRIES))
    if not re.fullmatch(r"[0-9]|10", told):
        raise UsageError(f"retries={ascii(told)[:40]} is not a number from 0 to 10.")
    return {
        "max_retries": int(told),
        "retry_timeout": timedelta(seconds=float(options.get("timeout", _TIMEOUT))),
        "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=2), "base": 2},
    }


def _seconds(options: dict[str, str], name: str, default: float) -> timedelta:
    told = options.get(name, str(default))
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise UsageError(f"{name}={ascii(told)[:40]} is not a number of seconds from 0.1 to 3600.")
    return timedelta(seconds=seconds)


def _check_endpoints(url: str, kind: str, options: dict[str, str], client: dict[str, Any]) -> None:
    """Let requests go unencrypted to this machine only, or where `allow_http=true` says so."""
    told = [options[name] for name in _ENDPOINTS if name in options]
    if not told:
        told = [os.environ[name] for name in _VARIABLES.get(kind, ()) if os.environ.get(name)]
    open_ones = [endpoint for endpoint in told if urlsplit(endpoint).scheme == "http"]
    if not open_ones:
        return
    if options.get("allow_http") != "true":
        for endpoint in open_ones:
            if not _loopback(urlsplit(endpoint).hostname or ""):
                raise UsageError(
                    f"The storage at {masked(url)} would be reached without encryption.",
                    f"Its endpoint on {urlsplit(endpoint).hostname} is http, not https.",
                    "Use https, or add &allow_http=true if the network is yours.",
                )
    client["allow_http"] = True


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
