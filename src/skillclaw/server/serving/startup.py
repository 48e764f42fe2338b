"""What has to hold before the server listens. Anything that does not refuses the start."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import SkillClawError, StorageError, UsageError
from skillclaw.server.serving.tokens import find_token, readable_by_all

if TYPE_CHECKING:
    from skillclaw.settings import ServeSettings, Settings

__all__ = ["Door", "door", "is_loopback", "problems"]


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API listens and what opens it. `tls_cert`, `tls_key`: PEM files, None for plain HTTP."""

    host: str
    port: int
    token: str
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __repr__(self) -> str:
        return f"Door({self.host}:{self.port}, {'https' if self.tls_cert else 'http'})"


def door(settings: Settings, home: Path, environ: Mapping[str, str]) -> Door:
    """The server's door by the settings; the token is made where there has to be one and none is named.

    Raises UsageError or StorageError for the first thing that does not hold.
    """
    for problem in problems(settings, home, environ, token=False):
        raise problem
    serve = settings.serve
    return Door(
        host=serve.host,
        port=serve.port,
        token=find_token(serve.token, home, environ),
        tls_cert=_file(serve.tls_cert),
        tls_key=_file(serve.tls_key),
    )


def problems(
    settings: Settings, home: Path, environ: Mapping[str, str], *, token: bool = True
) -> Iterator[SkillClawError]:
    """Everything that would keep the server from starting; nothing is made or changed. With `token` its
    place is looked at too."""
    serve = settings.serve
    for check in (_check_tls, _check_address):
        try:
            check(serve)
        except SkillClawError as error:
            yield error
    for name in serve.hubs:
        if not settings.hubs.get(name):
            yield UsageError(
                f"serve.hubs names {name!r}, and this machine knows no such hub.",
                f"Known: {', '.join(sorted(settings.hubs)) or 'none'}.",
                f"Join it: skillclaw hub join; or: skillclaw config set hubs.{name}.url FOLDER-OR-URL",
            )
    if token:
        try:
            find_token(serve.token, home, environ, make=False)
        except SkillClawError as error:
            yield error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens at `host`. A name counts only if it is `localhost`."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _check_address(serve: ServeSettings) -> None:
    if not (is_loopback(serve.host) or serve.tls_cert or serve.behind_proxy):
        raise UsageError(
            f"The server would listen on {serve.host} in plain HTTP.",
            "Anybody on the way could read the token, and use it.",
            "Set serve.tls_cert and serve.tls_key; or serve.behind_proxy, where a proxy before it does TLS.",
        )


def _check_tls(serve: ServeSettings) -> None:
    if bool(serve.tls_cert) != bool(serve.tls_key):
        given, missing = ("cert", "key") if serve.tls_cert else ("key", "cert")
        raise UsageError(
            f"serve.tls_{given} is set and serve.tls_{missing} is not.",
            "TLS needs both.",
            "Set both, or none.",
        )
    cert, key = _file(serve.tls_cert), _file(serve.tls_key)
    if cert is None or key is None:
        return
    try:
        if readable_by_all(key):
            raise UsageError(
                f"The key of the server's certificate, {key}, can be read by every user of this machine.",
                "Whoever has it can pass for the server.",
                f"Say: chmod 600 {key}",
            )
        cert.open("rb").close()  # an error of its own: ssl's does not say which file
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        raise UsageError(
            f"{cert} and {key} are no certificate with its key.",
            str(error.reason or error),
            "Both are PEM files; the key has no pass phrase.",
        ) from error
    except OSError as error:
        raise StorageError(
            f"Cannot read {error.filename or key}.", error.strerror or str(error), "Check who owns it."
        ) from error


def _file(given: str) -> Path | None:
    return Path(given).expanduser() if given else None
