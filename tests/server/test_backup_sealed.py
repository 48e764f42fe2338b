"""What a seal, a list of files and an end may be: archives of others, each with one thing that is not so."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from backups import archive, files_of

from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.server.backup import packing, restore, restoring, sealing
from skillclaw.server.backup.records import Entry, Head, Manifest

PASSPHRASE = b"correct horse"
GOOD = [("config.toml", b""), ("keys/a/member.key", b"k" * 64)]
HEAD = len(sealing.MAGIC) + 16 + 12
STREAM = 24


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_OPS", 1)
    monkeypatch.setattr(sealing, "_MEMORY", 8192)


def resealed(file: Path, change: Callable[[bytes], bytes]) -> None:
    """The archive with what stands before its end changed, and an end that fits."""
    data = file.read_bytes()
    inside = change(data[: -packing._END])
    file.write_bytes(inside + data[-packing._END : -32] + hashlib.sha256(inside).digest())


def refused(place: Path, file: Path, kind: type[SkillClawError] = BadInputError) -> str:
    with pytest.raises(kind) as found:
        restore(place / "home", file, passphrase=PASSPHRASE)
    assert not (place / "home").exists()
    assert [name for name in files_of(place) if not name.endswith(".lock")] == [file.name]
    return str(found.value)


def sealed(data: bytes) -> bytes:
    out = io.BytesIO()
    maker = sealing.Sealer(out, PASSPHRASE)
    maker.write(data)
    maker.finish()
    return out.getvalue()


@pytest.mark.parametrize("size", [0, 1, 1000, sealing.PIECE, sealing.PIECE + 1, 2 * sealing.PIECE])
def test_nothing_may_stand_behind_the_last_piece(size: int) -> None:
    data = sealed(bytes(size))
    assert sealing.Unsealer(io.BytesIO(data), PASSPHRASE).read() == bytes(size)
    for more in (b"x", sealed(b"x"), data[HEAD + STREAM :]):
        with pytest.raises(BadInputError):
            sealing.Unsealer(io.BytesIO(data + more), PASSPHRASE).read()


@pytest.mark.parametrize("size", [1000, sealing.PIECE + 1, 2 * sealing.PIECE])
def test_a_seal_without_its_last_piece_is_none(size: int) -> None:
    data = sealed(bytes(size))
    last = size - (size - 1) // sealing.PIECE * sealing.PIECE + sealing._LONGER
    for short in (data[:-last], data[:-1], data[: HEAD + STREAM], data[: HEAD + 1], data[:20], data[:8]):
        with pytest.raises(BadInputError):
            sealing.Unsealer(io.BytesIO(short), PASSPHRASE).read()


BEHIND = {
    "bytes": b"x",
    "many": bytes(1 << 20),
    "another frame": zstandard.compress(b"a second tar"),
    "a frame to be skipped": b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip",
}


@pytest.mark.parametrize("what", BEHIND)
def test_nothing_may_stand_behind_the_frame(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = archive(tmp_path / "f", GOOD)
    resealed(file, lambda data: data + BEHIND[what])
    assert "cannot be unpacked" in refused(tmp_path, file)
    # and within a seal, by who knows the passphrase
    whole = sealing.Sealer.finish

    def finish(self: sealing.Sealer) -> None:
        self.write(BEHIND[what])
        whole(self)

    monkeypatch.setattr(sealing.Sealer, "finish", finish)
    assert "cannot be unpacked" in refused(tmp_path, archive(tmp_path / "f", GOOD, passphrase=PASSPHRASE))


def test_an_archive_whose_seal_ends_with_its_frame_needs_the_last_piece_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lacks the mark of its end may have been cut off, even where nothing seems to be missing."""
    monkeypatch.setattr(sealing, "_LAST", sealing._MORE)
    file = archive(tmp_path / "f", GOOD, passphrase=PASSPHRASE)
    monkeypatch.undo()
    assert "cannot be opened" in refused(tmp_path, file)


COSTS = {
    "no pass": (0, 8192),
    "too many passes": (5, 8192),
    "all passes that there are": (0xFFFFFFFF, 8192),
    "no memory": (1, 0),
    "too little memory": (1, 8191),
    "too much memory": (1, (512 << 20) + 1),
    "all the memory that there is": (1, (1 << 64) - 1),
}


