"""`skillclaw restore`: a home out of a backup. The archive may be anybody's: it is checked like anything from
outside.

All is unpacked beside the home, checked against the manifest, settled (settling.py) and flushed; then the new
folder takes the home's place at one stroke (exchange.py). A kill at any moment leaves the old home or the new
one; what it leaves half unpacked goes with the next restore.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from filelock import FileLock, Timeout

from skillclaw.errors import (
    BadInputError,
    BusyError,
    SkillClawError,
    StorageError,
    UpgradeNeededError,
    UsageError,
)
from skillclaw.private import lasting_folder
from skillclaw.server.backup.exchange import put_in_place, sync_tree
from skillclaw.server.backup.packing import Member, members, opened, readable
from skillclaw.server.backup.records import FORMAT, HEAD, MANIFEST, Entry, Head, Manifest
from skillclaw.server.backup.settling import advice, settle
from skillclaw.server.deep.formats import FILES
from skillclaw.server.machine import Machine
from skillclaw.server.quiet import quiet
from skillclaw.server.up.runfile import read_running
from skillclaw.trajectory.model import Record

__all__ = ["Restored", "leave_nothing_beside", "restore"]

MOST_FILES = 5_000_000
MOST_HEAD = 64 << 10
MOST_MANIFEST = 1 << 30
SPARE = 64 << 20
"""Bytes of the disk that stay free."""
MOUNTED = "A disk is mounted there."


class Restored(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`restore --json`: the home, how many files, when and by which version they were backed up; where the
    home that was there before lies now (empty: there was none); sessions that were forgotten after the backup
    and so are gone; what could not be found out; what to do now.
    """

    home: str
    files: int
    made: str
    version: str
    old: str = ""
    forgotten: int = 0
    unknown: list[str] = []
    todo: list[str] = []


def restore(
    home: Path,
    source: Path,
    *,
    over: bool = False,
    passphrase: bytes | None = None,
    environ: Mapping[str, str] | None = None,
) -> Restored:
    """Make `home` what the backup `source` holds.

    UsageError where something is in `home` and not `over`, which moves it aside; BusyError while SkillClaw
    runs there; BadInputError, UpgradeNeededError for an archive that does not hold; StorageError where the
    disk fails. After an error everything is as it was.
    """
    home = home.expanduser().resolve()
    readable(source)  # first: where the file is mistyped, what to do about a home would mislead
    there = _there(home, over)
    _replaceable(home)
    try:
        lasting_folder(home.parent)
        with _alone(home), ExitStack() as held:
            if there:
                _quiet(home, held, environ)
            _sweep(home)
            staged = home.with_name(f"{_hidden(home)}.restoring-{os.urandom(6).hex()}")
            staged.mkdir(mode=0o700)
            try:
                manifest, head = _unpack(source, staged, passphrase)
                _stop_at_newer(staged, head)
                settled = settle(staged, manifest, home if there else None, environ)
                sync_tree(staged)
                aside = _aside(home) if there else None
                put_in_place(staged, home, aside)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise _not_replaceable(home, MOUNTED) from error
        raise StorageError(
            f"Cannot restore into {home}.",
            f"{error.strerror or error} ({error.filename or home})",
            "Free space or mend permissions; nothing was changed.",
        ) from error
    return Restored(
        home=str(home),
        files=len(manifest.files),
        made=head.made,
        version=head.version,
        old=str(aside) if aside is not None else "",
        forgotten=settled.forgotten,
        unknown=settled.unknown,
        todo=advice(manifest, settled, journal=head.journal),
    )


def _there(home: Path, over: bool) -> bool:
    """Whether something is in `home` that has to be moved aside; UsageError where nobody said so."""
    if not home.exists():
        return False
    if not home.is_dir():
        raise UsageError(f"{home} is no folder.", "", "Choose another with --home.")
    if not any(home.iterdir()):
        return False
    if not over:
        raise UsageError(
            f"Something is in {home} already.",
            "A restore never mixes two homes and never deletes one.",
            "To move it aside: --over. Or choose another place: --home DIR",
        )
    return True


def _replaceable(home: Path) -> None:
    """StorageError where no other folder can take the home's place."""
    if os.path.ismount(home):
        raise _not_replaceable(home, MOUNTED)
    if home.parent.is_dir() and not os.access(home.parent, os.W_OK | os.X_OK):
        raise _not_replaceable(home, f"This user may not write in {home.parent}.")


