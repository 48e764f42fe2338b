"""Homes as released versions wrote them, kept in tests/data/homes/ and read by the present code.

A kept home is a tar of a folder `world`: `ada/.skillclaw` (SkillClaw's home), `ada/.claude`, `ada/.agents`
and `ada/.codex` (what agents have of it), a backup and exported sessions of hers, and `group` (a group's hub
on a folder, whose owner and evolver is ada). Paths in it begin with PLACE, in whose stead `unpacked` puts
where it lies now. What is in it is made in kept_world.py, so that the newest has a file of every row with a
number of the table in docs/formats.md (`holds`).

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
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import zstandard

PLACE = "/tmp/skillclaw-kept-home"
HOMES = Path(__file__).parent.parent / "data" / "homes"
TEXTS = {".toml", ".json"}
BACKUP, SESSIONS = "ada.backup", "sessions.jsonl"
"""Beside the home: a backup of it, and its sessions as they are exported."""
AGENT_SETTINGS = 'model = "m"\n'
"""What Codex' settings held before it was connected."""


def _opened(version: str) -> tarfile.TarFile:
    data = zstandard.ZstdDecompressor().decompress((HOMES / f"{version}.tar.zst").read_bytes())
    return tarfile.open(fileobj=io.BytesIO(data))


def unpacked(version: str, place: Path) -> Path:
    """The user's home folder of the kept home of `version`, below `place`."""
    with _opened(version) as tar:
        tar.extractall(place, filter="data")
    home = place / "ada"
    for path in [home / ".skillclaw", *(home / ".skillclaw").rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    own = home / ".skillclaw"
    for path in sorted([*own.iterdir(), *own.glob("quarantine/*")]):
        if path.suffix in TEXTS and path.is_file():
            text = path.read_text("utf-8")
            path.write_text(text.replace(PLACE, str(place)), "utf-8")
    return home


def _table() -> list[list[str]]:
    text = (HOMES.parents[2] / "docs" / "formats.md").read_text("utf-8").split("<!-- files -->")[1]
    lines = text.partition("<!-- end -->")[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]


def numbers() -> dict[str, int]:
    """The number of each format, by its place in the code, as docs/formats.md tells it."""
    found = {}
    for cells in _table():
        if place := re.match(r"`([a-z_.]+:[A-Z][A-Za-z_]+)`", cells[2]):
            found[place[1]] = int(cells[1])
    return found


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one kind, by the table in docs/formats.md: a pattern of a row's, and the row's number, if any.

    `hub: ` begins those of a hub. A row that names no pattern, such as `a backup`, is its own.
    """

    pattern: str
    number: int | None

    def takes(self, name: str) -> bool:
        """Whether a name in a home, or of a hub's object after `hub: `, may be of this kind."""
        return fnmatch(name, self.pattern.replace(PROPOSAL, "").replace(SIDECAR, ""))


SIDECAR, PROPOSAL = "a sidecar in ", "a proposal in "


def rows() -> list[Row]:
    """All kinds of files of the table."""
    found = []
    for cells in _table():
        number = int(cells[1]) if cells[1].isdigit() else None
        hub = "hub: " if cells[0].startswith("hub: ") else ""
        kind = next((one for one in (SIDECAR, PROPOSAL) if one in cells[0]), "")
        patterns = re.findall(r"`([^`]+)`", cells[0]) or [cells[0]]
        found += [Row(pattern=f"{hub}{kind}{one}", number=number) for one in patterns]
    return found


def holds(version: str) -> dict[str, list[str]]:
    """The files of the kept home by the pattern of the table which they are of; a pattern that it has none of
    is not in it. Where several match, the one that says most."""
    known = sorted(rows(), key=lambda row: len(row.pattern.replace("*", "")), reverse=True)
    found: dict[str, list[str]] = {}
    with _opened(version) as tar:
        for name in tar.getnames():
            if said := _kind(name, tar, known):
                found.setdefault(said, []).append(name)
    return found


def _kind(name: str, tar: tarfile.TarFile, known: Sequence[Row]) -> str | None:
    """What a file of the tar is; None where it is no file of SkillClaw's, such as an agent's."""
    if name == f"ada/{BACKUP}":
        return "a backup"
    if name == f"ada/{SESSIONS}":
        return "a session, in ATIF"
    for folder, begin in (("group/", "hub: "), ("ada/.skillclaw/hub/", "hub: "), ("ada/.skillclaw/", "")):
        if name.startswith(folder):
            name, said = begin + name.removeprefix(folder), name
            break
    else:
        return None
    if name.startswith("hub: objects/"):
        file = tar.extractfile(said)
        assert file is not None
        try:
            record = json.loads(file.read())
        except ValueError:
            return None  # the files of a release, which are a skill and no format of ours
        proposal = "sidecar" in record or "action" in record
        return f"hub: {PROPOSAL if proposal else SIDECAR}objects/*"
    return next((row.pattern for row in known if row.takes(name)), None)


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
    import kept_world  # it loads half of SkillClaw, which who reads a home does not need

    place = Path(PLACE)
    shutil.rmtree(place, ignore_errors=True)
    (place / "ada").mkdir(parents=True)
    kept_world.lived(place)
    for folder in ("logs", "run"):
        shutil.rmtree(place / "ada" / ".skillclaw" / folder, ignore_errors=True)
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
