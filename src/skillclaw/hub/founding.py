"""`hub.json`: how a group begins, and how it is read. What it says is trusted once and pinned (seen.py)."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

import msgspec

from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError
from skillclaw.hub import keys, log
from skillclaw.hub.records import HubInfo
from skillclaw.hub.store import Store

__all__ = ["FORMAT", "INFO", "found_group", "parse_info"]

INFO = "hub.json"
"""Where it lies in the hub."""
FORMAT = 1
"""The newest format of `hub.json` that this version reads; the log's entries have one of their own."""

# the group's id names a folder of keys on each machine
_GROUP = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{64}")


def found_group(store: Store, keys_folder: Path, created: str) -> bytes:
    """Make a new group at `created` (ISO 8601): its owner's key here, its hub.json there.

    Of two that try at once one wins, and both get the bytes of the winner's hub.json.
    """
    group = secrets.token_hex(16)
    owner = keys.load_or_create(keys_folder, group, "owner")
    data = msgspec.json.encode(HubInfo(group=group, owner=keys.public_hex(owner), created=created))
    if store.create(INFO, data):
        return data
    shutil.rmtree(keys_folder / group, ignore_errors=True)
    won = store.get(INFO, log.MAX_COMMIT)
    if won is None:
        raise StorageError(f"The hub at {store.shown} vanished while it was made.", "", "Try again.")
    return won


def parse_info(data: bytes, shown: str) -> HubInfo:
    """What `hub.json` holds; raises BadInputError, and UpgradeNeededError for a newer format."""
    try:
        info = msgspec.json.decode(data, type=HubInfo)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError(
            f"hub.json of the hub at {shown} does not hold what it should.",
            str(error),
            "Put it back from a backup.",
        ) from error
    if info.v > FORMAT:
        raise UpgradeNeededError(
            f"Upgrade needed: the hub at {shown} is of a newer format.",
            f"It has format {info.v}; this version reads {FORMAT}.",
            "Upgrade SkillClaw. What is installed stays as it is.",
        )
    if not _GROUP.fullmatch(info.group) or not _HEX.fullmatch(info.owner):
        raise BadInputError(f"hub.json of the hub at {shown} does not hold what it should.")
    return info