def _not_replaceable(home: Path, why: str) -> StorageError:
    within = home / "home"
    return StorageError(
        f"Nothing can take the place of {home}.",
        why,
        f"Restore into a folder within it, and use that from then on: --home {within} now, then "
        f"SKILLCLAW_HOME={within}. Nothing was changed.",
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    lock = FileLock(home.with_name(f"{_hidden(home)}.restore.lock"), timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(f"Another restore into {home} is at work.", "", "Wait for it.") from error
    try:
        yield
    finally:
        lock.release()


def _quiet(home: Path, held: ExitStack, environ: Mapping[str, str] | None) -> None:
    """See that nothing works in `home`, and keep it so until the block ends. BusyError."""
    if read_running(home) is not None:
        raise BusyError(f"SkillClaw runs in {home}.", "", "Stop it first: skillclaw stop")
    held.enter_context(quiet(Machine(home, environ)))


def _sweep(home: Path) -> None:
    """Take away what restores that were killed had unpacked. Only under the lock."""
    name = re.compile(re.escape(f"{_hidden(home)}.restoring-") + r"[0-9a-f]{12}")
    for path in home.parent.iterdir():
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def leave_nothing_beside(home: Path) -> list[Path]:
    """Take away what restores left beside a home that goes, but for homes that they moved aside: those are
    given. OSError."""
    if any(path.name.startswith(f"{_hidden(home)}.restor") for path in home.parent.iterdir()):
        with _alone(home):
            _sweep(home)
        home.with_name(f"{_hidden(home)}.restore.lock").unlink(missing_ok=True)
    name = re.compile(re.escape(f"{home.name}.before-") + r"\d{8}T\d{6}Z(-\d+)?")
    return sorted(path for path in home.parent.iterdir() if name.fullmatch(path.name) and path.is_dir())


def _hidden(home: Path) -> str:
    return f".{home.name.removeprefix('.')}"


def _aside(home: Path) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    found = home.with_name(f"{home.name}.before-{now}")
    number = 1
    while os.path.lexists(found):
        number += 1
        found = home.with_name(f"{home.name}.before-{now}-{number}")
    return found


def _unpack(source: Path, staged: Path, passphrase: bytes | None) -> tuple[Manifest, Head]:
    """Every file of the archive, in `staged`, each as the manifest says."""
    with opened(source, passphrase) as stream:
        return _read(stream, staged)


def _read(stream: BinaryIO, staged: Path) -> tuple[Manifest, Head]:
    head: Head | None = None
    manifest: Manifest | None = None
    found: dict[str, Entry] = {}
    for member in members(stream):
        if head is None:
            head = _head(member)
        elif manifest is not None or len(found) >= MOST_FILES:
            raise _bad("something follows its list of files")
        elif member.path == MANIFEST:
            manifest = _decoded(member.all(MOST_MANIFEST), Manifest)
        else:
            # two names that differ in capitals alone are two files where the disk keeps them apart
            found[member.path] = _write(member, staged)
    if head is None or manifest is None:
        raise _bad("it has no list of its files")
    listed = {entry.path: entry for entry in manifest.files}
    if len(listed) != len(manifest.files) or listed != {entry.path: entry for entry in found.values()}:
        raise _bad("its files are not those that it lists")
    return manifest, head


def _head(member: Member) -> Head:
    if member.path != HEAD:
        raise _bad("it does not begin as one")
    head = _decoded(member.all(MOST_HEAD), Head)
    if head.format > FORMAT:
        raise UpgradeNeededError(
            "Upgrade needed: the backup is of a newer format.",
            f"It was made by SkillClaw {head.version[:40]}; its format is {head.format}.",
            "Upgrade SkillClaw; nothing was changed.",
        )
    return head


_T = TypeVar("_T", Head, Manifest)


def _decoded(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _bad("what it says of itself cannot be read") from error


def _stop_at_newer(staged: Path, head: Head) -> None:
    """UpgradeNeededError where a file of it is of a format that this version does not read: the home that
    works would go aside for one in which hardly a command does."""
    for name, load in FILES.items():
        if not (staged / name).exists():
            continue
        try:
            load(staged)
        except UpgradeNeededError as error:
            raise UpgradeNeededError(
                f"Upgrade needed: {name} in the backup is of a newer format.",
                f"It was made by SkillClaw {head.version[:40]}.",
                "Upgrade SkillClaw, or take a backup from before; nothing was changed.",
            ) from error
        except SkillClawError:
            continue  # told by whatever reads it next


def _write(member: Member, staged: Path) -> Entry:
    free = shutil.disk_usage(staged).free
    if member.size > free - SPARE:
        raise StorageError(
            f"The disk has no room for {member.path}.",
            f"It has {member.size} bytes; {max(0, free - SPARE)} are free.",
            "Free space, or restore on another disk; nothing was changed.",
        )
    place = staged / member.path
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        handle = os.open(place, flags, 0o700 if member.executable else 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise _bad(f"{member.path!r} is in it twice") from error
    digest = hashlib.sha256()
    with os.fdopen(handle, "wb") as file:
        for part in member.parts():
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return Entry(path=member.path, size=member.size, sha256=digest.hexdigest(), executable=member.executable)


def _bad(why: str) -> BadInputError:
    return BadInputError(
        "This is no backup that can be restored.",
        f"{why[:1].upper()}{why[1:]}.",
        "Take another copy of the file; nothing was changed.",
    )
