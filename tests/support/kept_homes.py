"""Homes as released versions wrote them, kept in tests/data/homes/ and read by the present code.

A kept home is a tar of a folder `world`: `ada/.skillclaw` (SkillClaw's home), `ada/.claude` and `ada/.agents`
(installed skills) and `group` (a group's hub on a folder, whose owner and evolver is ada). Paths in it begin
with PLACE, in whose stead `unpacked` puts where it lies now.

To keep the home of another version: `make kept-home NAME=vX.Y`, with that version, before a format changes
again. The numbers of its formats (the table in docs/formats.md) go into `formats.json` beside it.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
import time
from pathlib import Path

import msgspec
import zstandard

PLACE = "/tmp/skillclaw-kept-home"
HOMES = Path(__file__).parent.parent / "data" / "homes"
TEXTS = {".toml", ".json"}


def unpacked(version: str, place: Path) -> Path:
    """The user's home folder of the kept home of `version`, below `place`."""
    data = zstandard.ZstdDecompressor().decompress((HOMES / f"{version}.tar.zst").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(place, filter="data")
    home = place / "ada"
    for path in [home / ".skillclaw", *(home / ".skillclaw").rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    for path in sorted((home / ".skillclaw").iterdir()):
        if path.suffix in TEXTS and path.is_file():
            text = path.read_text("utf-8")
            path.write_text(text.replace(PLACE, str(place)), "utf-8")
    return home


def numbers() -> dict[str, int]:
    """The number of each format, by its place in the code, as docs/formats.md tells it."""
    table = (HOMES.parents[2] / "docs" / "formats.md").read_text("utf-8").split("<!-- files -->")[1]
    found = {}
    for line in table.partition("<!-- end -->")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and (place := re.match(r"`([a-z_.]+:[A-Z][A-Za-z_]+)`", cells[2])):
            found[place[1]] = int(cells[1])
    return found


def in_code(place: str) -> int:
    """The number at a place such as `hub.log:FORMAT`; of a magic word its last byte, of a record its `v`."""
    module, name = place.split(":")
    value = getattr(importlib.import_module(f"skillclaw.{module}"), name)
    if isinstance(value, type):
        return next(field.default for field in msgspec.structs.fields(value) if field.name == "v")
    return value[-1] if isinstance(value, bytes) else value  # type: ignore[no-any-return]


def kept_numbers() -> dict[str, dict[str, int]]:
    """Of each kept home, oldest first, the numbers that its formats had."""
    return json.loads((HOMES / "formats.json").read_text("utf-8"))  # type: ignore[no-any-return]


def make(version: str) -> None:
    """Make a home with all that has a format, and keep it. One that is kept stays as it is."""
    if not re.fullmatch(r"v\d+\.\d+[a-z0-9.-]*", version) or (HOMES / f"{version}.tar.zst").exists():
        raise SystemExit(f"{version!r} is kept already, or is no name such as v0.2")
    from authors import learned
    from group import imported
    from team import sc

    from skillclaw.journal.records import Exchange
    from skillclaw.journal.writer import JournalWriter
    from skillclaw.server.setup.consent import agree
    from skillclaw.server.setup.wishes import want

    place = Path(PLACE)
    shutil.rmtree(place, ignore_errors=True)
    home = place / "ada"
    home.mkdir(parents=True)
    sc(place, "ada", "hub", "init", str(place / "group"), "--name", "team", "--evolver", "--as", "ada")
    learned(home)
    shutil.rmtree(home / "chosen")
    imported(home, 1, 2, 3)
    (home / "s1-2-3.jsonl").unlink()
    sc(place, "ada", "evolve")
    sc(place, "ada", "sync")
    # what takes the log's format 2
    sc(place, "ada", "hub", "settings", "reviewers", "2", "--hub", "team")
    sc(place, "ada", "share", "allow", "--hub", "team", "--past")
    sc(place, "ada", "share", "send")
    sc(place, "ada", "evolve", "--hub", "team")
    sc(place, "ada", "sync")
    own = home / ".skillclaw"
    agree(own, ["claude-code"])
    want(own, ["claude-code"], history_only=True)
    writer = JournalWriter(own / "journal", max_mb=64)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "say hello"}]}).encode()
    for number in range(3):
        at = time.time() - 600 + number
        writer.put(
            Exchange(
                id=f"{number + 1:016x}",
                agent="generic",
                method="POST",
                path="/v1/chat/completions",
                started=at,
                finished=at + 1,
                request_body=body,
                status=200,
                response_headers=[("content-type", "application/json")],
                response_body=b'{"choices": [{"message": {"role": "assistant", "content": "hello"}}]}',
                complete=True,
            )
        )
    writer.close()
    for folder in ("logs", "run"):
        shutil.rmtree(own / folder, ignore_errors=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(place.rglob("*")):
            if path.is_file() and path.suffix != ".lock":
                info = tar.gettarinfo(path, str(path.relative_to(place)))
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                with path.open("rb") as file:
                    tar.addfile(info, file)
    HOMES.mkdir(exist_ok=True)
    kept = zstandard.ZstdCompressor(level=19).compress(packed.getvalue())
    (HOMES / f"{version}.tar.zst").write_bytes(kept)
    shutil.rmtree(place)
    _keep_numbers(version)


def _keep_numbers(version: str) -> None:
    path = HOMES / "formats.json"
    known = kept_numbers() if path.exists() else {}
    known[version] = {place: in_code(place) for place in sorted(numbers())}
    path.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    os.umask(0o077)
    make(sys.argv[1])
