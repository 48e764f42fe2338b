"""Which skill index each conversation got: `<home>/injected`, so that it gets the same after a restart.

`<sha256>.txt` is an index (written by the server, see `server/skills/index.py`); `sessions` has a line
`<session> <index or ->` for each conversation, the last KEPT of them. All 0600.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

__all__ = ["FOLDER", "INJECTED", "Offered", "index_path", "read_index"]

log = logging.getLogger("skillclaw.proxy")
FOLDER = "injected"
INJECTED = b"x-skillclaw-injected"
"""Response header: SHA-256 of the skill index that went upstream with the request, which the record lacks."""
KEPT = 4096
"""Conversations that are remembered."""
_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{64}|-)")


def index_path(home: Path, digest: str) -> Path:
    """Where an index lies."""
    return home / FOLDER / f"{digest}.txt"


def read_index(home: Path, digest: str) -> str:
    """The index with this SHA-256 (hex); empty when it is gone or is not what its name says."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return ""
    try:
        data = index_path(home, digest).read_bytes()
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if hashlib.sha256(data).hexdigest() == digest else ""


class Offered:
    """The memory of conversations; a disk that fails costs the memory after a restart, nothing else."""

    def __init__(self, home: Path, kept: int = KEPT) -> None:
        self._home = home
        self._path = home / FOLDER / "sessions"
        self._kept = kept
        self._lines = 0
        self._texts: dict[str, str] = {}
        self._known = self._load()

    def text(self, session: str, current: str) -> tuple[str, str]:
        """(index, its SHA-256) for a conversation: what it got before, else `current`, the index of now."""
        digest = self._known.get(session)
        if digest is None:
            digest = current if current and self._text(current) else "-"
            self._remember(session, digest)
        self._known.move_to_end(session)
        return (self._text(digest), digest) if digest != "-" else ("", "")

    def _text(self, digest: str) -> str:
        if digest not in self._texts:
            if len(self._texts) > 64:
                self._texts.clear()
            self._texts[digest] = read_index(self._home, digest)
        return self._texts[digest]

    def _remember(self, session: str, digest: str) -> None:
        self._known[session] = digest
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        try:
            if self._lines >= 2 * self._kept:
                self._rewrite()
            else:
                _append(self._path, f"{session} {digest}\n")
                self._lines += 1
        except OSError as error:
            log.warning("cannot write %s: %s", self._path, error)

    def _load(self) -> OrderedDict[str, str]:
        known: OrderedDict[str, str] = OrderedDict()
        lines: list[str] = []
        with suppress(OSError):
            text = self._path.read_text("ascii", "replace")
            lines = text.splitlines()
            # A line that was cut off must not be glued to the next: the file is written anew before that.
            self._lines = len(lines) if text.endswith("\n") else 2 * self._kept
        for line in lines:
            if found := _LINE.fullmatch(line):
                known[found[1]] = found[2]
        while len(known) > self._kept:
            known.popitem(last=False)
        return known

    def _rewrite(self) -> None:
        fresh = self._path.with_name("sessions.new")
        fresh.unlink(missing_ok=True)
        _append(fresh, "".join(f"{session} {digest}\n" for session, digest in self._known.items()))
        fresh.replace(self._path)
        self._lines = len(self._known)


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(text.encode("ascii"))
