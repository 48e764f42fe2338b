"""Skills that lie in the agents' folders already: made by people, hosts or other programs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.library.folders import from_folder
from skillclaw.skills import frontmatter
from skillclaw.skills.records import Bundle
from skillclaw.trajectory.model import Record

__all__ = ["Foreign", "foreign_skills"]

_MAX_SKILLS = 2000


class Foreign(Record, frozen=True, kw_only=True):
    """One skill found in a folder; `name` is its folder's, `description` its frontmatter's."""

    name: str
    description: str
    bundle: Bundle
    path: str


def foreign_skills(targets: Iterable[Path]) -> list[Foreign]:
    """The skills in `targets`, one level deep, sorted by place; what cannot be read is left out.

    Links are not followed (what they point to inside the targets is found itself), hidden folders are not
    looked into. Whose they are is not known here: leave out the names of the hub's own skills.
    """
    found: dict[str, Foreign] = {}
    for target in targets:
        for folder in _folders(target):
            skill = _read(folder)
            if skill is not None:
                found.setdefault(os.path.realpath(folder), skill)
            if len(found) == _MAX_SKILLS:
                return list(found.values())
    return list(found.values())


def _folders(target: Path) -> list[Path]:
    try:
        with os.scandir(target) as entries:
            return sorted(
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []


def _read(folder: Path) -> Foreign | None:
    try:
        if not stat.S_ISREG((folder / "SKILL.md").lstat().st_mode):
            return None
        bundle = from_folder(folder, folder.name)
        text = next(file.data for file in bundle.files if file.path == "SKILL.md").decode("utf-8")
    except (OSError, BadInputError, UnicodeDecodeError, StopIteration, RecursionError):
        return None
    try:
        description = frontmatter.parse(text)[0].description
    except BadInputError:
        description = ""
    return Foreign(name=folder.name, description=description, bundle=bundle, path=str(folder))
