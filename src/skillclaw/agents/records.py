"""What the adapters take and give: the user's surroundings, file edits, histories, findings."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from skillclaw.agents.texts import Format, Key
from skillclaw.errors import StorageError
from skillclaw.settings import user_home
from skillclaw.trajectory.model import Record, Trajectory
from skillclaw.utf8 import without_halves

__all__ = [
    "Adapter",
    "AtifItem",
    "ConnectPlan",
    "Connection",
    "Detection",
    "Env",
    "FileEdit",
    "Finding",
    "HistoryFile",
    "HistoryRead",
    "KeyChange",
    "Launch",
    "Surroundings",
    "WrittenFile",
    "is_folder",
    "located",
    "placed",
    "possible",
    "replace_pending",
]

MAX_CONFIG = 16 * 1024 * 1024
"""Bytes that a settings file may have; a larger one is not a settings file."""


class Env(Record, frozen=True, kw_only=True):
    """The user's surroundings, given by value so that nothing reads the process's own by accident.

    home, cwd  absolute folders; environ: environment variables
    pending    contents that files are about to have (None: no such file), seen by `read_bytes` instead of
               what is on disk, so that a change can be planned on top of another
    located    told of each variable that is set and says where an agent's files are, with what it says
    """

    home: Path
    environ: Mapping[str, str]
    cwd: Path
    pending: Mapping[Path, bytes | None] = {}
    located: Callable[[str, str], object] | None = None

    @classmethod
    def current(cls) -> Env:
        """The surroundings of this process; a deleted working folder counts as the home folder."""
        home = user_home()
        try:
            cwd = Path.cwd()
        except OSError:
            cwd = home
        return cls(home=home, environ=dict(os.environ), cwd=cwd)

    def folder(self, variable: str, default: str) -> Path:
        """The folder that the environment variable names, else `default` below the home folder."""
        given = self.environ.get(variable, "").strip()
        if not given:
            return self.home / default
        path = self.told(given)
        return self.placed_by(variable, self.cwd / path)

    def placed_by(self, variable: str, path: Path) -> Path:
        """`path`, where the environment variable says, resolved, that an agent's files are."""
        if self.located is not None:
            self.located(variable, str(path))
        return path

    def place_name(self, variable: str) -> str:
        """The name by which the environment variable says where files are; empty for none."""
        given = self.environ.get(variable, "").strip()
        if given and self.located is not None:
            self.located(variable, given)
        return given

    def told(self, text: str) -> Path:
        """The path that a setting tells: `~/` begins in the home folder."""
        text = possible(text)
        return self.home / text[2:] if text.startswith("~/") else Path(text)

    @property
    def skillclaw_home(self) -> Path:
        """SkillClaw's own folder, whose sessions are never mined."""
        given = self.environ.get("SKILLCLAW_HOME", "").strip()
        return self.cwd / self.told(given) if given else self.home / ".skillclaw"

    def is_own(self, cwd: str) -> bool:
        """Whether a session that worked in the folder `cwd`, as its agent wrote it, is SkillClaw's own: in
        SkillClaw's folder or below it. One that names no folder is not."""
        own, at = (os.path.normcase(folder) for folder in (self.skillclaw_home, cwd))
        return at == own or at.startswith((f"{own}/", f"{own}\\"))

    def which(self, program: str) -> str | None:
        """The full path of a program on this environment's PATH, or None."""
        return shutil.which(program, path=self.environ.get("PATH", os.defpath))

    def read_bytes(self, path: Path) -> bytes | None:
        """The content of a settings file, None when there is none; raises StorageError."""
        if path in self.pending:
            return self.pending[path]
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                # A pipe would make this wait, and its content is not to be replaced.
                why = "It is a folder, a pipe or a device."
                raise StorageError(f"{path} is no plain file.", why, "Make it one, or use: skillclaw run")
            if status.st_size > MAX_CONFIG:
                raise StorageError(f"{path} is too large for a settings file.", "", "Look into the file.")
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except ValueError as error:  # a NUL in a path that some setting tells
            raise StorageError(f"Cannot read {str(path)!a}.", str(error), "Mend the path.") from error
        except OSError as error:
            raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error


def possible(text: str) -> str:
    """A name or path that a setting tells, as paths can be: without a NUL and halves of characters."""
    text = text.replace("\0", "")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return str(without_halves(text))
    return text


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a path that the system cannot have, which a setting may tell, is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


class Detection(Record, frozen=True, kw_only=True):
    """An agent as found. `config` is the file that `connect` changes; `sessions` counts histories on disk."""

    installed: bool
    version: str | None = None
    config: Path | None = None
    sessions: int = 0


class KeyChange(Record, frozen=True, kw_only=True):
    """One key that SkillClaw set in a settings file: where, what it was, what it became.

    `had` is False when the key was not there; then `old` means nothing. `made`: how many of the objects
    around it were made for it, and go with it. `item`: `new` was added to the list at the key.
    """

    keys: list[Key]
    new: Any
    had: bool = False
    old: Any = None
    made: int = 0
    item: bool = False


class FileEdit(Record, frozen=True, kw_only=True):
    """A file's content before and after; None stands for no file. `changes` are the keys that it sets.
    `folders`: how many of the folders above it go with it, where they are empty then."""

    path: Path
    before: bytes | None
    after: bytes | None
    format: Format = "json"
    changes: list[KeyChange] = []
    folders: int = 0


class ConnectPlan(Record, frozen=True, kw_only=True):
    """How to wire an agent up. `upstream` is a base URL of the user's own that was replaced, else None."""

    edits: list[FileEdit]
    upstream: str | None = None
    notes: list[str] = []


