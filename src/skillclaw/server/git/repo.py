"""A folder's git repository as an export writes it: one branch, by plumbing, with nothing of the user's
settings, no hook, no filter, no prompt, no network, and no shell.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from skillclaw.errors import BadInputError, BusyError, SkillClawError, StorageError, UsageError
from skillclaw.limits import SIZES
from skillclaw.private import whole_file

if TYPE_CHECKING:
    from skillclaw.server.git.story import Change

__all__ = ["Repository"]

WHO = b"SkillClaw <skillclaw@localhost>"
"""Author and committer of every commit, on every machine: commit ids depend on it."""
NEW = "refs/skillclaw/export"
"""Where the history is built, before the branch moves to it."""
MAKING = ".skillclaw-new-"
"""How a folder begins in which a repository is made, to be moved into its place when it is whole."""
UNDER_WAY = "skillclaw-checkout"
"""A file in the git folder while the working tree is being changed: what is half done then is ours."""
KEPT = b"fast-import"
"""What git writes into the file by which it holds a pack that is not named by anything yet."""
SECONDS = 600.0
"""That one call of git may take."""
SETTINGS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null"),
    *("core.autocrlf=false", "core.excludesFile=/dev/null", "core.protectHFS=true", "core.protectNTFS=true"),
    *("core.fsync=committed", "gc.auto=0", "protocol.allow=never", "init.defaultBranch=main"),
    *("init.templateDir=", "fastimport.unpackLimit=0", "core.pager=cat", "core.precomposeUnicode=false"),
)
ATTRIBUTES = b"* -text -eol -filter -ident -working-tree-encoding\n"
"""Files lie in the folder byte for byte as released, whatever a `.gitattributes` in a skill says."""
ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
    "LC_ALL": "C",
    "TZ": "UTC",
}


class Repository:
    """The repository in `folder`, made where there is none; a folder with other things in it is refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.place = self.folder / ".git"

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make the repository where it is not there, and keep other exports out while the block runs."""
        from filelock import FileLock, Timeout

        try:
            self._make()
            lock = FileLock(self.place / "skillclaw.lock", timeout=0, mode=0o600)
            lock.acquire()
        except Timeout as error:
            raise BusyError(
                f"Another export writes to {self.folder}.", "Only one may at a time.", "Wait for it."
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot write {self.folder}.", str(error), "Free space, mend permissions, or take another."
            ) from error
        try:
            for left in self.folder.glob(f"{MAKING}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield
        finally:
            lock.release()

    def _make(self) -> None:
        there = self.folder.iterdir() if self.folder.exists() else ()
        names = {one.name for one in there if not one.name.startswith(MAKING)}
        if ".git" in names:
            whole = all((self.place / one).exists() for one in ("HEAD", "config", "objects", "refs"))
            if self.place.is_dir() and (whole or names != {".git"}):
                return
            if not self.place.is_dir():
                raise UsageError(
                    f"{self.folder} is part of another repository.",
                    "Its .git is a file, as in a submodule or a linked working tree.",
                    "Choose a folder of its own.",
                )
        elif names:
            raise UsageError(
                f"{self.folder} is not a git repository, and not empty.",
                "An export would mix with what is there.",
                "Choose a new or an empty folder.",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        if ".git" in names:  # half made, by a version that made it in its place
            self._run("init", "-q", str(self.folder), inside=False)
            return
        aside = Path(tempfile.mkdtemp(prefix=MAKING, dir=self.folder))
        try:
            self._run("init", "-q", str(aside), inside=False)
            (aside / ".git").rename(self.place)
        except (OSError, BadInputError):
            if not (self.place / "HEAD").exists():
                raise
            # another export made it in this moment
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def branch(self) -> str:
        """The branch that is checked out (a full ref); UsageError where the repository is not fit for it."""
        if self._run("rev-parse", "--is-bare-repository") != "false":
            raise UsageError(f"{self.folder} holds a bare repository.", "", "Choose another folder.")
        name = self._asked("symbolic-ref", "-q", "HEAD")
        if not name:
            raise UsageError(
                f"No branch is checked out in {self.folder}.",
                "The export goes to the branch that is.",
                f"Say: git -C {self.folder} switch main",
            )
        return name

    def tip(self, ref: str) -> str | None:
        """The commit at `ref`; None where there is none."""
        return self._asked("rev-parse", "-q", "--verify", f"{ref}^{{commit}}") or None

    def made_here(self, commit: str) -> bool:
        """Whether an export made this commit, by what it says of itself."""
        told = self._run("cat-file", "commit", commit).split("\n\n", 1)[0]
        return f"\ncommitter {WHO.decode()} " in told

    def build(self, changes: Iterable[Change]) -> tuple[str | None, int]:
        """Write all changes as commits, without moving the branch; the last one's id, and how many there are.
        What is there already is not written twice. Cut off, it leaves the repository as it was."""
        self._drop_keeps()
        line = self._line("fast-import", "--quiet", "--done", "--force", "--date-format=raw")
        try:
            child = subprocess.Popen(
                line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environ()
            )
        except OSError as error:
            raise _no_git(error) from error
        count, broken = 0, False
        assert child.stdin is not None
        try:
            try:
                for count, change in enumerate(changes, 1):
                    _write(child.stdin, change, first=count == 1)
                child.stdin.write(b"done\n")
                child.stdin.flush()
            except BrokenPipeError:
                broken = True  # it ended first, and says why
            _, said = child.communicate(timeout=SECONDS)
        except BaseException:
            child.kill()
            child.communicate()
            raise
        if child.returncode or broken:
            raise self._failed(said, child.returncode)
        return (self.tip(NEW) if count else None), count

    def _drop_keeps(self) -> None:
        """Take away what an export that was cut off holds packs by: the same history gets the same pack's
        name again, which git refuses while that file is there. Those that a user made stay."""
        for one in (self.place / "objects" / "pack").glob("pack-*.keep"):
            try:
                text = one.read_bytes()
                if text == KEPT or (KEPT.startswith(text) and not one.with_suffix(".pack").exists()):
                    one.unlink()
            except OSError as error:
                raise StorageError(f"Cannot write {one}.", str(error), "Mend permissions.") from error

    def behind(self, old: str, new: str) -> int | None:
        """How many commits `new` is ahead of `old`; None where it does not come from it."""
        if self._code("merge-base", "--is-ancestor", old, new):
            return None
        return int(self._run("rev-list", "--count", f"{old}..{new}"))

    def check_clean(self) -> None:
        """UsageError where a file of the export was changed by hand, StorageError where git is at work."""
        if (self.place / UNDER_WAY).exists():
            return  # an export was cut off: what is half done is its own
        self._check_lock()
        told = (
            self._run("status", "--porcelain", "--untracked-files=no", "-z").replace("\0", "\n").split("\n")
        )
        if told and told[0]:
            raise UsageError(
                f"Files in {self.folder} were changed: {told[0][3:]}"
                + (f" and {len(told) - 1} more." if len(told) > 1 else "."),
                "An export would write over them.",
                f"Put them back (git -C {self.folder} checkout HEAD -- .), or commit them elsewhere.",
            )

    def _check_lock(self) -> None:
        if (self.place / "index.lock").exists():
            raise BusyError(
                f"Another git is at work in {self.folder}, or was cut off there.",
                "There is .git/index.lock.",
                "Wait for it; if none runs, delete that file.",
            )

    def move(self, branch: str, old: str | None, new: str) -> None:
        """Have the working tree and `branch` be at `new`; cut off amid it, the next call ends it."""
        resumed = (self.place / UNDER_WAY).exists()
        if resumed:
            (self.place / "index.lock").unlink(missing_ok=True)
            self._run("read-tree", "--reset", "-u", new)
        else:
            # tried without doing it: git refuses where a file of the user's own lies in the way
            given = [old, new] if old else [new]
            self._run("read-tree", "-m", "-n", "-u", *given)
            self._plain_files()
            with whole_file(self.place / UNDER_WAY) as file:
                file.write(f"{new}\n".encode())
            self._run("read-tree", "-m", "-u", *given)
        self._run("update-ref", "-m", "skillclaw skills export", branch, new, old or "0" * 40)
        (self.place / UNDER_WAY).unlink(missing_ok=True)

    def _plain_files(self) -> None:
        place = self.place / "info" / "attributes"
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            with whole_file(place) as file:
                file.write(ATTRIBUTES)

    @property
    def unfinished(self) -> bool:
        """Whether an export was cut off while it changed the working tree."""
        return (self.place / UNDER_WAY).exists()

    def forget_new(self) -> None:
        """Drop the ref under which the history was built."""
        self._asked("update-ref", "-d", NEW)

    def _line(self, *arguments: str, inside: bool = True) -> list[str]:
        where = [f"--git-dir={self.place}", f"--work-tree={self.folder}"] if inside else []
        return ["git", *where, *(part for one in SETTINGS for part in ("-c", one)), *arguments]

    def _done(self, *arguments: str, inside: bool = True) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                self._line(*arguments, inside=inside),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=_environ(),
                cwd=self.folder,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StorageError(f"git did not answer in {self.folder}.", str(error)) from error
        except OSError as error:
            raise _no_git(error) from error

    def _run(self, *arguments: str, inside: bool = True) -> str:
        done = self._done(*arguments, inside=inside)
        if done.returncode:
            raise self._failed(done.stderr, done.returncode)
        return done.stdout.decode("utf-8", "replace").strip("\n\0")

    def _asked(self, *arguments: str) -> str:
        done = self._done(*arguments)
        return "" if done.returncode else done.stdout.decode("utf-8", "replace").strip()

    def _code(self, *arguments: str) -> int:
        return self._done(*arguments).returncode

    def _failed(self, said: bytes, code: int) -> SkillClawError:
        if sys.platform != "win32" and code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):  # without a word
            return StorageError(f"git could not do it in {self.folder}.", os.strerror(errno.EFBIG), SIZES)
        text = " ".join(said.decode("utf-8", "replace").split())[:300]
        return BadInputError(
            f"git could not do it in {self.folder}.", text, "Mend that, or choose a new folder."
        )


def _environ() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    return {**ENVIRON, **kept}


def _no_git(error: OSError) -> StorageError:
    return StorageError("git cannot be run.", str(error), "Install git, or see that it is on the PATH.")


def _write(to: IO[bytes], change: Change, *, first: bool) -> None:
    """One commit in the language of `git fast-import`; paths are such as `skills.bundle` lets through, so
    that they need no quoting."""
    message = change.message.encode("utf-8", "replace")
    stamp = b"%s %d +0000\n" % (WHO, change.time)
    to.write(b"commit %s\nauthor %scommitter %s" % (NEW.encode(), stamp, stamp))
    to.write(b"data %d\n%s\n" % (len(message), message))
    if first:
        to.write(b"deleteall\n")
    for name, files in sorted(change.folders.items()):
        to.write(b"D %s\n" % name.encode())
        for path, (data, executable) in sorted((files or {}).items()):
            mode = b"100755" if executable else b"100644"
            to.write(b"M %s inline %s/%s\n" % (mode, name.encode(), path.encode()))
            to.write(b"data %d\n%s\n" % (len(data), data))
    to.write(b"\n")
