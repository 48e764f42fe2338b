"""Backups that somebody else made, or a disk changed, at the door of `skillclaw restore`.

The first byte chooses: the file as it is; the bytes given the seal of an end that they need; a tar that is
packed and ended as it has to be; or files by lines with the list that names them. Nothing but what the
archive names is written, below the home that was named, or nothing at all.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

import msgspec
import zstandard

from skillclaw.errors import SkillClawError
from skillclaw.server.backup import packing, restore
from skillclaw.server.backup.records import Entry, Head, Manifest

ALLOWED = (SkillClawError,)
MOST_SECONDS = 10.0
DICT = (
    b"SKBACKUP",
    b"BACKUP.json",
    b"MANIFEST.json",
    b"../",
    b"keys/a/member.key",
    b"sessions.db",
    b"config.toml",
    b"hubs.json",
    b"library.json",
    b"\x28\xb5\x2f\xfd",
    b"ustar  \x00",
    b"ustar\x0000",
    b'"files"',
    b'"sha256"',
    b'"format"',
    b"SKSEALED",
    b"installed.json",
    b"connections.json",
    b"hub/log/00000000000000000001.json",
    b"SQLite format 3\x00",
)


def once(data: bytes) -> None:
    """Restored into an empty folder, or refused with nothing there."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    kind = first % 4
    if kind == 2:
        body = zstandard.ZstdCompressor(level=1).compress(body[:1000] * 30_000 if first > 250 else body)
    elif kind == 3:
        body = zstandard.ZstdCompressor(level=1).compress(_tar(body))
    if kind:
        body += packing._SKIP + packing._MARK + hashlib.sha256(body).digest()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "file").write_bytes(body)
        home = place / "home"
        try:
            restore(home, place / "file", passphrase=b"pass" if first & 64 else None, environ={"HOME": name})
        except SkillClawError:
            assert not home.exists()
            raise
        finally:
            assert {path.name for path in place.iterdir()} <= {"file", "home", ".home.restore.lock"}


def _tar(body: bytes) -> bytes:
    """Files by lines: the name, the text up to an empty line; head and list as they must be, or given."""
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.USTAR_FORMAT, errors="surrogateescape"
    ) as archive:
        parts = [part.partition(b"\n")[::2] for part in body.split(b"\n\n")[:100]]
        named = [(name.decode("utf-8", "replace")[:90], text) for name, text in parts]
        told = dict(named)
        files = [(name, text) for name, text in named if name not in ("BACKUP.json", "MANIFEST.json")]
        entries = [Entry(path=n, size=len(t), sha256=hashlib.sha256(t).hexdigest()) for n, t in files]
        listed = told.get("MANIFEST.json") or _plain(Manifest(files=entries))
        for name, text in [
            ("BACKUP.json", told.get("BACKUP.json") or _plain(Head())),
            *files,
            ("MANIFEST.json", listed),
        ]:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o600
            try:
                archive.addfile(member, io.BytesIO(text))
            except (ValueError, tarfile.TarError):
                continue
    return out.getvalue()


def _plain(record: msgspec.Struct) -> bytes:
    return json.dumps(msgspec.to_builtins(record)).encode()
