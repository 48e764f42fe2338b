"""The repository that a working folder is in, as its own files on this machine tell."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from skillclaw.trajectory.model import Record
from skillclaw.trajectory.projects import is_home, path_of, remote_name

__all__ = ["Repository", "repository_of"]

DEEPEST = 32
"""Folders looked at, from the working folder upwards."""
LARGEST = 256_000
"""Bytes read of a file of git's."""

_SECTION = re.compile(r'\[\s*remote\s+"(?P<name>[^"\n]{1,200})"\s*\]')
_URL = re.compile(r"\s*url\s*=\s*(?P<url>[^\n]*)", re.IGNORECASE)


class Repository(Record, frozen=True, kw_only=True):
    """`name`: that of its folder, or of the working folder where there is none; empty for a home folder.
    `remote`: where it is cloned from, as `remote_name` gives it; empty where it has none that others know."""

    name: str = ""
    remote: str = ""


def repository_of(cwd: str, home: Path) -> Repository:
    """What is known of the project at `cwd`, a path as an agent wrote it, maybe of another machine.

    Only git's own files are read, and of them names and URLs alone; nothing is run. Never raises.
    """
    if not cwd or "\0" in cwd or cwd.rstrip("/\\") == str(home) or is_home(cwd):
        return Repository()
    pure = path_of(cwd)
    plain = Repository(name=pure.name[:200])
    here = Path(str(pure))
    # A network path is not asked: looking there can take seconds.
    if not here.is_absolute() or str(pure).startswith(("\\\\", "//")):
        return plain
    try:
        for folder in (here, *here.parents)[:DEEPEST]:
            if folder == home:
                break
            if (folder / ".git").exists():
                return Repository(name=folder.name[:200], remote=_remote(folder / ".git"))
    except (OSError, ValueError):
        pass
    return plain


def _remote(git: Path) -> str:
    """The remote `origin`, else the first that has a name others know."""
    if git.is_file():
        # A work tree or a submodule: a line says where its folder is, and that may name the repository's own.
        git = git.parent / _text(git).partition("gitdir:")[2].strip()
        git /= _text(git / "commondir").strip() or "."
    remotes: dict[str, str] = {}
    section = ""
    for line in _text(git / "config").splitlines():
        if line.lstrip().startswith("["):
            found = _SECTION.match(line.lstrip())
            section = found["name"] if found else ""
        elif section and (told := _URL.match(line)) and (name := remote_name(told["url"].strip('" \t'))):
            remotes.setdefault(section, name)
    return remotes.get("origin") or next(iter(remotes.values()), "")


def _text(path: Path) -> str:
    """The begin of a plain file; empty where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return ""
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ""
        return file.read(LARGEST).decode("utf-8", "replace")
