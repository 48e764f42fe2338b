"""Skills that agents wrote by themselves, as found in their folders: read whole, or not at all and why."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.library.folders import from_folder
from skillclaw.skills.bundle import version
from skillclaw.skills.portable import portable
from skillclaw.skills.records import Bundle
from skillclaw.trajectory.model import Record

__all__ = ["Broken", "Learned", "read_learned"]


class Learned(Record, frozen=True, kw_only=True):
    """A skill as its agent keeps it.

    original  its files as they are; bundle: as they would be shared (`skills.portable`)
    content   the version of `bundle`, by which copies of other agents and machines are known to be the same
    """

    agent: str
    folder: str
    original: Bundle
    bundle: Bundle
    content: str

    @property
    def name(self) -> str:
        """Its name as it would be shared."""
        return self.bundle.name


class Broken(Record, frozen=True, kw_only=True):
    """A folder that an agent says is a skill of its own and is none, with the reason for the user."""

    agent: str
    folder: str
    reason: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return Path(self.folder).name


def read_learned(agent: str, folder: Path, *, most_files: int, most_bytes: int) -> Learned | Broken:
    """The skill in `folder`. Links are not followed, neither the folder itself nor anything in it."""
    shown = plain_path(folder)
    try:
        _look(folder)
        original = from_folder(folder, folder.name, most_files=most_files, most_bytes=most_bytes)
        bundle = portable(original)
    except BadInputError as error:
        reason = f"{error.what} {error.why}".strip()
    except FileNotFoundError:
        reason = "It is gone."
    except OSError as error:
        reason = f"It cannot be read: {error.strerror or error}."
    except RecursionError:
        reason = "Its folders are nested too deep."
    else:
        return Learned(agent=agent, folder=shown, original=original, bundle=bundle, content=version(bundle))
    return Broken(agent=agent, folder=shown, reason=plain_path(reason))


def _look(folder: Path) -> None:
    mode = folder.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise BadInputError("It is a link, and links are not followed.")
    if not stat.S_ISDIR(mode):
        raise BadInputError("It is not a folder.")
    try:
        main = (folder / "SKILL.md").lstat().st_mode
    except FileNotFoundError as error:
        raise BadInputError("There is no SKILL.md in it.") from error
    if not stat.S_ISREG(main):
        raise BadInputError("Its SKILL.md is not a regular file.")


def plain_path(path: Path | str) -> str:
    """`path` as text that can be written anywhere: bytes that are no UTF-8 become question marks."""
    return os.fspath(path).encode("utf-8", "replace").decode("utf-8")
