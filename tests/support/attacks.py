"""What attacks need: SkillClaw as it runs for a user, raw requests, and a hub in an attacker's hands."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import zstandard
from behind import Behind
from cli import ok, ok_json, skillclaw
from raw_http import Reader

from skillclaw.hub import Hub
from skillclaw.skills.bundle import pack, version
from skillclaw.skills.records import Bundle, File

ZSTD = b"\x28\xb5\x2f\xfd"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def up(home: Path, upstream: str, **environ: str) -> Iterator[int]:
    """`skillclaw up` with the agent `generic` passed on to `upstream`; its port."""
    ok("config", "set", "agents.generic.upstream", upstream, home=home)
    port = ok_json("up", "-d", "--port", "0", home=home, environ=environ)["port"]
    try:
        yield int(port)
    finally:
        skillclaw("stop", home=home)


@contextmanager
def provider(answer: bytes = ANSWER) -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """A provider's URL, and the requests that reached it."""
    behind = Behind()
    try:
        yield behind.url, behind.serve(answer)
    finally:
        behind.listener.close()
        for sock in behind.socks:
            sock.close()


def say(port: int, data: bytes, seconds: float = 5) -> bytes:
    """What came back for these bytes: until the end, or until nothing more came."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(data)
        reader = Reader(sock)
        with contextlib.suppress(TimeoutError):
            while reader.more():
                pass
        return reader.data


def request(line: str, *headers: str, body: bytes = b"", host: str = "localhost") -> bytes:
    """One request that ends its connection."""
    head = [line, f"Host: {host}", "Connection: close", *headers]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def status(answer: bytes) -> int:
    """The status of an answer; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def on_a_terminal(*args: str, home: Path) -> bytes:
    """What a command writes to a terminal."""
    import pty  # not on Windows

    terminal, side = pty.openpty()
    env = {**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw"), "TERM": "dumb"}
    argv = [sys.executable, "-m", "skillclaw", *args]
    with subprocess.Popen(argv, env=env, stdin=side, stdout=side, stderr=side, close_fds=True) as child:
        os.close(side)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other end was closed
            while part := os.read(terminal, 65536):
                shown += part
        child.wait(60)
    os.close(terminal)
    return shown


def skill(text: str, name: str = "git-help", *more: File) -> Bundle:
    """A skill with this text below its head."""
    head = f"---\nname: {name}\ndescription: Use it for git.\n---\n\n# Git\n\n"
    return Bundle(name=name, files=[File(path="SKILL.md", data=(head + text + "\n").encode()), *more])


def hub_of(home: Path) -> Hub:
    """The user's own hub with all of its keys, as a thief would use them, from a machine of his own."""
    place = home / ".skillclaw"
    return Hub.open_or_create(str(place / "hub"), place / "keys", seen=home / "thief" / "hubs.json")


def release(hub: Hub, bundle: Bundle, raw: bytes | None = None, role: str = "evolver") -> str:
    """Release `bundle`, or under its name what `raw` holds; the version."""
    known = hub.state().skills.get(bundle.name)
    made = version(bundle) if raw is None else hashlib.sha256(raw).hexdigest()
    body = {
        "skill": bundle.name,
        "version": made,
        "base": known.current if known else None,
        "object": hub.put_object(pack(bundle) if raw is None else raw),
        "sidecar": None,
        "proposal": None,
        "stage": "stable",
        "scope": "global",
        "project": None,
    }
    hub.commit("release", body, role=role)
    return made


def tar(members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """The members as an object of a hub, whatever they are called."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return zstandard.ZstdCompressor().compress(out.getvalue())


def member(name: str, **facts: object) -> tarfile.TarInfo:
    """A member called `name`."""
    made = tarfile.TarInfo(name)
    made.mode = 0o644
    for key, value in facts.items():
        setattr(made, key, value)
    return made


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes; links by where they lead."""
    return {
        str(path.relative_to(folder)): bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def readable_below(folder: Path) -> dict[str, bytes]:
    """The same, with what is packed (exchanges, objects, cells of databases) unpacked behind it: of itself it
    shows no words.
    """
    found = files_below(folder)
    for name, data in found.items():
        parts = [data, *_unpacked(data)]
        if data.startswith(b"SQLite format 3\0"):
            with contextlib.closing(sqlite3.connect(folder / name)) as database:
                tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for (table,) in tables:
                    for row in database.execute(f'SELECT * FROM "{table}"'):
                        for cell in row:
                            value = cell if isinstance(cell, bytes) else str(cell).encode()
                            parts += [value, *_unpacked(value)]
        found[name] = b"\n".join(parts)
    return found


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What zstd packed, wherever it begins in `data`."""
    at = data.find(ZSTD)
    while at >= 0:
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        at = data.find(ZSTD, at + 1)
