"""Where traces go, and how: what the command was told, and OpenTelemetry's own variables. Pure.

The variables are those of OpenTelemetry's specification (OTLP exporter configuration): each has a form for
traces alone, `OTEL_EXPORTER_OTLP_TRACES_...`, which wins. Values of headers are secrets and never told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from skillclaw import __version__
from skillclaw.errors import UsageError
from skillclaw.trajectory.model import Record

__all__ = ["ENVIRONMENT", "Collector", "collector", "is_url", "resource"]

ENVIRONMENT = "env"
"""The target that says: where the variables say."""
PATH = "/v1/traces"
TIMEOUT = 10_000
"""Milliseconds that an answer may take (the specification's)."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SCHEMES = ("http", "https")


class Collector(Record, frozen=True, kw_only=True):
    """A collector of traces. `shown`: its URL as people may see it; `timeout` in seconds for one try."""

    url: str
    shown: str
    headers: dict[str, str] = {}
    json: bool = False
    gzip: bool = False
    timeout: float = TIMEOUT / 1000
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether it is reached by TLS."""
        return self.url.lower().startswith("https:")


def is_url(target: str) -> bool:
    """Whether the target is a collector, not a file."""
    return target == ENVIRONMENT or target.lower().startswith(("http:", "https:"))


def collector(target: str, environ: Mapping[str, str]) -> Collector:
    """The collector at `target`. A URL is a base as in `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/traces` is put
    behind it, if it does not end so. UsageError for what is none or cannot be done."""
    protocol = _told(environ, "PROTOCOL") or "http/protobuf"
    if target == ENVIRONMENT:
        url = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
        if not url:
            base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
            if not base:
                raise UsageError(
                    "No collector of traces is named.",
                    "Neither OTEL_EXPORTER_OTLP_TRACES_ENDPOINT nor OTEL_EXPORTER_OTLP_ENDPOINT is set.",
                    "Set one of them, or say --otlp URL.",
                )
            url = _with_path(base)
    else:
        url = _with_path(target)
    shown = _checked(url)
    if protocol not in ("http/protobuf", "http/json"):
        raise UsageError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}.",
            "SkillClaw speaks OTLP over HTTP: http/protobuf or http/json.",
            "Set it to http/protobuf; collectors listen for it on port 4318.",
        )
    packed = _told(environ, "COMPRESSION") or "none"
    if packed not in ("none", "gzip"):
        raise UsageError(f"OTEL_EXPORTER_OTLP_COMPRESSION is {packed!r}.", "", "Known: none, gzip")
    return Collector(
        url=url,
        shown=shown,
        headers=_pairs("OTEL_EXPORTER_OTLP_HEADERS", _told(environ, "HEADERS"), header=True),
        json=protocol == "http/json",
        gzip=packed == "gzip",
        timeout=_seconds(_told(environ, "TIMEOUT")),
        certificate=_told(environ, "CERTIFICATE"),
        client_certificate=_told(environ, "CLIENT_CERTIFICATE"),
        client_key=_told(environ, "CLIENT_KEY"),
    )


def resource(environ: Mapping[str, str]) -> dict[str, str]:
    """What the traces are of: this program, or as `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say."""
    found = {"service.name": "skillclaw", "service.version": __version__}
    found |= _pairs("OTEL_RESOURCE_ATTRIBUTES", environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    name = environ.get("OTEL_SERVICE_NAME", "").strip()
    return found | ({"service.name": name} if name else {})


def _told(environ: Mapping[str, str], name: str) -> str:
    """A variable's value; an empty one counts as not set, as the specification says."""
    own = environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "").strip()
    return own or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _with_path(base: str) -> str:
    try:
        parts = urlsplit(base)
    except ValueError:
        return base  # `_checked` says what is wrong
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(PATH) else path + PATH))


def _checked(url: str) -> str:
    """The URL without what may be secret in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _no_url("It cannot be read as one.") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise _no_url("It has no host." if parts.scheme in _SCHEMES else "It is neither http nor https.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def _no_url(why: str) -> UsageError:
    return UsageError("That is no URL of a collector.", why, "Example: --otlp http://127.0.0.1:4318")


def _pairs(variable: str, text: str, *, header: bool = False) -> dict[str, str]:
    """`name=value,name=value`, percent-encoded (the specification has it from W3C Baggage)."""
    found = {}
    for number, pair in enumerate((one for one in text.split(",") if one.strip()), 1):
        name, equals, value = pair.partition("=")
        name, value = unquote(name.strip()), unquote(value.strip())
        wrong = not name or not equals
        if header:
            wrong = wrong or not _HEADER.fullmatch(name) or not value.isprintable()
        if wrong:
            raise UsageError(
                f"{variable} cannot be read.",
                f"Its part {number} is not NAME=VALUE.",
                "Parts stand between commas; a comma in a value is %2C.",
            )
        found[name] = value
    return found


def _seconds(told: str) -> float:
    if not told:
        return TIMEOUT / 1000
    if not told.isdecimal() or not 0 < int(told) <= 3_600_000:
        raise UsageError(
            f"OTEL_EXPORTER_OTLP_TIMEOUT is {told[:40]!r}.",
            "It is in milliseconds, up to an hour.",
            "Example: 10000",
        )
    return int(told) / 1000
