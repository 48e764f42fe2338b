"""One folder that a sync is about to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillclaw.hub.records import Release
from skillclaw.library.records import ChangeKind, FileMark, Installed
from skillclaw.skills.records import Bundle

__all__ = ["Step"]


@dataclass(frozen=True)
class Step:
    """One folder that is to be written.

    entry       what the book says while that is under way
    over        what must lie there meanwhile; None for nothing
    done, back  what the book says afterwards: of a copy that was written, of one that was not
    bundle      None where the copy is to be taken away (`done` is None then)
    """

    entry: Installed
    hub: str
    release: Release
    bundle: Bundle | None
    over: Mapping[str, FileMark] | None
    done: Installed | None
    back: Installed | None
    action: ChangeKind
    detail: str = ""
    make: tuple[Path, ...] = ()
