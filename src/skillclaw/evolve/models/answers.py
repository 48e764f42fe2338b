"""Recorded answers of models: one file each, named by a hash of all that was asked.

Kept in `<home>/evolve/models/`, readable by the owner alone, so that a question that was answered once costs
nothing again. A record holds the answer and what it cost, never the question. An answer may still quote
sessions: forgetting one deletes all of them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from skillclaw.errors import StorageError
from skillclaw.private import private_folder, whole_file
from skillclaw.sandbox import leftovers
from skillclaw.trajectory.model import Record

__all__ = ["Answers", "Recorded", "SharedAnswers", "answers_folder", "forget_answers"]

MOST_BYTES = 256 << 20
MOST_DAYS = 90.0
"""What is kept: the newest records up to this size, none that was not used for this long."""
LARGEST = 8 << 20
"""Bytes of a record; a larger one is no answer to a question of ours."""
MARK = "forgotten"
"""A digest of the sessions that were forgotten when the records were made."""
_NAME = re.compile(r"[0-9a-f]{64}\.json")


class Recorded(Record, frozen=True, kw_only=True):
    """One answer. `model` is "provider:name", `response` the message as pydantic-ai writes it to JSON."""

    model: str
    stage: str
    tokens_in: int = 0
    tokens_out: int = 0
    response: dict[str, Any]


def answers_folder(home: Path) -> Path:
    """Where the records of a home lie."""
    return home / "evolve" / "models"


def forget_answers(home: Path) -> None:
    """Delete all records of a home: any may quote a session that was forgotten. Raises StorageError."""
    folder = answers_folder(home)
    try:
        if folder.is_symlink():
            for path in folder.glob("*"):
                path.unlink()
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            f"Cannot delete {folder}.", str(error), "Delete it yourself: it holds parts of sessions."
        ) from error


def check_forgotten(home: Path, forgotten: Collection[str]) -> None:
    """Delete the records where more or other sessions are forgotten than when they were made. StorageError.

    To be called before they are read: the machine that forgets a session may not be the one that evolves.
    """
    folder = answers_folder(home)
    if not folder.is_dir():
        return
    mark = folder / MARK
    now = hashlib.sha256("\0".join(sorted(forgotten)).encode()).hexdigest()
    try:
        known = mark.read_text("ascii") if mark.exists() else hashlib.sha256(b"").hexdigest()
        if known == now:
            return
        forget_answers(home)
        private_folder(folder)
        with whole_file(mark) as file:
            file.write(now.encode())
    except (OSError, UnicodeError) as error:
        raise StorageError(
            f"Cannot read {mark}.", str(error), f"Delete {folder}: models are then asked anew."
        ) from error


class SharedAnswers(Protocol):
    """Records that the machines of a group's evolvers share, by the hash of the question. It raises nothing:
    where it cannot be reached, it has none, and keeps none."""

    def get(self, key: str) -> bytes | None:
        """The bytes of a record, as another machine kept it."""

    def put(self, key: str, data: bytes) -> None:
        """Keep a record for others."""

    def drop(self, keys: Iterable[str]) -> None:
        """Keep these no longer."""


class Answers:
    """The records of a home, and the folders of `--record` and `--replay`.

    With `replay` nothing is read from elsewhere and nothing is kept; `record` gets a copy of each record that
    was used. `home` None keeps nothing. What is not in the home is looked for in `shared`.
    """

    def __init__(
        self,
        home: Path | None,
        *,
        replay: Path | None = None,
        record: Path | None = None,
        shared: SharedAnswers | None = None,
    ) -> None:
        self._shared = shared if home is not None and replay is None else None
        self._folder = answers_folder(home) if home is not None and replay is None else None
        self._read_from = replay or self._folder
        self._record = record
        self._pruned = False

    def get(self, key: str) -> Recorded | None:
        """The answer to the question with this hash. One that cannot be read counts as none."""
        if self._read_from is None:
            return None
        return self._here(key, self._read_from / f"{key}.json") or self._elsewhere(key)

    def _elsewhere(self, key: str) -> Recorded | None:
        data = self._shared.get(key) if self._shared is not None else None
        if data is None or self._folder is None or len(data) > LARGEST:
            return None
        try:
            found = msgspec.json.decode(data, type=Recorded)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return None
        self._keep(key, data)
        return found

    def _here(self, key: str, path: Path) -> Recorded | None:
        try:
            # A folder of `--replay` may be anybody's: no link, pipe or device in it is opened.
            data = leftovers.read(path, LARGEST + 1)
            if len(data) > LARGEST:
                return None
            found = msgspec.json.decode(data, type=Recorded)
            if self._folder is not None:
                path.touch()  # the age that counts is that of its last use
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeError):
            return None
        self._copy(key, data)
        return found

    def put(self, key: str, answer: Recorded) -> None:
        """Keep an answer. Raises StorageError."""
        data = msgspec.json.encode(answer)
        self._keep(key, data)
        if self._shared is not None:
            self._shared.put(key, data)

    def _keep(self, key: str, data: bytes) -> None:
        if self._folder is not None:
            _write(self._folder, key, data)
            if not self._pruned:
                self._pruned = True
                prune(self._folder)
        self._copy(key, data)

    def drop(self, keys: Iterable[str]) -> None:
        """Do not answer so again: these led nowhere. A folder of `--record` keeps them."""
        if self._folder is not None:
            dropped = list(keys)
            for key in dropped:
                (self._folder / f"{key}.json").unlink(missing_ok=True)
            if self._shared is not None:
                self._shared.drop(dropped)

    def _copy(self, key: str, data: bytes) -> None:
        if self._record is not None and self._record != self._read_from:
            _write(self._record, key, data, own=False)


def prune(folder: Path, *, most_bytes: int = MOST_BYTES, most_days: float = MOST_DAYS) -> None:
    """Delete the records that are too old, and the oldest of those that are too much."""
    found = []
    for path in folder.iterdir():
        try:
            if _NAME.fullmatch(path.name):
                facts = path.lstat()
                found.append((facts.st_mtime, facts.st_size, path))
        except OSError:
            continue
    room, oldest = most_bytes, time.time() - most_days * 86400
    for used, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 or used < oldest:
            path.unlink(missing_ok=True)


def _write(folder: Path, key: str, data: bytes, *, own: bool = True) -> None:
    """`own`: a folder of SkillClaw's, which others may not enter; a user's own stays as it is."""
    try:
        if own:
            private_folder(folder)
        else:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(folder / f"{key}.json") as file:
            file.write(data)
    except OSError as error:
        raise StorageError(
            f"Cannot keep a model's answer in {folder}.", str(error), "Free space or mend permissions."
        ) from error
