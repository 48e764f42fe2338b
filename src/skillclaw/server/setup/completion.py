"""What `--install-completion` wrote for the user's shells, and how to take it out again.

Typer writes it, and keeps no note of it: our own are known by their names and by the variable that each of
them sets. The start files of shells are the user's, so that nothing but Typer's very line goes from them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from skillclaw.agents.edits import write_atomic
from skillclaw.errors import StorageError, in_one_line

__all__ = ["installed", "take_out"]

MARK = b"SKILLCLAW_COMPLETE"
"""The variable by which a shell asks the program for its words."""
FILES = (
    ".bash_completions/skillclaw.sh",
    ".bash_completions/python -m skillclaw.sh",
    ".zfunc/_skillclaw",
    ".zfunc/_python -m skillclaw",
    ".config/fish/completions/skillclaw.fish",
    ".config/fish/completions/python -m skillclaw.fish",
)
ZSH = b"fpath+=~/.zfunc; autoload -Uz compinit; compinit"
MENU = b"\n\nzstyle ':completion:*' menu select"
"""Comes with the line above where the user had set no style."""


def installed(user_home: Path) -> list[Path]:
    """The files that are there, and are ours."""
    return [path for name in FILES if _ours(path := user_home / name)]


def take_out(user_home: Path) -> Iterator[tuple[str, bool]]:
    """Take them out, with the lines that load them; what became of each, and whether it is gone.

    The line goes first: cut off between, the file still says that there is something to take out.
    """
    for path in installed(user_home):
        try:
            told = f"Took the completion out ({path}"
            if path.suffix == ".sh":
                line = f"source '{path}'".encode()
                told += _named(_without(user_home / ".bashrc", line))
            elif path.parent.name == ".zfunc" and len(list(path.parent.iterdir())) == 1:
                # all programs that Typer completes share the line, so it goes with the last of them
                rc = user_home / ".zshrc"
                told += _named(_without(rc, ZSH + MENU) or _without(rc, ZSH))
            path.unlink()
            with suppress(OSError):  # others' completions are in it
                path.parent.rmdir()
            yield f"{told}).", True
        except (OSError, StorageError) as error:
            said = in_one_line(error)
            yield f"The completion {path} could not be taken out: {said}", False


def _ours(path: Path) -> bool:
    try:
        return path.is_file() and MARK in path.read_bytes()
    except OSError:
        return False


def _named(rc: Path | None) -> str:
    return f" and its line in {rc}" if rc else ""


def _without(rc: Path, lines: bytes) -> Path | None:
    """Take `lines` out of a start file, wherever they stand by themselves, whose other bytes stay; None where
    they are not in it. A file with nothing else in it was made for them, and goes. Raises StorageError where
    the user put them into a block of their own, which might not hold without them."""
    real = Path(os.path.realpath(rc))  # a link to where somebody keeps such files stays one
    try:
        text = real.read_bytes()
        mode = real.stat().st_mode & 0o7777
    except FileNotFoundError:
        return None
    # Typer puts a line break before, whether one was there or not, and one more behind each time it is told.
    alone = re.compile(rb"(?:\A|\n)[ \t]*" + re.escape(lines) + rb"[ \t]*\r?(?:\n+\Z|\n|\Z)")
    left = text
    while found := alone.search(left):
        before, after = left[: found.start()], left[found.end() :]
        if _OPEN.search(before.rstrip()):
            raise StorageError(f"{rc} has its line in a block of yours.", "", "Take the line out by hand.")
        glue = b"\n" if before and after and not before.endswith(b"\n") else b""
        left = before + glue + after
    if left == text:
        return None
    if left.strip():
        write_atomic(real, left, mode)
    elif rc.is_symlink():
        write_atomic(real, b"", mode)
    else:
        real.unlink()
    return rc


_OPEN = re.compile(rb"(?:\\|&&|\|\|?|[{(]|\b(?:then|do|else|in)|;;)\Z|<<-?\s*[\"']?\w+[\"']?\Z")
"""The end of what goes on with the next line."""
