"""A skill as files: its version, and its form as one object. Pure: bytes in, bytes out.

The object is a deterministic tar (pax) under zstd: no times, no owners, modes 0644 or 0755, files in the
order of their UTF-8 paths. `unpack` reads what strangers wrote, so it takes nothing but regular files whose
names mean the same on Linux, macOS and Windows, and stops before a small object grows into a large one.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import unicodedata
from collections.abc import Iterable

from skillclaw import zstd
from skillclaw.errors import BadInputError
from skillclaw.skills.records import Bundle, File
from skillclaw.skills.tars import members

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "MAX_NAME",
    "MAX_PATH",
    "SKILL_BYTES",
    "SKILL_FILES",
    "check_files",
    "check_name",
    "check_path",
    "pack",
    "unpack",
    "version",
]

MAX_FILES = 500
"""Files in one bundle."""
MAX_BYTES = 20 * 1024 * 1024
"""Bytes of all files of one bundle together, unpacked."""
SKILL_FILES = 200
"""Files that a skill has at most to pass the gate; the format holds more."""
SKILL_BYTES = 2_000_000
"""Bytes that a skill has at most to pass the gate."""
MAX_PATH = 200
"""Characters of one path; leaves room for the skills folder under Windows' limit of 260."""
MAX_NAME = 64
"""Characters of a skill's name (agentskills.io)."""

_LEVEL = 19
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')
# fraction slash, division slash, big and small solidus, their backslashes, full-width forms
_LIKE_SLASHES = frozenset("\u2044\u2215\u29f8\u29f5\u29f9\ufe68\uff0f\uff3c")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: these names are devices, with any ending
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
_INVISIBLE = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
# tar's own headers: 1 KiB and two pax blocks for each file, and the end of the archive
_MAX_TAR = MAX_BYTES + MAX_FILES * 4096 + 64 * 1024


def version(bundle: Bundle) -> str:
    """The content hash of a bundle: the same on every machine, whatever the packing.

    SHA-256 over the lines `path NUL x|- NUL sha256(bytes) LF`, sorted by the UTF-8 bytes of the NFC path.
    """
    lines = sorted(
        (unicodedata.normalize("NFC", file.path).encode(), file.executable, file.data)
        for file in bundle.files
    )
    whole = hashlib.sha256()
    for path, executable, data in lines:
        mark = b"x" if executable else b"-"
        whole.update(path + b"\0" + mark + b"\0" + hashlib.sha256(data).hexdigest().encode() + b"\n")
    return whole.hexdigest()


