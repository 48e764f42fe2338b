"""`<home>/sharing.json` (0600): since when which rule lets sessions through, and for which group.

Settings say what is wanted; this file keeps a new permission from reaching back, and a permission for one
group from counting for another that lies in its place later. If it is lost, every permission counts from now
on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, StorageError
from skillclaw.formats import carried, stop_at_newer
from skillclaw.journal.share_rules import Grant
from skillclaw.private import lasting_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = ["FILE", "Grants", "load_grants", "save_grants"]

FILE = "sharing.json"
FORMAT = 1


class Grants(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The file: `grants` by rule (`default`, `hubs.NAME`, `agents.NAME`, `projects.NAME`)."""

    v: int = FORMAT
    grants: dict[str, Grant] = {}


def load_grants(home: Path) -> dict[str, Grant]:
    """What is remembered; empty where there is no file. A broken file is an error: nothing is shared then."""
    path = home / FILE
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT)
        return msgspec.json.decode(raw, type=Grants).grants
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except UNREADABLE as error:
        raise BadInputError(
            f"{path} does not hold what it should, so nothing is shared.",
            str(error),
            "Delete it: what is allowed then counts from now on.",
        ) from error


def save_grants(home: Path, grants: Mapping[str, Grant]) -> None:
    """Write the file aside and rename it; raises StorageError."""
    path = home / FILE
    try:
        lasting_folder(home)
        before = path.read_bytes() if path.exists() else None
        with whole_file(path) as file:
            file.write(msgspec.json.encode(carried(Grants(grants=dict(grants)), before)))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
