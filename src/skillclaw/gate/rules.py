"""Looks for what a skill must not tell an agent to do (DESIGN 3.5, scan; the patterns: `gate.harms`), and for
what a person should see first: work destroyed, other machines reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillclaw.gate import harms, places
from skillclaw.linear import Found, Linear, other_than
from skillclaw.trajectory.model import Record

__all__ = ["Danger", "dangers", "reaches_out", "risky"]


class Danger(Record, frozen=True, kw_only=True):
    """A dangerous stretch of text: what it would do, and the text."""

    what: str
    text: str


_LINEAR = tuple((what, Linear(pattern)) for what, pattern in (*harms.RULES, *places.RULES))
_SENDS = tuple((what, Linear(pattern)) for what, pattern in harms.SENDS)
_BOUNDED = tuple((what, re.compile(pattern, re.IGNORECASE)) for what, pattern in places.BOUNDED)
"""With look-around, and every repeat in them ends soon."""
_HOLDER = "\ue000"
"""A character of no meaning, in the place of a dot."""


def dangers(text: str) -> Iterator[Danger]:
    """Each dangerous stretch of `text`, one of a kind."""
    seen: set[str] = set()
    # Code fences and list markers between words must not hide a phrase; a line stays a line.
    for what, found in _finds(text):
        if what not in seen:
            seen.add(what)
            yield Danger(what=what, text=_short(found))


def _finds(text: str) -> Iterator[tuple[str, str]]:
    for what, pattern in _LINEAR:
        found = pattern.find(text)
        if found is not None:
            yield what, found.text
    masked = harms.EXEMPT.sub(_HOLDER, text)
    for what, pattern in _SENDS:
        found = pattern.find(masked)
        if found is not None:
            yield what, found.text.replace(_HOLDER, ".")
    for what, bounded in _BOUNDED:
        match = bounded.search(text)
        if match:
            yield what, match[0]


def _short(found: str) -> str:
    return " ".join(found.split())[:80]


_RISKY = Linear(
    r"\bgit\b[^`\n]*\bpush\b[^`\n]*\s(?:--force($|[^\w-]|-" + other_than("with-lease") + r")|-f\b|\+\w)"
    r"|\bgit\b[^`\n]*\s--no-verify\b"
    r"|\bgit\s+reset\s+--hard\b|\bgit\s+clean\s+-\w*f|\bgit\s+config\s+(?:\S+\s+)*--(?:global|system)\b"
    r"|\bcore\.hooksPath\b|\b(?:docker|podman)\b[^`\n]*\s(?:--privileged|--pid=host|--net(?:work)?=host)\b"
    r"|\bdocker\s+system\s+prune\b|\b(?:terraform|tofu|pulumi)\s+destroy\b|\bkubectl\s+delete\b"
    r"|\b(?:DROP|TRUNCATE)\s+(?:TABLE|DATABASE|SCHEMA)\b|\bsudo\b|\brm\s+-\w*[rR]\w*f|\brm\s+-\w*f\w*[rR]"
    r"|\bchown\s+-\w*R|\bkill\s+-(?:9|KILL)\b|\bpkill\b|\bkillall\b"
)
"""What destroys work or lifts a guard when done in the wrong place, however often it went well."""


def risky(text: str) -> str | None:
    """The first stretch that a person should see before every agent learns it."""
    found = _RISKY.find(text)
    return None if found is None else _short(found.text)


_LOCAL = (
    r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[\w-]+\.local(?:host)?)"
    r"(?![\w.-])"
)
_OUT = re.compile(
    rf"""
      \b(?:https?|wss?|ftp|ssh|git)://(?!{_LOCAL})[^\s`"'<>]+
    | \b(?:scp|sftp|ftp|ssh|telnet|nc|ncat|netcat)\s+(?!-h\b|--help\b)\S
    | --(?:extra-)?index-url\b | --registry\b | \bgit\+https?:
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OUT_FAR = Linear(r"\bgit@[\w.-]+:|\brsync\b[^\n]*\s[\w.@-]+:")
_FETCH = re.compile(r"\b(?:curl|wget)\s", re.IGNORECASE)
_HERE = re.compile(
    r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[\w-]\.local(?:host)?)"
    r"(?![\w.-])|[\n`]",
    re.IGNORECASE,
)
"""An address of this machine, or the end of the command."""


def reaches_out(text: str) -> str | None:
    """The first stretch that makes an agent reach another machine; addresses of this machine don't count,
    nor does a package manager with its usual registry."""
    match = _OUT.search(text)
    finds = (Found(match.start(), match[0]) if match else None, _OUT_FAR.find(text), _fetch(text))
    first = min((found for found in finds if found is not None), default=None)
    return None if first is None else _short(first.text)


def _fetch(text: str) -> Found | None:
    """The first curl or wget that names no address of this machine behind it, before the command ends."""
    here = _HERE.finditer(text)
    next_here = next(here, None)
    for fetch in _FETCH.finditer(text):
        while next_here is not None and next_here.start() < fetch.end():
            next_here = next(here, None)
        if next_here is None or next_here[0] in "\n`":
            return Found(fetch.start(), fetch[0])
    return None
