"""Repositories of this machine that a replay may take commits from: read with git, never worked in.

What is asked of git is told by options, not by the user's settings: no hook, no network, no prompt, no
credential, and nothing is written into the repository.
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from skillclaw.agents.repository import repository_of
from skillclaw.errors import UNREADABLE, BadInputError, StorageError
from skillclaw.trajectory.model import Record, SessionMeta

__all__ = ["Checkouts", "commits", "exported", "files_of", "known_commit", "read_checkouts"]

FILE = "projects.toml"
SECONDS = 60.0
"""That git may take for one thing."""
MOST_BYTES = 500_000_000
"""Of a commit's files."""
QUIET = (
    *("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never", "core.pager=cat"),
    *(
        "filter.lfs.smudge=",
        "filter.lfs.process=",
        "filter.lfs.required=false",
        "core.attributesFile=/dev/null",
    ),
)
ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "TZ": "UTC",
}


class _Projects(msgspec.Struct, forbid_unknown_fields=True):
    folders: tuple[str, ...] = ()


class Checkouts(Record, frozen=True, kw_only=True):
    """The user's repositories by remote (`host/path`), and by folder name those without one."""

    remotes: Mapping[str, str] = {}
    names: Mapping[str, str] = {}

    def of(self, session: SessionMeta) -> Path | None:
        """The repository that the session worked in; None where it is not one of them."""
        remote = session.env.get("git_remote", "")
        found = self.remotes.get(remote) if remote else self.names.get(session.project)
        return Path(found) if found else None


def read_checkouts(cases: Path, home: Path) -> Checkouts:
    """The repositories that `projects.toml` in the folder `cases` names; none without it.

    home  the user's home folder, for `~`. Raises BadInputError for a file that cannot be used.
    """
    path = cases / FILE
    try:
        told = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Projects)
    except FileNotFoundError:
        return Checkouts()
    except (OSError, *UNREADABLE) as error:
        raise BadInputError(
            f"{path} cannot be used.", f"{error}.", 'Write: folders = ["~/src/app", ...]'
        ) from error
    remotes: dict[str, str] = {}
    names: dict[str, str] = {}
    for given in told.folders:
        folder = home / given[2:] if given.startswith("~/") else Path(given)
        if not folder.is_absolute() or not (folder / ".git").exists():
            raise BadInputError(f"{path} names {given}.", "There is no git repository.", "Mend or remove it.")
        where = repository_of(str(folder), home)
        if where.remote:
            remotes[where.remote] = str(folder)
        elif where.name:
            names[where.name] = str(folder)
    return Checkouts(remotes=remotes, names=names)


def known_commit(repository: Path, name: str) -> str:
    """The whole id of the commit that `name` (an id or a branch) stands for; empty where there is none."""
    if not name or name.startswith("-") or any(char.isspace() or char in "~^:?*[\\@" for char in name):
        return ""
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except StorageError:
        return ""


def commits(repository: Path, tip: str, *, base: str = "") -> list[tuple[str, int]]:
    """Commits that `tip` comes from (and `base` does not), newest first, with their time (Unix seconds).

    Only first parents: what a branch brought in was not there while a session worked beside it.
    """
    span = [tip, *([f"^{base}"] if base else [])]
    out = _git(repository, "rev-list", "--first-parent", "--timestamp", "--max-count=5000", *span)
    rows = [line.split() for line in out.splitlines()]
    return [(row[1], int(row[0])) for row in rows if len(row) == 2]


def files_of(repository: Path, commit: str) -> list[str]:
    """The paths of all files of a commit."""
    out = _git(repository, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    return [path for path in out.split("\0") if path]


def exported(repository: Path, commit: str, folder: Path, only: Iterable[str] | None = None) -> None:
    """Put the files of `commit` (or `only` these) into the new folder `folder`: no history, no settings.

    Raises StorageError where git or the disk refuses, BadInputError for a commit that is too large.
    """
    listed = _git(repository, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split("\0")
    sizes = [part.split()[3] for part in listed if part.count(" ") >= 3]
    if sum(int(size) for size in sizes if size.isdigit()) > MOST_BYTES:
        raise BadInputError("The commit is too large for a replay.", f"It has more than {MOST_BYTES} bytes.")
    # Not `git archive`, which leaves out what a project keeps from its releases: tests, often.
    index = folder.with_name(f"{folder.name}.index")
    try:
        folder.mkdir(parents=True)
        environ = {"GIT_INDEX_FILE": str(index.absolute())}
        _git(repository, "read-tree", commit, environ=environ)
        put = ["checkout-index", "-f", f"--prefix={folder.absolute()}/"]
        if only is None:
            _git(repository, *put, "-a", environ=environ)
        else:
            given = "".join(f"{path}\0" for path in only).encode("utf-8", "surrogateescape")
            _git(repository, *put, "-z", "--stdin", environ=environ, stdin=given)
    except OSError as error:
        raise StorageError("The commit cannot be laid out.", str(error)) from error
    finally:
        index.unlink(missing_ok=True)


def _git(
    repository: Path, *arguments: str, environ: Mapping[str, str] = {}, stdin: bytes | None = None
) -> str:
    options = [part for setting in QUIET for part in ("-c", setting)]
    line = ["git", "-C", str(repository), *options, *arguments]
    given = {**ENVIRON, "PATH": os.environ.get("PATH", os.defpath), **environ}
    try:
        done = subprocess.run(
            line, input=stdin or b"", capture_output=True, env=given, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError(f"git could not read {repository}.", str(error)) from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise StorageError(f"git could not read {repository}.", said)
    return done.stdout.decode("utf-8", "surrogateescape").strip("\n")
