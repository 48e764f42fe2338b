"""A database of advisories on this machine, that answers pip-audit as OSV's service does.

For networks that reach nothing: who has OSV's dump of the ecosystem PyPI (a zip, or a folder of its records)
asks that instead. The schema and the evaluation of versions are OSV's own ("Open Source Vulnerability
format", 1.x).
"""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

__all__ = ["answering", "concerns", "read"]

ECOSYSTEM = "PyPI"
LONGEST = 100_000
"""Bytes of a question; a longer one is not pip-audit's."""


def read(source: Path, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The records at `source` (a .json, a folder or a zip of them) that are about one of `names`, by name.

    ValueError where a file is no such record: half a database must not pass for one.
    """
    wanted = {canonicalize_name(name) for name in names}
    found: dict[str, list[dict[str, Any]]] = {}
    count = 0
    for where, data in _files(source):
        count += 1
        try:
            record = json.loads(data)
            about = {
                canonicalize_name(part["package"]["name"])
                for part in record.get("affected", [])
                if part.get("package", {}).get("ecosystem") == ECOSYSTEM
            }
            record["id"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{where} is no record of an advisory: {error}") from error
        for name in about & wanted:
            found.setdefault(name, []).append(record)
    if not count:
        raise ValueError(f"{source} has no advisories")
    return found


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as packed:
            for name in sorted(packed.namelist()):
                if name.endswith(".json"):
                    yield name, packed.read(name)
    elif source.is_dir():
        for path in sorted(source.rglob("*.json")):
            yield path.name, path.read_bytes()
    else:
        yield source.name, source.read_bytes()


def concerns(record: dict[str, Any], name: str, version: str) -> bool:
    """Whether `record` is about this version: it is listed, or lies in a range of versions."""
    for part in record.get("affected", []):
        package = part.get("package", {})
        if package.get("ecosystem") != ECOSYSTEM or canonicalize_name(package.get("name", "")) != name:
            continue
        if version in part.get("versions", []):
            return True
        ranges = [one for one in part.get("ranges", []) if one.get("type") == "ECOSYSTEM"]
        if any(_inside(one.get("events", []), Version(version)) for one in ranges):
            return True
    return False


def _inside(events: list[dict[str, str]], version: Version) -> bool:
    """OSV's evaluation: the events up to this version, in order; the last one decides."""
    inside = False
    for at, kind in sorted((_at(said), kind) for event in events for kind, said in event.items()):
        if kind == "introduced" and at <= version:
            inside = True
        elif (kind == "fixed" and at <= version) or (kind == "last_affected" and at < version):
            inside = False
    return inside


def _at(said: str) -> Version:
    try:
        return Version("0.dev0" if said == "0" else said)
    except InvalidVersion:
        return Version(
            "0.dev0"
        )  # not a version of Python's: taken as from the beginning, never as no finding


@contextmanager
def answering(records: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """The address on loopback where questions about `records` are answered, while the block lasts."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            try:
                if size > LONGEST:
                    raise ValueError("too long")
                asked = json.loads(self.rfile.read(size))
                name = canonicalize_name(asked["package"]["name"])
                hits = [one for one in records.get(name, []) if concerns(one, name, asked["version"])]
                status, body = 200, json.dumps({"vulns": hits} if hits else {}).encode()
            except (ValueError, KeyError, TypeError) as error:
                status, body = 400, json.dumps({"message": str(error)}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
