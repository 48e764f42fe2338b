"""What this machine has seen of hubs, so that a log that was cut back or forked is refused.

`hubs.json` pins each place to a group and its owner's key, and holds the last entry of the log that was read.
`hubs/<group>.state.json` is a fold of the log up to there, so that a command reads what is new and not all of
it; it can be deleted at any time.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from msgspec.structs import replace

from skillclaw.errors import UNREADABLE, BadInputError, BusyError, StorageError, VerifyError
from skillclaw.formats import carried, stop_at_newer
from skillclaw.hub.records import HubInfo, HubState
from skillclaw.private import lasting_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = [
    "FOLD",
    "Seen",
    "SeenGroup",
    "StoredFold",
    "drop_fold",
    "load_fold",
    "load_seen",
    "pin",
    "save_fold",
    "save_seen",
]

FORMAT = 1
"""Of `hubs.json`."""
FOLD = 9
"""Grows when the rules of the fold change, so that folds that older rules made are not used."""


class SeenGroup(Record, frozen=True, kw_only=True):
    """The last entry of a group's log that was read: its number, the hash of its bytes, the head after it."""

    owner: str
    seq: int = 0
    head: str = ""
    tip: str = ""


class Seen(Record, frozen=True, kw_only=True):
    """`hubs.json`. `urls`: place -> group id; `groups`: group id -> what was seen of it."""

    v: int = FORMAT
    urls: dict[str, str] = {}
    groups: dict[str, SeenGroup] = {}


class StoredFold(Record, frozen=True, kw_only=True):
    """A fold of the log up to `state.seq`; `tip` is the hash of the bytes of that entry, valid or void."""

    fold: int
    tip: str
    state: HubState


def load_seen(path: Path) -> Seen:
    """What was seen; nothing where the file is not there. A broken file is an error, never empty."""
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT)
        return msgspec.json.decode(raw, type=Seen)
    except FileNotFoundError:
        return Seen()
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except UNREADABLE as error:
        raise BadInputError(
            f"{path} does not hold what it should.",
            str(error),
            "It guards against a hub that was tampered with. If you trust the hub: delete this file.",
        ) from error


def pin(path: Path, place: str, info: HubInfo, shown: str) -> SeenGroup:
    """What was seen of the hub at `place`, which is remembered; VerifyError where another was before."""
    told = load_seen(path)
    group, known = told.urls.get(place), told.groups.get(info.group)
    if group not in (None, info.group) or (known is not None and known.owner != info.owner):
        raise VerifyError(
            f"The hub at {shown} is not the one that this machine knows.",
            f"It says group {info.group}, owner {info.owner[:16]}.",
            f"Ask the group's owner. If the change is meant: delete {path}.",
        )
    if group is None or known is None:
        known = known or SeenGroup(owner=info.owner)
        save_seen(path, place, info.group, known)
    return known


def save_seen(
    path: Path,
    url: str,
    group: str,
    now: SeenGroup,
    *,
    base: SeenGroup | None = None,
    back: bool = False,
) -> SeenGroup:
    """Remember `now` for `group` at `url`, and return what is remembered.

    base  what `now` was read on from: what another process saw since then is kept and returned, since `now`
          was not compared with it. Without one, an entry that another process saw later is kept.
    back  the log went back, with the user's consent
    """
    lasting_folder(path.parent)
    try:
        with FileLock(path.with_name(path.name + ".lock"), timeout=30, mode=0o600):
            seen = load_seen(path)
            known = seen.groups.get(group)
            if known is not None and not back and _is_newer(known, now, base):
                now = known
            changed = replace(seen, urls={**seen.urls, url: group}, groups={**seen.groups, group: now})
            if changed != seen:
                kept = carried(changed, path.read_bytes() if path.exists() else None)
                _write(path, msgspec.json.format(msgspec.json.encode(kept), indent=1))
    except Timeout as error:
        raise BusyError(f"Another process holds {path}.", "", "Try again.") from error
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
    return now


def _is_newer(known: SeenGroup, now: SeenGroup, base: SeenGroup | None) -> bool:
    return known.seq > now.seq if base is None else known != base and known.seq >= base.seq


def drop_fold(path: Path, group: str) -> None:
    """Forget the fold: it is of a log that is no more. Raises StorageError."""
    try:
        (path / f"{group}.state.json").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot delete the fold in {path}.", str(error), "Mend permissions.") from error


def load_fold(path: Path, group: str) -> StoredFold | None:
    """The last fold of `group`'s log, or None where there is none that can be used."""
    try:
        stored = msgspec.json.decode((path / f"{group}.state.json").read_bytes(), type=StoredFold)
    except (OSError, *UNREADABLE):
        return None  # it only saves time
    if stored.fold != FOLD or stored.state.group != group:
        return None
    return stored


def save_fold(path: Path, state: HubState, tip: str) -> None:
    """Keep the fold; where that fails, the next command reads the log from its start."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(
            path / f"{state.group}.state.json",
            msgspec.json.encode(StoredFold(fold=FOLD, tip=tip, state=state)),
        )
    except OSError:
        return


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)
