"""The state of a run between two slices: one file, replaced at once, that a killed run goes on from.

It holds the rig's folder as it was after the last finished night, and that night's records. These are in it
because a run may be killed between the two writes: the file is the truth, and what of it is not in the
results yet is put there when the run goes on.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import IO, cast

import msgspec

from skillclaw import zstd
from skillclaw.bench.loop.results import Attempt, Night
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.model import Record

__all__ = ["Kept", "load", "save"]

HEAD, END = "kept.json", "end"
"""The first member and the last: a file that was cut between two members would else look whole."""
ROOT = "rig"
LEVEL = 6


class Kept(Record, frozen=True, kw_only=True):
    """The last night that is done (0: none yet), with the attempts of its day's stream; `others` are the
    nights of the arms beside the evolving one."""

    night: int = 0
    attempts: tuple[Attempt, ...] = ()
    report: Night | None = None
    others: tuple[Night, ...] = ()


def save(path: Path, kept: Kept, rig: Path) -> None:
    """Write the state. Raises StorageError; then the former state is still there."""
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as raw:
            temporary.chmod(0o600)
            with (
                zstd.Writer(raw, LEVEL, checksum=True) as packed,
                tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w|") as tar,
            ):
                head = msgspec.json.encode(kept)
                entry = tarfile.TarInfo(HEAD)
                entry.size = len(head)
                tar.addfile(entry, io.BytesIO(head))
                tar.add(rig, ROOT)
                tar.addfile(tarfile.TarInfo(END))
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"Cannot write the state of the run to {path}.", str(error), "Free space; then go on."
        ) from error


def load(path: Path, rig: Path) -> Kept:
    """Put the rig's folder back as it was (an empty one before the first night) and say how far the run is.

    Raises BadInputError for a file that is no such state.
    """
    try:
        shutil.rmtree(rig, ignore_errors=True)
        rig.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"Cannot make the folder {rig}.", str(error)) from error
    if not path.exists():
        return Kept()
    kept: Kept | None = None
    whole = False
    try:
        with (
            path.open("rb") as raw,
            zstd.reader(raw) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for entry in tar:
                if entry.name == HEAD:
                    file = tar.extractfile(entry)
                    assert file is not None
                    kept = msgspec.json.decode(file.read(), type=Kept)
                elif entry.name == END:
                    whole = True
                elif entry.name != ROOT:
                    # `data` keeps what is written inside the folder, whoever made the file.
                    inside = entry.replace(name=entry.name.removeprefix(ROOT + "/"), deep=False)
                    tar.extract(inside, rig, filter="data")
            while packed.read(1 << 20):
                pass  # the checksum stands at the end
    except (OSError, tarfile.TarError, zstd.Damaged, msgspec.DecodeError) as error:
        raise BadInputError(
            f"{path} is not the state of a run.", str(error), "Start anew in an empty folder."
        ) from error
    if kept is None or not whole:
        raise BadInputError(
            f"{path} is not the state of a run.", "It is not whole.", "Start anew in an empty folder."
        )
    return kept
