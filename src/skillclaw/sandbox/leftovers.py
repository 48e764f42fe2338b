"""Folders that untrusted programs have written: copied and removed by the host, which opens nothing in them.

What may lie there: links to anywhere, pipes, folders that may not be entered, folders ten thousand deep.
`TemporaryDirectory` is not used for these: it recurses, and in some versions of Python it changes the
permissions of what a link in it leads to (CVE-2023-6597).
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skillclaw.errors import BadInputError, StorageError

__all__ = ["copy", "read", "remove", "scratch"]


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """An empty folder of this user alone, which is removed at the end whatever is in it.

    Raises StorageError when it cannot be made.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
    except OSError as error:
        raise StorageError("A temporary folder cannot be made.", str(error), "Free space.") from error
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove `folder` with all that is in it, as far as that is possible; no link is followed."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if os.path.lexists(folder):
        with suppress(OSError):
            _run("chmod", "-R", "u+rwX", "--", str(folder))
            _run("rm", "-rf", "--", str(folder))


def copy(source: Path, target: Path) -> None:
    """Copy the folder `source` to `target`, links and pipes as such.

    Raises BadInputError for a folder that cannot be copied for what is in it, StorageError where the disk
    refuses.
    """
    failed = _run("cp", "-a", "--", str(source), str(target))
    if failed:
        # What its owner may not read is made readable; that alone changes in the source.
        _run("chmod", "-R", "u+rX", "--", str(source))
        remove(target)
        failed = _run("cp", "-a", "--", str(source), str(target))
    if failed:
        reason = failed.splitlines()[0][:300]
        if "No space left" in failed or "quota" in failed:
            raise StorageError("The workspace cannot be copied.", reason, "Free space.")
        raise BadInputError("The workspace cannot be copied.", reason)


def read(path: Path, most: int) -> bytes:
    """A file that a program may have put there: only a plain one, and `most` bytes of it. Raises OSError."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(f"{path} is no plain file")
        return file.read(most)


def _run(*line: str) -> str:
    """What the program complained of; empty when all went well."""
    done = subprocess.run(line, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    said = done.stderr.decode("utf-8", "replace").strip()
    return "" if done.returncode == 0 else said or f"{line[0]} ended with exit code {done.returncode}"
