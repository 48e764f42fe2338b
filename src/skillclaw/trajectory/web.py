"""HTTP requests, whether a function or `curl` in a shell makes them: address, headers, status.

An address is reduced to scheme, host with port, and the path with ids masked; of a query and of headers the
names stay and the values go. `Accept` and `Content-Type` keep a plain media type: it is a lesson, and
nobody's secret.
"""

from __future__ import annotations

import re
from typing import Any

from skillclaw.trajectory.failures import json_object
from skillclaw.trajectory.text import word_set

__all__ = ["PROGRAMS", "address", "header", "headers", "host_of", "is_web_tool", "refused", "status_of"]

LOOKED_AT, SHORT = 20_000, 400
"""Characters of an answer that are searched for a status line, and for words that say a status."""

PROGRAMS = word_set("curl wget http https xh httpie")
"""Programs that make HTTP requests."""

_WEB_TOOL = re.compile(r"(?:^|[_.:/-])(?:https?|fetch|request|curl|webfetch|api)(?:$|[_.:/-])", re.I)
_ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]{1,20})://([^/?#\s]{1,255})([^?#\s]*)(?:\?([^#\s]*))?(?:#\S*)?", re.I
)
_SHORTHAND = re.compile(r":(\d{2,5})?(/\S*)?")
_LOCAL = re.compile(r"((?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d{2,5})?)(/[^?#\s]*)?(?:\?\S*)?", re.I)
_VERSION = re.compile(r"v\d{1,2}", re.I)
_HOST = re.compile(r"[a-z][a-z0-9+.-]{1,20}://(?:[^/?#\s@]{1,200}@)?([^/?#\s'\"]{1,255})", re.I)
_SEGMENT_ID = re.compile(
    r"[0-9a-f]{7,64}|(?=.*\d.*\d)[0-9a-f-]{16,64}|\d+|(?=(?:\D*\d){3})[\w.~-]{6,}|#?[A-Z]{1,4}-?\d+|[\w.+-]+@[\w.-]+|"
    r"[\w=~-]{32,}|.*%[0-9A-F]{2}.*",
    re.I,
)
_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,40}")
_HEADER = re.compile(r"\s*([A-Za-z][\w-]{0,60})\s*:\s*(.*)", re.S)
_MEDIA = re.compile(r"(?:\*|[a-z]{1,20})/(?:\*|[a-z][a-z0-9.+-]{0,60})(?:; ?charset=[\w-]{1,20})?", re.I)
_STATUS_LINE = re.compile(
    r"(?m)^(?:[<*] )?HTTP/\d(?:\.\d)? (\d{3})\b|^[ \t]{0,8}(?:\S.{0,40})?ERROR (\d{3}):"
)
_SAID = re.compile(
    r"\b(?:HTTP(?: status| error| code)?|status(?:[ _]?code)?|response code|returned(?: error)?)"
    r"[\"']?[ :=]{1,3}(?:code )?([1-5]\d\d)\b(?![.\d])",
    re.I,
)
_CLOSING = re.compile(r"(?:\A|\n|[}\]>])[ \t]{0,8}(?:HTTP(?: code)?:? ?)?([1-5]\d\d)\s{0,8}\Z", re.I)
_KEYS = ("status", "status_code", "statusCode", "code")


def is_web_tool(tool: str, arguments: dict[str, Any]) -> bool:
    """Whether a function makes an HTTP request: it has an address, and a name that says so."""
    return bool(url_of(arguments)) and bool(_WEB_TOOL.search(tool))


def url_of(arguments: dict[str, Any]) -> str:
    """The address among a call's arguments; empty when there is none."""
    for name in ("url", "uri", "endpoint"):
        value = arguments.get(name)
        if isinstance(value, str) and "://" in value:
            return value
    return ""


def host_of(text: str) -> str:
    """`host:port` of the first address in a command or value, lower case; empty when it names none."""
    found = _HOST.search(text) if "://" in text else None
    return found[1].lower() if found else ""


def address(word: str) -> str:
    """`http://localhost:8000/users/<id>?page=<number>` of an address; empty for any other word."""
    if short := _SHORTHAND.fullmatch(word):
        # httpie: `:8000/x` is this machine.
        return f":{short[1] or ''}{_path(short[2] or '')}" if short[1] or short[2] else ""
    if local := _LOCAL.fullmatch(word):
        return f"{local[1].lower()}{_path(local[2] or '')}"
    found = _ADDRESS.fullmatch(word)
    if found is None:
        return ""
    host = found[2].rpartition("@")[2].lower()
    names = [part.partition("=") for part in (found[4] or "").split("&")[:8] if part]
    query = "&".join(
        f"{name if _NAME.fullmatch(name) else '<text>'}{equals}{_value(value)}"
        for name, equals, value in names
    )
    return f"{found[1].lower()}://{host}{_path(found[3])}{'?' + query if query else ''}"


def _path(path: str) -> str:
    parts = path.split("/")
    return "/".join(_segment(part) for part in parts[:9]) + ("/<path>" if len(parts) > 9 else "")


def _segment(part: str) -> str:
    named = not part or part.startswith("<") or _VERSION.fullmatch(part)
    return "<id>" if not named and (len(part) > 60 or _SEGMENT_ID.fullmatch(part)) else part


def _value(value: str) -> str:
    if not value:
        return ""
    return "<number>" if value.isascii() and value.isdigit() else "<text>"


def header(text: str) -> str:
    """`Authorization:<text>` of a header line; the text itself when it is none."""
    found = _HEADER.fullmatch(text)
    if found is None:
        return text if text.startswith("<") else "<text>"
    return f"{found[1]}:{_header_value(found[1], found[2])}"


def headers(given: Any) -> dict[str, str] | None:
    """The headers of a function's call with their values masked; None when it is no table of headers."""
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        return None
    return {name: _header_value(name, str(given[name])) for name in sorted(given)}


def _header_value(name: str, value: str) -> str:
    plain = name.lower() in ("accept", "content-type") and _MEDIA.fullmatch(value.strip())
    return value.strip() if plain else "<text>"


def status_of(text: str) -> int | None:
    """The HTTP status that an answer shows: its last status line, a field of its JSON, or words."""
    lines = [m[1] or m[2] for m in _STATUS_LINE.finditer(text[:LOOKED_AT])]
    if lines:
        return int(lines[-1])
    said = json_object(text.strip())
    if said is not None:
        for holder in (said, said.get("error")):
            if isinstance(holder, dict) and (code := _code(holder)):
                return code
        return None
    # A long text is a page or a listing, and may speak of statuses.
    found = (_SAID.search(text) if len(text) <= SHORT else None) or _CLOSING.search(text[-200:])
    return int(found[1]) if found else None


def _code(holder: dict[str, Any]) -> int | None:
    for key in _KEYS:
        value = holder.get(key)
        if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600:
            return value
    return None


def refused(text: str) -> bool:
    """Whether an HTTP answer says that the request failed: a status from 400 on, or a body that complains."""
    status = status_of(text)
    if status is not None:
        return status >= 400
    said = json_object(text.strip())
    return said is not None and bool(
        said.get("error") or said.get("errors") or (len(said) == 1 and isinstance(said.get("detail"), str))
    )
