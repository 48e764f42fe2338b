"""Results of replays, kept so that the same proposal on the same cases costs nothing again.

They lie with the models' recorded answers, readable by the owner alone, and go with them when a session is
forgotten. A result holds scores and hashes, no word of a session.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from skillclaw.errors import StorageError
from skillclaw.evolve.models.answers import answers_folder
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.private import private_folder, whole_file
from skillclaw.sandbox import leftovers

__all__ = ["Remembered"]

MOST = 500
"""Results kept, the newest first."""
LARGEST = 1 << 20
_OWN = re.compile(r"replay-[0-9a-f]{16}-[0-9a-f]{16}\.json")


class Remembered:
    """The results of one evolver's home."""

    def __init__(self, home: Path) -> None:
        self._folder = answers_folder(home)

    def get(self, proposal: str, asked: list[object]) -> ReplayResult | None:
        """What was found of a proposal when the same was asked; what cannot be read counts as nothing."""
        return self._read(self._folder / self._name(proposal, asked), proposal)

    def last(self, proposal: str) -> ReplayResult | None:
        """The newest result of a proposal."""
        try:
            found = sorted(
                self._folder.glob(f"replay-{_short(proposal)}-*.json"), key=lambda path: path.lstat().st_mtime
            )
        except OSError:
            return None
        return self._read(found[-1], proposal) if found else None

    def put(self, result: ReplayResult, asked: list[object]) -> None:
        """Keep a result. Raises StorageError."""
        try:
            private_folder(self._folder)
            with whole_file(self._folder / self._name(result.proposal, asked)) as file:
                file.write(msgspec.json.encode(result))
            own = [path for path in self._folder.iterdir() if _OWN.fullmatch(path.name)]
            own.sort(key=lambda path: (path.lstat().st_mtime, path.name))
            for path in own[:-MOST]:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"Cannot keep a replay's result in {self._folder}.",
                str(error),
                "Free space or mend permissions.",
            ) from error

    @staticmethod
    def _name(proposal: str, asked: list[object]) -> str:
        digest = hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()
        return f"replay-{_short(proposal)}-{digest[:16]}.json"

    @staticmethod
    def _read(path: Path, proposal: str) -> ReplayResult | None:
        try:
            data = leftovers.read(path, LARGEST + 1)
            found = msgspec.json.decode(data, type=ReplayResult) if len(data) <= LARGEST else None
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeError):
            return None
        return found if found is not None and found.proposal == proposal else None


def _short(proposal: str) -> str:
    return hashlib.sha256(proposal.encode("utf-8", "replace")).hexdigest()[:16]