def check_name(name: str) -> str:
    """`name` where it can be a skill's name and so a folder's; raises BadInputError."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise _bad(
            f"{_shown(name)} is not a skill's name.",
            f"A name is 1 to {MAX_NAME} of a-z, 0-9 and single hyphens within.",
        )
    if name in _DEVICES:
        raise _bad(f"{_shown(name)} is not a skill's name.", "Windows keeps this name for a device.")
    return name


def check_path(path: str) -> str:
    """`path` where it may name a bundle's file on every system; raises BadInputError with the reason.

    Relative, `/` between parts, NFC, no `.` or `..`, nothing that Windows refuses or reads otherwise, no
    invisible characters, at most MAX_PATH characters.
    """
    reason = _path_fault(path)
    if reason:
        raise _bad(f"A bundle's file cannot be named {_shown(path)}.", reason)
    return path


def _path_fault(path: str) -> str:
    if not path or len(path) > MAX_PATH:
        return f"A path has 1 to {MAX_PATH} characters."
    if any(unicodedata.category(char) in _INVISIBLE for char in path):
        return "It holds control or invisible characters."
    if unicodedata.normalize("NFC", path) != path:
        return "It is not in Unicode's composed form (NFC)."
    if not _NOT_ON_WINDOWS.isdisjoint(path):
        return "It holds a character that Windows does not allow."
    if not _LIKE_SLASHES.isdisjoint(path):
        return "It holds a letter that only looks like a slash."
    for part in path.split("/"):
        # some programs and old file systems take look-alikes, such as full-width letters, for the plain ones
        plain = unicodedata.normalize("NFKC", part)
        if plain in ("", ".", ".."):
            return "It is absolute, or leads out of the folder."
        if part[-1] in ". ":
            return "A part of it ends with a dot or a space, which Windows drops."
        if len(part.encode()) > 255:
            return "A part of it is longer than 255 bytes."
        if any(form.split(".", 1)[0].rstrip().casefold() in _DEVICES for form in (part, plain)):
            return "Windows keeps this name for a device."
        if plain.casefold().startswith(".skillclaw-"):
            return "SkillClaw keeps names that begin with .skillclaw- for itself."
    return ""


def check_files(files: Iterable[File]) -> None:
    """Raise BadInputError unless all files can lie in one folder on every system.

    Beyond `check_path`: no path twice, none that differ only by case or Unicode form, no file where
    another's folder is, at most MAX_FILES files and MAX_BYTES bytes.
    """
    size = 0
    spelled: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for count, file in enumerate(files, 1):
        size += len(file.data)
        if count > MAX_FILES:
            raise _bad("The bundle has too many files.", f"At most {MAX_FILES} are allowed.")
        if size > MAX_BYTES:
            raise _bad("The bundle is too large.", f"At most {MAX_BYTES // 2**20} MB are allowed.")
        check_path(file.path)
        parts = file.path.split("/")
        for end in range(1, len(parts) + 1):
            place = "/".join(parts[:end])
            kind = "file" if end == len(parts) else "folder"
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", place).casefold())
            known = kinds.setdefault(folded, kind)
            if spelled.setdefault(folded, place) != place or known != kind:
                raise _bad(
                    f"{_shown(place)} and {_shown(spelled[folded])} cannot lie in one folder.",
                    "On some systems they are the same name.",
                )
            if kind == "file":
                kinds[folded] = "taken"


def pack(bundle: Bundle) -> bytes:
    """The bundle as one object; equal bundles give equal bytes. Raises BadInputError (see check_files)."""
    check_files(bundle.files)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for file in sorted(bundle.files, key=lambda file: file.path.encode()):
            member = tarfile.TarInfo(file.path)
            member.size = len(file.data)
            member.mode = 0o755 if file.executable else 0o644
            archive.addfile(member, io.BytesIO(file.data))
    return zstd.compress(buffer.getvalue(), _LEVEL)


def unpack(data: bytes, name: str) -> Bundle:
    """The bundle that `pack` made, as skill `name`; raises BadInputError for anything else.

    Refused: links, devices, folders, sparse files, names that `check_path` refuses, colliding names, more
    than MAX_FILES files or MAX_BYTES bytes (before they take that much memory).
    """
    check_name(name)
    try:
        with zstd.reader(io.BytesIO(data)) as reader:
            raw = reader.read(_MAX_TAR + 1)
    except (zstd.Damaged, MemoryError) as error:
        raise _bad(f"The bundle of {name} cannot be read.", str(error)) from error
    if len(raw) > _MAX_TAR:
        raise _bad(f"The bundle of {name} is too large.", f"At most {MAX_BYTES // 2**20} MB are allowed.")
    files: list[File] = []
    try:
        for path, content, executable in members(raw):
            if len(files) == MAX_FILES:
                raise _bad(f"The bundle of {name} has too many files.", f"At most {MAX_FILES} are allowed.")
            files.append(File(path=check_path(path), data=content, executable=executable))
    except ValueError as error:
        raise _bad(f"The bundle of {name} cannot be read.", str(error)) from error
    check_files(files)
    return Bundle(name=name, files=sorted(files, key=lambda file: file.path.encode()))


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:77] + "...")


def _bad(what: str, why: str = "") -> BadInputError:
    return BadInputError(what, why, "Nothing was installed or changed.")
