"""The workspace of an agent in its room: written by this process before it begins, and its draft taken out.

What lies in `out/` was written by a program that is not trusted: one plain file of it is read, up to a size;
links, pipes and all else are not opened.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from skillclaw.errors import StorageError
from skillclaw.evolve.drafting import Draft
from skillclaw.sandbox import leftovers

__all__ = ["INSIDE", "collect", "lay_out", "put"]

INSIDE = "/work"
"""The workspace, as the room sees it; below it `out` alone can be written."""
LARGEST = 1_000_000
"""Bytes of a draft; a skill has some 2,000 tokens."""


def lay_out(desk: Path, texts: Mapping[str, str]) -> None:
    """Write the workspace's files into the new folder `desk`. Raises StorageError."""
    (desk / "out").mkdir(mode=0o700, parents=True)
    for path, text in texts.items():
        put(desk, path, text)


def put(desk: Path, path: str, text: str) -> None:
    """Write one file of the workspace, which no program in the room can have touched. Raises StorageError."""
    target = desk / path
    if not target.resolve().is_relative_to(desk.resolve()):
        raise StorageError(f"A file of the workspace cannot be called {path!r}.")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_text(text, "utf-8", errors="replace")
        target.chmod(0o600)
    except OSError as error:
        raise StorageError("The author's workspace cannot be written.", str(error), "Free space.") from error


def collect(out: Path) -> tuple[Draft | None, str]:
    """The draft in `out`, or what is wrong with it; both empty where there is none."""
    try:
        data = leftovers.read(out / "draft.json", LARGEST + 1)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        named = "a link" if error.errno == errno.ELOOP else "no plain file"
        return None, f"draft.json is {named}, and was not opened."
    if len(data) > LARGEST:
        return None, f"draft.json has more than {LARGEST:,} bytes, and was not read."
    try:
        return msgspec.json.decode(data, type=Draft), ""
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return None, f"draft.json is not what the schema asks for: {error}."


def others(out: Path) -> list[str]:
    """The names of other things that lie in `out`, some of them; for the transcript."""
    with os.scandir(out) as found:
        names = [entry.name for entry, _ in zip(found, range(50), strict=False) if entry.name != "draft.json"]
    return sorted(ascii(name)[1:-1][:80] for name in names)