class WrittenFile(Record, frozen=True, kw_only=True):
    """A settings file that SkillClaw changed.

    backup   name of the copy of the original in `backups/`; None when there was no file
    written  SHA-256 of the bytes that SkillClaw wrote
    stood    SHA-256 of the bytes that stood there before that: the original's, or what an earlier connection
             wrote; a crash may have left them
    folders  how many of the folders above it were made for it
    original the backup's bytes, loaded with the record and not stored in it
    """

    path: str
    format: Format
    written: str
    stood: str = ""
    folders: int = 0
    backup: str | None = None
    changes: list[KeyChange] = []
    original: bytes | None = None


class Connection(Record, frozen=True, kw_only=True):
    """A connected agent: the URL it was given, its own upstream if it had one, the files changed."""

    agent: str
    base_url: str
    upstream: str | None = None
    files: list[WrittenFile] = []
    since: str = ""


class Surroundings(Record, frozen=True, kw_only=True):
    """What the environment told when an agent was connected, and need not tell in another one.

    upstream  the base URL that it gave; empty where it gave none
    settings  the one that the agent's settings alone named then; empty for none
    places    the variables that said where the agent's files are
    """

    upstream: str = ""
    settings: str = ""
    places: dict[str, str] = {}


class HistoryFile(Record, frozen=True, kw_only=True):
    """The history of one session. Size in bytes and mtime (Unix seconds) cover its sub-agents' files.

    session: the agent's full id of the session where one file holds many (a database); size and mtime are
    then the session's own as far as the file tells them: what changes when the session grows.
    """

    path: Path
    size: int
    mtime: float
    session: str = ""

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.path}#{self.session}" if self.session else str(self.path)


class HistoryRead(Record, frozen=True, kw_only=True):
    """A history as read; `skipped` counts what was left out, by reason."""

    trajectory: Trajectory | None
    skipped: dict[str, int] = {}


class AtifItem(Record, frozen=True, kw_only=True):
    """One document of an ATIF file, or why it is none. `line` counts from 1 (array: position)."""

    trajectory: Trajectory | None
    line: int
    reason: str = ""


class Launch(Record, frozen=True, kw_only=True):
    """How to start an agent through the proxy: argv and what to add to the environment."""

    argv: list[str]
    env: dict[str, str] = {}


class Finding(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One result of `doctor`; `mend` says what to do about it."""

    level: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    mend: str = ""


@runtime_checkable
class Adapter(Protocol):
    """One agent platform. `agents.platform.Platform` does most of it for agents with a settings file.

    To add one, put a module in this folder (or an entry point of group `skillclaw.agents`) with an object of
    this shape under the name `ADAPTER`. Methods raise SkillClawError only, and touch no file but through
    the edits that they return.
    """

    @property
    def name(self) -> str:
        """The agent's name: the proxy's URL prefix and the name in commands."""

    @property
    def title(self) -> str:
        """The name for people."""

    @property
    def default_upstream(self) -> str:
        """Base URL of the provider when the user has set none; the agent adds paths such as /v1/messages."""

    def upstream(self, env: Env) -> str:
        """The base URL that the agent's own settings lead to now, never SkillClaw's own."""

    def detect(self, env: Env, versions: bool) -> Detection:
        """Is it here? `versions` may start the program; without it only files are looked at."""

    def connect(self, env: Env, base_url: str, token: str = "") -> ConnectPlan:
        """The edits that point the agent at `base_url`; BadInputError for settings that do not parse.

        `token` is what it must send as its key (configured mode); empty: its own login or key stays.
        """

    def disconnect(self, env: Env, record: Connection) -> list[FileEdit]:
        """The edits that put back what `connect` changed, and nothing that the user changed since."""

    def doctor(self, env: Env, base_url: str | None) -> list[Finding]:
        """What is right and wrong with the agent; `base_url` is None when it is not connected."""

    def launch(self, env: Env, base_url: str, args: Sequence[str], token: str = "") -> Launch:
        """Start it through the proxy without touching a file; a token never goes into `argv`."""

    def skills(self, env: Env) -> list[Path]:
        """The folders of the user's skills that it reads. Where neither of the two that most agents share is
        among them, SkillClaw installs into the first."""

    def learned(self, env: Env) -> list[Path]:
        """The folders of skills that the agent wrote by itself, not the user and not SkillClaw."""

    def histories(self, env: Env) -> list[HistoryFile]:
        """Its main sessions on disk, oldest first; unreadable folders are left out."""

    def histories_in(self, path: Path, env: Env) -> list[HistoryFile]:
        """The sessions in one file that `recognises` knows."""

    def read_history(self, file: HistoryFile, env: Env) -> HistoryRead:
        """One session with its sub-agents; BadInputError when the file is no history of this agent."""

    def recognises(self, path: Path, values: Sequence[Any]) -> bool:
        """Whether a file is a history of this agent. `values`: what its first lines hold as JSON (or its one
        document); empty for a database, whose tables may be looked at. Never raises."""


def replace_pending(env: Env, pending: Mapping[Path, bytes | None]) -> Env:
    """The same surroundings, with files that will have other contents."""
    return msgspec.structs.replace(env, pending={**env.pending, **pending})


def located(env: Env, places: dict[str, str]) -> Env:
    """The same surroundings, which put into `places` the variables that say where files are."""
    return msgspec.structs.replace(env, located=places.__setitem__)


def placed(env: Env, places: Mapping[str, str]) -> Env:
    """The same surroundings, with those variables that are not set and whose folder is still there."""
    lacking = {
        name: value
        for name, value in places.items()
        if not env.environ.get(name, "").strip() and (not Path(value).is_absolute() or Path(value).exists())
    }
    return msgspec.structs.replace(env, environ={**env.environ, **lacking}) if lacking else env
