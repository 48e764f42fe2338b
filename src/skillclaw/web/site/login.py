"""Who may look: links that log one browser in, once, and the browsers that are logged in.

Whoever can write in SkillClaw's folder can make a link, so that the dashboard needs no password. A link holds
a random token of 256 bits; its file, named by the token's hash, is gone once the link was used, and whoever
removes it first is in. A browser that is logged in has another such token as its cookie, and a file by its
hash. So nothing in these folders logs anybody in.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.private import private_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = ["LINK_SECONDS", "Browser", "Logins", "base_path", "login_address", "make_link"]

LINK_SECONDS = 600.0
"""In which a link has to be used."""
LOOKED = 60.0
"""Seconds after which it is noted again that a browser was there."""
MOST = 200
"""Links, and browsers, that are kept at most; the oldest go."""
_DAY = 86_400.0
LONGEST = 30 * _DAY
"""Seconds after which a browser has to log in again, however often it is there."""


class _Link(Record, frozen=True, kw_only=True):
    made: float
    read_only: bool = False


class _Known(Record, frozen=True, kw_only=True):
    made: float
    seen: float
    read_only: bool = False


@dataclass(frozen=True)
class Browser:
    """A browser that is logged in. `id` names it in this process and tells nothing; `csrf` is what its own
    pages send with each action; `read_only`: it may look and do nothing."""

    id: str
    csrf: str
    read_only: bool


def base_path(home: Path) -> str:
    """The first part of every path of this home's dashboard, made once: 16 random hexadecimal digits.

    Cookies go to every port of a host, so also to what other users of this machine listen with there. With
    the path in it, this one goes nowhere else. Raises StorageError.
    """
    path = home / "dashboard" / "base"
    try:
        known = path.read_text("ascii").strip()
        if len(known) == 16 and set(known) <= set("0123456789abcdef"):
            return known
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    except OSError as error:
        raise _storage(path, error) from error
    made = secrets.token_hex(8)
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(made.encode())
    except OSError as error:
        raise _storage(path, error) from error
    return made


def make_link(home: Path, *, read_only: bool = False, now: float | None = None) -> str:
    """A token that logs one browser in within LINK_SECONDS. Raises StorageError."""
    folder = home / "dashboard" / "links"
    token = secrets.token_urlsafe(32)
    now = time.time() if now is None else now
    try:
        private_folder(folder.parent)
        private_folder(folder)
        _tidy(folder, lambda path: now - path.stat().st_mtime > LINK_SECONDS)
        with whole_file(folder / _name(token)) as file:
            file.write(msgspec.json.encode(_Link(made=now, read_only=read_only)))
    except OSError as error:
        raise _storage(folder, error) from error
    return token


def login_address(home: Path, port: int, *, read_only: bool = False) -> str:
    """The address that logs one browser in at the dashboard on `port`; the token stands behind the `#`."""
    return f"http://127.0.0.1:{port}/{base_path(home)}/login#{make_link(home, read_only=read_only)}"


class Logins:
    """The browsers of one home. `hours` a browser stays logged in after it was last there; `clock` gives
    seconds since 1970."""

    def __init__(self, home: Path, hours: float, clock: Callable[[], float] = time.time) -> None:
        self._links = home / "dashboard" / "links"
        self._browsers = home / "dashboard" / "browsers"
        self._seconds = hours * 3600
        self._clock = clock

    def enter(self, token: str) -> str | None:
        """The cookie for the browser that brings the token of a link; None where that logs nobody in.

        Raises StorageError."""
        path = self._links / _name(token)
        now = self._clock()
        cookie = secrets.token_urlsafe(32)
        made = self._browsers / _name(cookie)
        try:
            link = msgspec.json.decode(path.read_bytes(), type=_Link)
            if not 0 <= now - link.made <= LINK_SECONDS:
                path.unlink()
                return None
        except (FileNotFoundError, *UNREADABLE):
            return None
        except OSError as error:
            raise _storage(path, error) from error
        try:
            private_folder(self._browsers)
            _tidy(self._browsers, lambda path: now - path.stat().st_mtime > max(self._seconds, LOOKED))
            self._write(made.name, _Known(made=now, seen=now, read_only=link.read_only))
        except OSError as error:  # the link is good still
            raise _storage(self._browsers, error) from error
        try:
            path.unlink()  # who removes it is in: two that bring it at once are one
        except OSError as error:
            made.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):
                return None
            raise _storage(path, error) from error
        return cookie

    def browser(self, cookie: str) -> Browser | None:
        """The browser with this cookie; None where none is logged in with it."""
        name = _name(cookie)
        path = self._browsers / name
        now = self._clock()
        try:
            known = msgspec.json.decode(path.read_bytes(), type=_Known)
        except (OSError, *UNREADABLE):
            return None
        if now - known.seen > self._seconds or now - known.made > LONGEST or now < known.made - LOOKED:
            path.unlink(missing_ok=True)
            return None
        if now - known.seen > LOOKED and path.exists():
            with suppress(OSError):  # a full disk ends the login early, and keeps nobody from looking
                self._write(name, msgspec.structs.replace(known, seen=now))
        csrf = hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()
        return Browser(id=name, csrf=csrf, read_only=known.read_only)

    def leave(self, browser: Browser) -> None:
        """Log this browser out."""
        (self._browsers / browser.id).unlink(missing_ok=True)

    def leave_all(self) -> int:
        """Log every browser out, and make every link void; how many browsers there were."""
        count = 0
        for folder in (self._browsers, self._links):
            for path in _files(folder):
                path.unlink(missing_ok=True)
                count += folder is self._browsers
        return count

    def _write(self, name: str, known: _Known) -> None:
        with whole_file(self._browsers / name) as file:
            file.write(msgspec.json.encode(known))


def _name(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _files(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []


def _tidy(folder: Path, old: Callable[[Path], bool]) -> None:
    """Remove what is old, and the oldest beyond MOST."""
    kept = []
    for path in _files(folder):
        try:
            if old(path):
                path.unlink(missing_ok=True)
            else:
                kept.append((path.stat().st_mtime, path))
        except FileNotFoundError:
            continue
    for _, path in sorted(kept)[: max(0, len(kept) - MOST + 1)]:
        path.unlink(missing_ok=True)


def _storage(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"Cannot use {path}.", error.strerror or str(error), "Free space or mend permissions."
    )
