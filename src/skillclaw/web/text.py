"""Text of sessions and skills, fit to stand on a page: nothing in it steers the reader's eye."""

from __future__ import annotations

import unicodedata
from typing import Any

__all__ = ["LONGEST", "legible", "number", "odds", "percent", "visible", "width"]

LONGEST = 400
"""Characters shown of any one text."""

JOINERS = "\u200c\u200d"
"""Invisible characters that scripts and emoji need."""


def visible(text: str, limit: int = LONGEST) -> str:
    """`text` on one line and cut to `limit` characters; what is invisible or turns the writing direction is
    written out as its code point.
    """
    flat = " ".join(text[: 4 * limit].split())
    shown = "".join(map(_plain, flat[: limit + 1]))
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def legible(text: str) -> str:
    """`text` as it is, its lines too, with what is invisible or turns the writing direction written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in "\n\t" else _plain(char) for char in text.replace("\r\n", "\n"))


def _plain(char: str) -> str:
    if " " <= char <= "~":
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") and char not in JOINERS:
        return f"[U+{code:04X}]"
    return char


def width(text: str) -> float:
    """About how wide the text is in a sans-serif font, in units of its size."""
    return sum(
        1.0
        if unicodedata.east_asian_width(c) in "WF"
        else 0.3
        if c in "iljtf.,:;'|!() "
        else 0.72
        if c.isupper() or c in "mwMW"
        else 0.55
        for c in text
    )


def number(value: float, digits: int = 3) -> str:
    """A figure with `digits` significant digits at least, thousands kept whole, never as 1e+03."""
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e" in text else text


def percent(part: int, whole: int) -> str:
    """`part` of `whole` as whole percent; empty when there is no whole."""
    return f"{100 * part / whole:.0f}%" if whole else ""


def odds(ratio: float | None, ci: Any) -> str:
    """An odds ratio with its 95% interval."""
    if ratio is None:
        return "not measured"
    if ci is None:
        return number(ratio)
    return f"{number(ratio)} [{number(ci[0], 2)}, {number(ci[1], 2)}]"
