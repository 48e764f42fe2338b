"""Bundles of skills: the object as it is, a tar packed here, its headers given the sums that they need, or
files named by lines.

The first byte chooses. What `unpack` takes can be packed again, gives the same files, and every file of it
has a name that stays in its folder.
"""

from __future__ import annotations

import io
import tarfile

import zstandard

from skillclaw.errors import BadInputError
from skillclaw.skills.bundle import pack, unpack, version
from skillclaw.skills.portable import portable

ALLOWED = (BadInputError,)
KINDS = (
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
    tarfile.CONTTYPE,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_SPARSE,
)
DICT = (
    b"ustar\x0000",
    b"ustar  \x00",
    b"GNU.sparse.map=",
    b"GNU.sparse.size=",
    b"GNU.sparse.major=1",
    b"GNU.sparse.minor=0",
    b"size=",
    b"path=",
    b"hdrcharset=BINARY",
    b"../",
    b"con.md",
    b"SKILL.md",
    b"\x28\xb5\x2f\xfd",
    b"30 path=",
    b"\x80\x00\x00\x00\x00\x00\x00\x01",
    b"\xff" * 12,
    b"\xe2\x88\x95",
    b"\n\n",
)


def once(data: bytes) -> None:
    """The files are taken whole, or refused in words."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    given = body
    if first % 3:
        raw = _summed(body) if first % 3 == 1 else _tar(body)
        given = zstandard.ZstdCompressor(level=1).compress(raw[:1000] * 30_000 if first > 250 else raw)
    found = unpack(given, "my-skill")
    again = unpack(pack(found), "my-skill")
    assert again == found and version(again) == version(found)
    assert not any(part in ("", ".", "..") for file in found.files for part in file.path.split("/"))
    portable(found)


def _summed(body: bytes) -> bytes:
    """`body` in blocks, with an end; each block that says it is a header has the right sum."""
    out = []
    for at in range(0, min(len(body), 1 << 15), 512):
        block = body[at : at + 512].ljust(512, b"\0")
        if block[257:262] == b"ustar" or block[156:157] in b"xgLK":
            bare = block[:148] + b" " * 8 + block[156:]
            block = block[:148] + b"%06o\0 " % (sum(bare) & 0o777777) + block[156:]
        out.append(block)
    return b"".join(out) + bytes(1024)


def _tar(body: bytes) -> bytes:
    """Files by lines: a digit for the kind, the name; the text up to an empty line."""
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="replace"
    ) as archive:
        for part in body.split(b"\n\n")[:600]:
            name, _, text = part.partition(b"\n")
            member = tarfile.TarInfo(name[1:].decode("utf-8", "replace"))
            member.type = KINDS[name[0] % len(KINDS)] if name else tarfile.REGTYPE
            member.size, member.mode = len(text), 0o755 if len(text) % 2 else 0o644
            member.linkname = "/etc/passwd"
            archive.addfile(member, io.BytesIO(text))
    return out.getvalue()
