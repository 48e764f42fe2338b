"""Small homes to back up, and archives of any content to restore."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.server.backup.packing import Packer
from skillclaw.server.backup.records import Entry, Head, Manifest

KEY = "keys/0123/member.key"


def small_home(place: Path, size: int = 1000) -> Path:
    """A SkillClaw home that a backup has something of, without a database."""
    home = place / ".skillclaw"
    files = {
        "config.toml": b"[proxy]\nport = 9000\n",
        KEY: b"ab" * 32,
        "wanted.json": b'{"v":1,"proxy":[],"history":["codex"]}',
        "quarantine/x/SKILL.md": b"\x00" * size,
        "logs/up.log": b"a log",
        "run/up.json": b"{}",
        "objects/aa": b"a cached object",
        "groups/0123/evolve.db": b"made anew",
        "hubs/0123.state.json": b"{}",
        "hubs/0123.told.json": b"[]",
        "library.lock": b"",
    }
    for name, data in files.items():
        path = home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600)
    return home


KEPT = ["config.toml", "hubs/0123.told.json", KEY, "quarantine/x/SKILL.md", "wanted.json"]
"""What of `small_home` is in a backup."""


def files_of(home: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()
    }


def archive(
    path: Path,
    files: Iterable[tuple[str, bytes]],
    *,
    head: Any = None,
    manifest: Callable[[Manifest], Any] = lambda made: made,
    passphrase: bytes | None = None,
    patch: Callable[[tarfile.TarInfo], None] | None = None,
) -> Path:
    """An archive that is whole but holds what the caller says; `patch` changes the headers of the files."""
    with path.open("wb") as out:
        packer = Packer(out, passphrase)
        _add(packer, "BACKUP.json", msgspec.json.encode(head if head is not None else Head(made="now")), None)
        entries = []
        for name, data in files:
            _add(packer, name, data, patch)
            entries.append(Entry(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest()))
        said = manifest(Manifest(files=entries))
        if said is not None:
            _add(packer, "MANIFEST.json", msgspec.json.encode(said), None)
        packer.finish()
    path.chmod(0o600)
    return path


def _add(packer: Packer, name: str, data: bytes, patch: Callable[[tarfile.TarInfo], None] | None) -> None:
    if patch is None:
        packer.add(name, io.BytesIO(data), len(data))
        return
    info = tarfile.TarInfo(name)
    info.size = len(data)
    patch(info)
    packer._zstd.write(info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512))
