"""Texts as they read without what lies over them: colours of a terminal, escapes of JSON, encoded URLs.

A secret may be broken by a colour, or stand in a URL inside a URL. So the text is also redacted without that;
where this finds something, the outcome takes the place of the text, otherwise the text stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from skillclaw.journal.redact_text import HOLE, outside

__all__ = ["mask_encoded", "with_escapes", "without_colours", "without_escapes"]

_COLOUR = re.compile(r"(?:\x1b|\\{1,8}(?:u001[bB]|x1[bB]|033|e))\[[0-9;]{0,16}[mK]")
_ESCAPE = re.compile(r"(\\{1,8})u([0-9a-fA-F]{4})")
_RUN = re.compile(rf"[^\s<>&{HOLE}]++")
_OCTET = re.compile(r"%[0-9A-Fa-f]{2}")
_NAME = re.compile(r"[^=%+]{0,100}=")
LONGEST = 100_000
LAYERS = 8
"""How often codes are taken out: what is left may be put together to a code again, if somebody means it."""


def without_colours(text: str) -> str:
    """The text without the codes that colour it."""
    for _ in range(LAYERS):
        text, count = _COLOUR.subn("", text)
        if not count:
            break
    return text


def without_escapes(text: str) -> tuple[str, str] | None:
    """The text with `\\u738b` as the character it stands for, and the backslashes that stood there; None
    where nothing is to be done, or could not be undone.
    """
    if not text.isascii():
        return None
    slashes: set[str] = set()

    def put(match: re.Match[str]) -> str:
        code = int(match[2], 16)
        if code < 0x80 or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0:
            return match[0]
        slashes.add(match[1])
        return chr(code)

    plain = _ESCAPE.sub(put, text)
    return (plain, slashes.pop()) if len(slashes) == 1 else None


def with_escapes(text: str, slashes: str) -> str:
    """The text with every character beyond ASCII as its escape."""
    return "".join(c if c.isascii() else f"{slashes}u{ord(c):04x}" for c in text)


def _quote_address(text: str) -> str:
    return quote(text, safe="+")


def mask_encoded(text: str, inner: Callable[[str], str | None]) -> str:
    """The text with what `inner` masks in the parts that are encoded as in URLs, encoded again.

    `inner` gives a decoded text with holes, or None where it found nothing.
    """

    def one(match: re.Match[str]) -> str:
        part = match[0]
        words = "+" in part and "?" in part and "=" in part and "@" not in part  # `?q=call+me+at+...`
        if not words and ("%" not in part or not _OCTET.search(part)):
            return part
        named = _NAME.match(part)
        head = named[0] if named else ""
        value = part[len(head) :]
        if len(part) > LONGEST or not ("%" in value or "+" in value):
            return part
        # `anna+news%40...` is one address.
        address = "@" in value or "%40" in value
        decoded = (unquote if address else unquote_plus)(value, errors="replace")
        if decoded == value or "\ufffd" in decoded:
            return part
        masked = inner(decoded)
        return part if masked is None else head + outside(masked, _quote_address if address else quote_plus)

    return _RUN.sub(one, text)
