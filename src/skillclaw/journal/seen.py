"""The credentials that this machine used, as keyed hashes, so that they are masked wherever they stand.

A key that passed the proxy in a header, a query or a cookie may stand in any session later, with nothing
around it that tells what it is. So each one is remembered in `<home>/credentials.seen` (0600), one a line:

    <length> <start> <value>

`start` is HMAC-SHA-256 under the client's key of the first 6 characters, 2 bytes of it in hex; `value` of the
whole, 12 bytes. No part of a credential lies on the disk; who also has the client's key can test a guess, as
with every placeholder. What a variable of the own environment holds under a secret's name is known in memory
only.

A text is searched in one pass: at each place where a token can begin the first 6 characters are looked up,
and where they are known, the text in each length that goes with them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from skillclaw.journal.redact_text import HOLE, Masker
from skillclaw.private import whole_file

__all__ = ["FILE", "Seen", "SeenWriter", "secret_values"]

FILE = "credentials.seen"
SHORTEST = 8
"""Characters: a shorter value would be found by chance."""
LONGEST = 4096
START = 6
MOST = 4096
"""Entries that are kept, the newest; tokens that live an hour must not fill the file for ever."""
CACHED = 200_000
_LINE = re.compile(r"(\d{1,4}) ([0-9a-f]{4}) ([0-9a-f]{24})")
_STARTS = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9a-fA-F]{4})|(?<=\[[0-9]m)|(?<=[0-9]{2}m))"
    rf"(?=([^\s<>{HOLE}]{{{START}}}))"
)


def _start(key: bytes, text: str) -> str:
    return _digest(key, b"start\0", text[:START])[:4]


def _whole(key: bytes, text: str) -> str:
    return _digest(key, b"value\0", text)[:24]


def _digest(key: bytes, what: bytes, text: str) -> str:
    return hmac.digest(key, what + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def _fit(value: str) -> bool:
    """Whether a value is one to remember: one token, and no word. JWTs are known by their form."""
    return (
        SHORTEST <= len(value) <= LONGEST
        and not any(char.isspace() or char in "<>" for char in value)
        and not value.startswith("eyJ")
        and not value.isdigit()
        and (len(value) >= 16 or any(char.isdigit() for char in value))
        and not value.isalpha()
    )


class SeenWriter:
    """Remembers credentials in a file; the journal's thread meets each of them thousands of times."""

    def __init__(self, home: Path, key: bytes) -> None:
        self._path = home / FILE
        self._key = key
        self._met: set[int] = set()
        self._torn = True
        """Whether the file may end in half a line, as a full disk leaves one: the next begins on its own."""
        lines = _read(self._path)
        self._lines = set(lines)
        if len(lines) > MOST:
            self._shorten(lines)

    def add(self, value: str) -> None:
        """Remember a value; raises OSError when the disk does not take it."""
        met = hash(value)
        if met in self._met:
            return
        if _fit(value):
            line = f"{len(value)} {_start(self._key, value)} {_whole(self._key, value)}"
            if line not in self._lines:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                torn, self._torn = self._torn, True
                with os.fdopen(descriptor, "ab") as file:
                    file.write(("\n" * (torn and file.tell() > 0) + f"{line}\n").encode("ascii"))
                self._torn = False
                self._lines.add(line)
                if len(self._lines) > 2 * MOST:
                    self._shorten(_read(self._path))
        if len(self._met) > MOST:
            self._met.clear()
        self._met.add(met)

    def _shorten(self, lines: list[str]) -> None:
        kept = lines[-MOST // 2 :]
        with whole_file(self._path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode("ascii"))
        self._lines = set(kept)


def _read(path: Path) -> list[str]:
    """The lines that are whole; a torn one at the end, or what somebody else wrote, is passed over."""
    try:
        text = path.read_text("ascii", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if _LINE.fullmatch(line)]


class Seen:
    """What is known of credentials, to look them up in texts. `path`: the file of a `SeenWriter`, if any."""

    def __init__(self, key: bytes, path: Path | None = None, values: Iterable[str] = ()) -> None:
        self._key = key
        self._path = path
        self._own = [(len(value), _start(key, value), _whole(key, value)) for value in values if _fit(value)]
        self._stamp: tuple[int, int] | None = None
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._known: frozenset[str] = frozenset()
        self._starts: dict[str, tuple[int, ...]] = {}
        self._runs: re.Pattern[str] | None = None
        self._load(self._own)
        self.refresh()

    def refresh(self) -> bool:
        """Take in what was written since; True when something came. An unreadable file counts as empty."""
        if self._path is None:
            return False
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return False
            lines = _read(self._path)
        except OSError:
            return False
        self._stamp = stamp
        read = [(int(length), start, whole) for length, start, whole in (line.split() for line in lines)]
        self._load([*self._own, *read])
        return True

    def _load(self, entries: list[tuple[int, str, str]]) -> None:
        lengths: dict[str, set[int]] = {}
        for length, start, _ in entries:
            lengths.setdefault(start, set()).add(length)
        self._lengths = {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}
        self._known = frozenset(whole for _, _, whole in entries)
        self._starts = {}
        shortest = min((length for length, _, _ in entries), default=0)
        self._runs = re.compile(rf"(?<!\S)\S{{{shortest},}}+") if entries else None

    def mask(self, text: str, masker: Masker) -> str:
        """The text with every known credential masked."""
        if self._runs is None:
            return text
        parts: list[str] = []
        done = 0
        for run in self._runs.finditer(text):
            for hit in _STARTS.finditer(text, run.start(), run.end()):
                at = hit.start()
                lengths = self._lengths_at(hit[1]) if at >= done else ()
                for length in lengths:
                    value = text[at : at + length]
                    if len(value) == length and _whole(self._key, value) in self._known:
                        parts += [text[done:at], masker.mask("secret:credential", value)]
                        done = at + length
                        break
        if not parts:
            return text
        parts.append(text[done:])
        return "".join(parts)

    def _lengths_at(self, start: str) -> tuple[int, ...]:
        known = self._starts.get(start)
        if known is None:
            known = self._lengths.get(_start(self._key, start), ())
            if len(self._starts) > CACHED:
                self._starts.clear()
            self._starts[start] = known
        return known


def secret_values(environ: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret."""
    from skillclaw.journal.redact_judge import is_secret, name_kind

    found = []
    for name, value in environ.items():
        kind = name_kind(name)
        if kind is not None and is_secret(kind, value, quoted=True):
            found.append(value.strip())
    return found
