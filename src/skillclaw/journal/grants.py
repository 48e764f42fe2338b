"""`<home>/sharing.json` (0600): since when which rule lets sessions through, and for which group.

Settings say what is wanted; this file keeps a new permission from reaching back, and a permission for one
group from counting for another that lies in its place later. If it is lost, every permission counts from now
on.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError
from skillclaw.journal.share_rules import Grant
from skillclaw.trajectory.model import Record

__all__ = ["FILE", "Grants", "load_grants", "save_grants"]

FILE = "sharing.json"


class Grants(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The file: `grants` by rule (`default`, `hubs.NAME`, `agents.NAME`, `projects.NAME`)."""

    v: int = 1
    grants: dict[str, Grant] = {}


def load_grants(home: Path) -> dict[str, Grant]:
    """What is remembered; empty where there is no file. A broken file is an error: nothing is shared then."""
    path = home / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Grants)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadInputError(
            f"{path} does not hold what it should, so nothing is shared.",
            str(error),
            "Delete it: what is allowed then counts from now on.",
        ) from error
    if found.v > 1:
        raise UpgradeNeededError(f"Upgrade needed: {path} is of a newer format.", "", "Upgrade SkillClaw.")
    return found.grants


def save_grants(home: Path, grants: Mapping[str, Grant]) -> None:
    """Write the file aside and rename it; raises StorageError."""
    path = home / FILE
    aside = path.with_name(f".{FILE}-{secrets.token_hex(8)}.new")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.encode(Grants(grants=dict(grants))))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
