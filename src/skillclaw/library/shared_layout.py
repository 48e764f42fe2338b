"""Skills as others keep them: the public SkillClaw's shared storage, or a folder of plain skills.

Shared storage: `manifest.jsonl` has one JSON object a line for each skill (name, version, files with their
SHA-256); the current files are `skills/<name>/SKILL.md` and `skills/<name>/files/<path>`, those of version N
lie alike below `skills/<name>/versions/v<N>/`, with a `bundle.json` that lists them. All of it may lie in a
folder of the group's id. Nothing in it is signed, so hashes only tell what was torn or overwritten.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.library.folders import LITTER, is_litter
from skillclaw.library.origin import Origin
from skillclaw.skills.bundle import MAX_BYTES, MAX_FILES, check_files, check_path
from skillclaw.skills.bundle import version as content_of
from skillclaw.skills.portable import portable
from skillclaw.skills.records import Bundle, File
from skillclaw.trajectory.model import Record

__all__ = ["Found", "FoundVersion", "Told", "manifests", "read_plain", "read_shared"]

MANIFEST = "manifest.jsonl"
MAX_MANIFEST = 64 << 20
MAX_VERSIONS = 1000
"""Versions of one skill that are looked for, the newest."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class FoundVersion(Record, frozen=True, kw_only=True):
    """One version as it will be shared (`skills.portable`); number 0 where the source counts none."""

    number: int
    bundle: Bundle
    day: str = ""