@pytest.mark.parametrize("cost", COSTS)
def test_what_a_head_may_ask_for_is_bounded(
    tmp_path: Path, cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before anything is computed, and not as a wrong passphrase."""
    file = archive(tmp_path / "f", GOOD, passphrase=PASSPHRASE)
    asked = sealing._HEAD.pack(*COSTS[cost])
    resealed(file, lambda data: data[: HEAD - 12] + asked + data[HEAD:])
    monkeypatch.setattr(sealing, "_key", lambda *_: pytest.fail("a key was made"))
    said = refused(tmp_path, file)
    assert "its head asks for" in said.lower()
    assert "512 MiB" in said
    assert "passphrase" not in said


def test_what_backups_cost_is_within_the_bounds() -> None:
    from nacl import pwhash

    moderate = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE
    assert moderate[0] <= sealing._MOST_OPS
    assert moderate[1] <= sealing._MOST_MEMORY


def test_no_memory_for_the_key_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nacl import exceptions

    file = archive(tmp_path / "f", GOOD, passphrase=PASSPHRASE)

    def none(*_: Any) -> bytes:
        raise exceptions.RuntimeError("Unexpected failure in key derivation")

    monkeypatch.setattr(sealing, "_key", none)
    assert "no memory for its key" in refused(tmp_path, file, StorageError)


def _packed(file: Path, parts: list[tuple[str, bytes]], *, end: bytes = bytes(1024)) -> Path:
    """An archive of just these members, and what ends its tar."""
    with file.open("wb") as out:
        packer = packing.Packer(out, None)
        for name, data in parts:
            packer.add(name, io.BytesIO(data), len(data))
        packer._zstd.write(end)
        packer._zstd.close()
        out.write(packing._SKIP + packing._MARK + packer._hashed.digest.digest())
    return file


def _listing(*names: str) -> tuple[str, bytes]:
    empty = hashlib.sha256(b"").hexdigest()
    made = Manifest(files=[Entry(path=name, size=0, sha256=empty) for name in names])
    return "MANIFEST.json", msgspec.json.encode(made)


FIRST = ("BACKUP.json", msgspec.json.encode(Head(made="now")))
ORDERS: dict[str, list[tuple[str, bytes]]] = {
    "it does not begin as one": [("x", b""), FIRST, _listing("x")],
    "something follows its list": [FIRST, ("x", b""), _listing("x"), ("y", b"")],
    "not those that it lists": [FIRST, ("x", b""), _listing("x", "x")],
    "it has no list": [FIRST, ("x", b"")],
    "cannot be read": [("BACKUP.json", b"[]"), ("x", b""), _listing("x")],
}


@pytest.mark.parametrize("why", ORDERS)
def test_its_parts_stand_in_order(tmp_path: Path, why: str) -> None:
    assert restore(tmp_path / "good", _packed(tmp_path / "g", [FIRST, ("x", b""), _listing("x")])).files == 1
    (tmp_path / "bad").mkdir()
    assert why in refused(tmp_path / "bad", _packed(tmp_path / "bad" / "f", ORDERS[why])).lower()


@pytest.mark.parametrize("end", [bytes(512), bytes(512) + b"x" * 512, bytes(1025), bytes(1024) + b"x" * 512])
def test_a_tar_ends_with_two_empty_blocks(tmp_path: Path, end: bytes) -> None:
    refused(tmp_path, _packed(tmp_path / "f", [FIRST, ("x", b""), _listing("x")], end=end))


def test_a_negative_size_is_no_size(tmp_path: Path) -> None:
    def patch(info: tarfile.TarInfo) -> None:
        info.size = -512

    assert "no regular file" in refused(tmp_path, archive(tmp_path / "f", [("x", b"")], patch=patch))


def test_heads_and_numbers_of_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive(tmp_path / "f", GOOD, head=Head(made="now", note="x" * restoring.MOST_HEAD))
    assert "says that it has" in refused(tmp_path, file)
    monkeypatch.setattr(restoring, "MOST_FILES", 1)
    assert "follows its list" in refused(tmp_path, archive(tmp_path / "f", GOOD))
