"""Payloads in pieces: text as it reads once variables, quotations, lines and files are put together.

Each piece alone is harmless, so that no rule sees it. Here everything is put together that a shell, Python or
a person would join: `A=cu; B=rl; $A$B`, `"cu" + "rl"`, base64 over several lines or files, letters set apart.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

__all__ = ["READ", "TooMuchError", "decoded", "encoded", "joined", "plain_views", "variables"]

_ASSIGNED = re.compile(
    r"""(?:^|[;&(\s`])\$?([A-Za-z_]\w{0,40})\s?=\s?(["'])([^"'\n]{1,400})\2"""
    r"""|(?:^|[;&\s`]|\bexport\s)([A-Za-z_]\w{0,40})=([^\s"'`;&|$()]{1,400})""",
    re.MULTILINE,
)
_USED = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\}")
_PLUS = re.compile(r"""["'](?:\s{0,20}(?:\+|\.\.|&|,)\s{0,20}|[ \t]{0,3})["']""")
_NAMES = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w*)(\s*\+\s*)(?=[A-Za-z_\"'])|(\+\s*)([A-Za-z_]\w*)(?![\w(.])")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{8,}={0,2}(?![A-Za-z0-9+/=_-])")
_ALONE = re.compile(r"[A-Za-z0-9+/_-]{1,2000}={0,2}")
SHORT = 12
"""Characters below which a word alone on its line may be the rest of something encoded."""
TOGETHER = 40
"""Neighbouring pieces that are put together, at most."""
_HEX = re.compile(r"(?:\\x[0-9a-fA-F]{2}){4,}|(?:\\u00[0-9a-fA-F]{2}){4,}|(?:%[0-9a-fA-F]{2}){4,}")
_APART = re.compile(r"(?<!\w)(?:\w[ .\-_*·•]){5,}\w(?!\w)")
_MARKS = re.compile(r"(?<=\w)(?:\*{1,3}|_{2,3}|~~)(?=\w)|\\(?=[^\w\s])|(?<=\w)(?:''|\"\"|\^)(?=\w)")
_ACCENT = re.compile(r"(?<=[A-Za-z])[\u0300-\u036f]+")
LEAST = 12
"""Characters of a decoded text below which it could do nothing."""
WINDOW = 400
"""Pieces that are put together as one, at most; each stands in the middle of some."""
MOST = 8_000
"""Pieces that a skill may have: to put them together takes seconds. In prose one word of 30 is like one."""
PUT_IN = 30_000
"""Characters that a text may get by what its names stand for."""
READ = 200_000
"""Characters that the pieces of a skill may be decoded to, counted each time that they are put together."""


class TooMuchError(Exception):
    """Few pieces make so much text that nobody could look at all of it; the message says how."""


def plain_views(text: str) -> list[str]:
    """`text` as it reads to an eye: marks within words, styled letters, and letters set apart taken out. Only
    the ways of reading that differ from the text."""
    styled = text if text.isascii() else "".join(_plain(c) for c in text)
    unmarked = _MARKS.sub("", styled)
    close = _APART.sub(lambda match: re.sub(r"\W|_", "", match[0]), unmarked)
    shown = html.unescape(close) if "&" in close else close
    bare = shown if shown.isascii() else _ACCENT.sub("", unicodedata.normalize("NFKD", shown))
    return [view for view in dict.fromkeys((unmarked, close, shown, bare)) if view != text]


def _plain(c: str) -> str:
    """A letter without its style; characters without width are nothing."""
    if c.isascii():
        return c
    plain = unicodedata.normalize("NFKC", c)
    if len(plain) == 1 and plain.isascii() and plain.isalnum():
        return plain
    return "" if unicodedata.category(c) == "Cf" else c


def variables(texts: Iterable[str], *, first: bool = False) -> dict[str, str]:
    """What is assigned to a name anywhere in `texts`; the last time counts, or the `first`."""
    found: dict[str, str] = {}
    for text in texts:
        for match in _ASSIGNED.finditer(text):
            name, value = (match[1], match[3]) if match[1] else (match[4], match[5])
            if first:
                found.setdefault(name, value)
            else:
                found[name] = value
    return found


def joined(text: str, known: dict[str, str]) -> str:
    """`text` with names replaced by what they stand for, and neighbouring quotations made one.

    TooMuchError where it would not end.
    """
    left = PUT_IN

    def put(match: re.Match[str], value: str) -> str:
        nonlocal left
        left -= len(value) - len(match[0])
        if left < 0:
            raise TooMuchError("repeats by variables more text than can be looked at")
        return value

    if known:
        for _ in range(3):  # a name may stand for text with names
            before = text
            text = _USED.sub(lambda m: put(m, known.get(m[1] or m[2] or m[3], m[0])), text)
            text = _NAMES.sub(lambda m: put(m, _named(m, known)), text)
            if text == before:
                break
    return _PLUS.sub("", text)


def _named(match: re.Match[str], known: dict[str, str]) -> str:
    name = match[1] or match[4]
    if name not in known:
        return match[0]
    return f'"{known[name]}"{match[2]}' if match[1] else f'{match[3]}"{known[name]}"'


def decoded(texts: Iterable[str], most: int = READ) -> Iterator[str]:
    """Readable texts behind what is encoded in `texts`: each piece alone, and neighbours of one text and of
    the next put together. TooMuchError where that would be more than `most` characters."""
    left = most
    for text in _decoded(texts):
        left -= len(text)
        if left < 0:
            raise TooMuchError("holds more encoded text than can be looked at")
        yield text


def _decoded(texts: Iterable[str]) -> Iterator[str]:
    texts = list(texts)
    for text in texts:
        for match in _HEX.finditer(text):
            yield re.sub(r"(?:\\x|\\u00|%)([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), match[0])
    pieces = [piece for text in texts for piece in _pieces(text)]
    if len(pieces) > MOST:
        raise TooMuchError("holds more words that may be encoded text than can be looked at")
    bare = [piece.rstrip("=") for piece in pieces]
    for at, piece in enumerate(pieces):
        yield from _readable(piece)
        for end in range(at + 2, min(at + TOGETHER, len(pieces)) + 1):
            yield from _readable("".join(bare[at:end]))
    for begin in range(0, max(len(pieces) - WINDOW // 2, 1), WINDOW // 2):
        whole = "".join(bare[begin : begin + WINDOW])
        yield from _readable(whole)
        yield from _readable(whole[::-1])


def encoded(texts: Iterable[str]) -> bool:
    """Whether anything in `texts` may be a part of something encoded."""
    return any(True for text in texts for _ in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """What may be a part of something encoded; a short rest counts where it stands alone on its line."""
    for line in text.split("\n"):
        alone = line.strip(" \t\r\"',;`+\\-*>")
        if _ALONE.fullmatch(alone) and (len(alone) < SHORT or _looks_encoded(alone)):
            yield alone
        else:
            yield from filter(_looks_encoded, _BASE64.findall(line))


def _looks_encoded(piece: str) -> bool:
    """Words of prose and paths are no base64: it mixes cases or has digits within."""
    return bool(re.search(r"[a-z]", piece) and re.search(r"[A-Z]", piece)) or bool(
        re.search(r"\d\D*\d", piece)
    )


def _readable(piece: str) -> Iterator[str]:
    body = piece.rstrip("=").replace("-", "+").replace("_", "/")
    for cut in range(4):
        part = body[: len(body) - cut]
        if len(part) % 4 == 1:
            continue
        try:
            raw = base64.b64decode(part + "=" * (-len(part) % 4))
            text = raw.decode("utf-8")
        except (binascii.Error, ValueError):
            continue
        if len(text) >= LEAST and sum(c.isprintable() or c in "\n\t" for c in text) == len(text):
            yield text
            return