class Told(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What cannot be taken: a skill, or one version of it, and why."""

    skill: str
    version: int | None = None
    reason: str


class Found(Record, frozen=True, kw_only=True):
    """One skill, its versions from old to new without repetitions; the last is the current one."""

    name: str
    versions: list[FoundVersion]


class _File(msgspec.Struct):
    path: str
    sha256: str = ""


class _Snapshot(msgspec.Struct):
    files: list[_File] = []


class _Entry(msgspec.Struct):
    name: str
    version: int | str = 1
    sha256: str = ""
    files: list[_File] = []
    uploaded_at: str = ""


_entry = msgspec.json.Decoder(_Entry)
_snapshot = msgspec.json.Decoder(_Snapshot)


def manifests(origin: Origin) -> list[str]:
    """The prefixes (empty, or `<group>/`) below which a manifest lies."""
    if origin.get(MANIFEST, 0) is not None:
        return [""]
    keys = (key.split("/") for key in origin.list(""))
    return [f"{parts[0]}/" for parts in keys if len(parts) == 2 and parts[1] == MANIFEST]


def read_shared(origin: Origin, prefix: str, *, history: bool) -> Iterator[Found | Told]:
    """Every skill of the manifest below `prefix`, one after the other, and what cannot be taken.

    Without `history` only the current version. Raises UsageError where the manifest is too large.
    """
    data = origin.get(prefix + MANIFEST, MAX_MANIFEST) or b""
    if len(data) > MAX_MANIFEST:
        raise UsageError(f"{prefix}{MANIFEST} is too large.", f"{MAX_MANIFEST >> 20} MB are read.")
    seen: set[str] = set()
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entry = _entry.decode(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            yield Told(skill="", reason=f"Line {number} of {prefix}{MANIFEST} is no skill's record.")
            continue
        if not _plain(entry.name):
            yield Told(skill=ascii(entry.name)[1:-1][:80], reason="Its name would lead out of its folder.")
        elif entry.name not in seen:
            seen.add(entry.name)
            yield from _skill(origin, prefix, entry, history)


def read_plain(origin: Origin, called: str) -> Iterator[Found | Told]:
    """Every folder that holds a SKILL.md, at any depth, as a skill; one inside another belongs to that.

    `called` is the name of the whole, in case it is a skill itself.
    """
    keys = [key for key in origin.list("") if not any(map(_unwanted, key.split("/")))]
    mains = [key.rpartition("/")[0] for key in keys if key.rpartition("/")[2] == "SKILL.md"]
    folders = [one for one in mains if not any(_inside(one, other) for other in mains)]
    for folder in folders:
        start = f"{folder}/" if folder else ""
        name = folder.rpartition("/")[2] or called
        wanted = [(key[len(start) :], key, "") for key in keys if key.startswith(start)]
        try:
            bundle = portable(_bundle(origin, name, wanted))
        except BadInputError as error:
            yield Told(skill=ascii(name)[1:-1][:80], reason=error.brief)
        else:
            yield Found(name=bundle.name, versions=[FoundVersion(number=0, bundle=bundle)])


def _skill(origin: Origin, prefix: str, entry: _Entry, history: bool) -> Iterator[Found | Told]:
    base = f"{prefix}skills/{entry.name}"
    last = _number(entry.version)
    versions: list[FoundVersion] = []
    if history:
        for number in range(max(1, last - MAX_VERSIONS), last):
            try:
                found = _snapshot_of(origin, entry.name, f"{base}/versions/v{number}")
                if found is not None:
                    versions.append(FoundVersion(number=number, bundle=portable(found)))
            except BadInputError as error:
                yield Told(skill=entry.name, version=number, reason=error.brief)
    hashes = [_File(path="SKILL.md", sha256=entry.sha256)] if not entry.files else entry.files
    try:
        current = portable(_bundle(origin, entry.name, _keys(base, hashes)))
    except BadInputError as error:
        yield Told(skill=entry.name, reason=error.brief)
        return
    day = _DAY.match(entry.uploaded_at)
    versions.append(FoundVersion(number=last, bundle=current, day=day.group() if day else ""))
    kept: list[FoundVersion] = []
    for version in versions:
        # a name that changed on the way would make two skills of one
        named = msgspec.structs.replace(
            version, bundle=msgspec.structs.replace(version.bundle, name=current.name)
        )
        if version.bundle.name != current.name:
            yield Told(
                skill=entry.name, version=version.number, reason=f"It was named {version.bundle.name} then."
            )
        elif not kept or content_of(kept[-1].bundle) != content_of(named.bundle):
            kept.append(named)
    yield Found(name=current.name, versions=kept)


def _snapshot_of(origin: Origin, name: str, base: str) -> Bundle | None:
    """A version that was kept; None where there is none of that number."""
    listed = origin.get(f"{base}/bundle.json", MAX_MANIFEST)
    if listed is None:
        only = origin.get(f"{base}/SKILL.md", 0)
        return None if only is None else _bundle(origin, name, _keys(base, [_File(path="SKILL.md")]))
    try:
        files = _snapshot.decode(listed).files
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInputError("Its bundle.json is not one.") from error
    return _bundle(origin, name, _keys(base, files or [_File(path="SKILL.md")]))


def _keys(base: str, files: list[_File]) -> list[tuple[str, str, str]]:
    """Path in the skill, key, and hash of each file but litter. Raises BadInputError for a path that leads
    elsewhere."""
    if len(files) > MAX_FILES:
        raise BadInputError("It has too many files.", f"{len(files)} of {MAX_FILES}.")
    keys = []
    for file in files:
        path = check_path(file.path)
        if is_litter(path):
            continue
        keys.append((path, f"{base}/SKILL.md" if path == "SKILL.md" else f"{base}/files/{path}", file.sha256))
    return keys


def _bundle(origin: Origin, name: str, wanted: list[tuple[str, str, str]]) -> Bundle:
    """The files under these keys; BadInputError where one is gone, too large, or not what its hash says."""
    if len(wanted) > MAX_FILES:
        raise BadInputError("It has too many files.", f"{len(wanted)} of {MAX_FILES}.")
    files: list[File] = []
    left = MAX_BYTES
    for path, key, sha256 in wanted:
        data = origin.get(key, left)
        if data is None:
            raise BadInputError(f"Its file {ascii(path)[1:-1]} is not there.")
        left -= len(data)
        if left < 0:
            raise BadInputError("It is too large.", f"{MAX_BYTES >> 20} MB are taken.")
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise BadInputError(f"Its file {ascii(path)[1:-1]} is not what the record's hash says.")
        files.append(File(path=path, data=data, executable=origin.executable(key)))
    check_files(files)
    return Bundle(name=name, files=sorted(files, key=lambda file: file.path.encode()))


def _unwanted(part: str) -> bool:
    return part.startswith(".") or part in LITTER


def _inside(folder: str, other: str) -> bool:
    return folder != other and folder.startswith(f"{other}/" if other else "")


def _number(version: int | str) -> int:
    digits = re.search(r"\d{1,9}", str(version))
    return max(1, int(digits.group())) if digits else 1


def _plain(name: str) -> bool:
    """Whether `name` is one folder's name, so that a key made with it stays in its place."""
    try:
        return "/" not in name and check_path(name) == name
    except BadInputError:
        return False
