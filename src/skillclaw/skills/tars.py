"""Files out of a tar that a stranger made. Pure: bytes in, values out.

Headers are read one by one (`TarInfo.frombuf`) and not by `tarfile.open`, which follows a header on the next
one into the next, without end, and searches what they say again from each of its bytes: a packed archive of
234 bytes ended a process so, and one of a kilobyte held it for days. What a bundle needs is all that is known
here: regular files, and before one of them a header with a path that is longer, or not ASCII (pax,
POSIX.1-2001).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MAX_HEADER", "Member", "members"]

BLOCK = 512
MAX_HEADER = 4096
"""Bytes of what a header of pax may say; a path has 200 characters at most."""


class Member(NamedTuple):
    """A regular file of the archive; its path as it stands there, not yet looked at."""

    path: str
    data: bytes
    executable: bool


def members(raw: bytes) -> Iterator[Member]:
    """The files of the archive, in their order, up to the block of zeros that ends it.

    Raises ValueError, with the reason as its text, for anything but regular files, and for what is cut off.
    """
    at, path = 0, ""
    while True:
        block = raw[at : at + BLOCK]
        if len(block) < BLOCK:
            raise ValueError("It is cut off.")
        if not block.strip(b"\0"):
            if path:
                raise ValueError("A header in it is none.")
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.TarError, ValueError) as error:
            raise ValueError("A header in it is none.") from error
        long_path = info.type == tarfile.XHDTYPE and not path and 0 < info.size <= MAX_HEADER
        if not long_path and info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise ValueError(f"It holds {_shown(path or info.name)}, which is not a regular file.")
        at += BLOCK
        if not 0 <= info.size <= len(raw) - at:
            raise ValueError("It is cut off.")
        data = raw[at : at + info.size]
        at += info.size + -info.size % BLOCK
        if long_path:
            path = _path(data)
        else:
            yield Member(path or info.name, data, bool(info.mode & 0o100))
            path = ""


def _path(data: bytes) -> str:
    """What a header of pax says of the path. Its records are `LENGTH KEY=VALUE LF`; no other key is known."""
    path, at = "", 0
    while at < len(data):
        digits = data[at : at + 5].partition(b" ")[0]
        end = at + (int(digits) if digits.isdigit() else 0)
        record = data[at + len(digits) + 1 : end]
        if not (record.startswith(b"path=") and record.endswith(b"\n") and end <= len(data)):
            raise ValueError("It says more of a file than its path.")
        path, at = record[5:-1].decode("utf-8"), end
    return path


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:77] + "...")
