"""Archives that somebody else made: nothing of them reaches the disk, and what is there stays."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from backups import archive, files_of, small_home
from cli import fails, ok
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError, SkillClawError, UpgradeNeededError, VerifyError
from skillclaw.server.backup import back_up, restore
from skillclaw.server.backup import packing as packing_module
from skillclaw.server.backup.records import Entry, Head, LeftOut

GOOD = [("config.toml", b""), ("keys/a/member.key", b"k" * 64)]


def refused(place: Path, file: Path, kind: type[SkillClawError] = BadInputError) -> SkillClawError:
    """The error; nothing of the archive is anywhere, and the home is as it was."""
    before = files_of(place)
    with pytest.raises(kind) as found:
        restore(place / "home", file)
    now = files_of(place)
    assert {name: now[name] for name in now if not name.endswith(".lock")} == {
        name: before[name] for name in before if not name.endswith(".lock")
    }
    assert not (place / "home").exists()
    return found.value


def test_the_maker_of_archives_makes_good_ones(tmp_path: Path) -> None:
    assert restore(tmp_path / "home", archive(tmp_path / "f", GOOD)).files == 2


PATHS = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a//x",
    "./x",
    "a/.",
    "",
    "a\\..\\x",
    "a\nb",
    "keys/..",
    "BACKUP.json/../x",
]


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_leave_the_folder(tmp_path: Path, path: str) -> None:
    file = archive(tmp_path / "f", [("config.toml", b""), (path, b"mine")])
    assert "no path inside a home" in str(refused(tmp_path, file))


KINDS = {
    "symlink": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "long name": tarfile.GNUTYPE_LONGNAME,
    "attributes": tarfile.XHDTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_regular_files(tmp_path: Path, kind: str) -> None:
    def patch(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = KINDS[kind], "/etc/passwd"

    file = archive(tmp_path / "f", [("x", b"")], patch=patch)
    assert "no regular file" in str(refused(tmp_path, file))


def test_a_file_that_says_that_it_is_huge(tmp_path: Path) -> None:
    def patch(info: tarfile.TarInfo) -> None:
        info.size = 1 << 60

    file = archive(tmp_path / "f", [("x", b"")], patch=patch)
    assert "no room" in str(refused(tmp_path, file, SkillClawError))


def test_a_manifest_that_says_that_it_is_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skillclaw.server.backup import restoring

    monkeypatch.setattr(restoring, "MOST_MANIFEST", 40)
    assert "says that it has" in str(refused(tmp_path, archive(tmp_path / "f", GOOD)))


def test_a_bomb_is_stopped_by_the_disk_and_not_by_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    from skillclaw.server.backup import restoring

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda place: usage(0, 0, (64 << 20) + 1000))
    file = archive(tmp_path / "f", [("x", bytes(50 << 20))])
    assert file.stat().st_size < 50_000
    assert "no room" in str(refused(tmp_path, file, SkillClawError))


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for names in (("x", "x"), ("x", "x/y")):
        file = archive(tmp_path / "f", [(name, b"") for name in names])
        assert "twice" in str(refused(tmp_path, file))


def test_names_that_differ_in_capitals_come_back_as_they_were(tmp_path: Path) -> None:
    """A skill in the quarantine may hold two such files; no backup of the home may be lost by that."""
    folder = small_home(tmp_path) / "quarantine" / "x"
    (folder / "README.md").write_bytes(b"one")
    (folder / "readme.md").write_bytes(b"two")
    if (folder / "README.md").read_bytes() == b"two":
        pytest.skip("this disk takes the two for one")
    ok("backup", str(tmp_path / "f"), home=tmp_path)
    ok("restore", str(tmp_path / "f"), "--over", home=tmp_path)
    assert ((folder / "README.md").read_bytes(), (folder / "readme.md").read_bytes()) == (b"one", b"two")


WRONG: dict[str, Any] = {
    "another hash": lambda made: {"files": [{"path": "config.toml", "size": 0, "sha256": "0" * 64}, made[1]]},
    "a file less": lambda made: {"files": made[:1]},
    "a file more": lambda made: {"files": [*made, {"path": "y", "size": 0, "sha256": "0" * 64}]},
    "no list": lambda made: {"files": 7},
    "none at all": lambda made: None,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_manifest_that_does_not_fit(tmp_path: Path, wrong: str) -> None:
    import msgspec

    file = archive(tmp_path / "f", GOOD, manifest=lambda made: WRONG[wrong](msgspec.to_builtins(made.files)))
    refused(tmp_path, file)


def test_a_newer_format_is_told_and_left(tmp_path: Path) -> None:
    file = archive(tmp_path / "f", GOOD, head=Head(format=2, version="9.9", made="then"))
    assert "9.9" in str(refused(tmp_path, file, UpgradeNeededError))
    said = fails("restore", str(file), home=tmp_path / "cli")
    assert "Upgrade" in said and not (tmp_path / "cli" / ".skillclaw").exists()


def test_a_newer_seal_is_told_and_left(tmp_path: Path) -> None:
    import hashlib

    file = archive(tmp_path / "f", GOOD, passphrase=b"correct horse")
    data = bytearray(file.read_bytes())
    data[7] = 9
    data[-32:] = hashlib.sha256(data[: -packing_module._END]).digest()
    file.write_bytes(data)
    with pytest.raises(UpgradeNeededError):
        restore(tmp_path / "home", file, passphrase=b"correct horse")


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    refused(tmp_path, tmp_path / "f")
    (tmp_path / "f").write_bytes(b"")
    refused(tmp_path, tmp_path / "f")
    refused(tmp_path, tmp_path / "none", SkillClawError)
    (tmp_path / "f").unlink()
    (tmp_path / "f").mkdir()
    refused(tmp_path, tmp_path / "f", SkillClawError)


def _whole() -> tuple[bytes, bytes]:
    """An archive and a sealed one."""
    with tempfile.TemporaryDirectory() as place:
        home = small_home(Path(place), size=5000)
        back_up(home, Path(place) / "plain")
        archive(Path(place) / "sealed", GOOD, passphrase=b"correct horse")
        return (Path(place) / "plain").read_bytes(), (Path(place) / "sealed").read_bytes()


@given(data=st.data())
def test_a_torn_or_altered_file_is_refused_wherever(data: st.DataObject) -> None:
    global MADE
    MADE = MADE or _whole()
    whole = data.draw(st.sampled_from(MADE))
    at = data.draw(st.integers(0, len(whole) - 1))
    torn = data.draw(st.booleans())
    changed = (
        whole[:at]
        if torn
        else whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    )
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "f"
        file.write_bytes(changed)
        with pytest.raises((BadInputError, VerifyError)):
            restore(Path(place) / "home", file, passphrase=b"correct horse")
        assert sorted(path.name for path in Path(place).iterdir() if path.suffix != ".lock") == ["f"]


MADE: tuple[bytes, bytes] | None = None


@given(st.binary(max_size=3000), st.booleans())
def test_any_tar_in_a_whole_archive_is_an_error_or_a_home(inside: bytes, after_a_head: bool) -> None:
    """What passes the outer hash is anybody's too: the reader of the tar meets any bytes."""
    import io

    from skillclaw.server.backup.packing import members

    good = b""
    if after_a_head:
        info = tarfile.TarInfo("BACKUP.json")
        info.size = 2
        good = info.tobuf(tarfile.USTAR_FORMAT) + b"{}" + bytes(510)
    try:
        for member in members(io.BytesIO(good + inside)):
            assert ".." not in member.path.split("/")
            for _ in member.parts():
                pass
    except BadInputError:
        pass


def test_records_say_what_they_hold(tmp_path: Path) -> None:
    """What people see of a manifest: every file, its hash, what was left out."""
    own = small_home(tmp_path)
    (own / "quarantine" / "x" / "link").symlink_to("x")
    ok("backup", str(tmp_path / "f"), home=tmp_path)
    with packing_module.opened(tmp_path / "f", None) as stream:
        found = {one.path: one.all(1 << 20) for one in packing_module.members(stream)}
    import msgspec

    from skillclaw.server.backup.records import Manifest

    manifest = msgspec.json.decode(found["MANIFEST.json"], type=Manifest)
    assert LeftOut(path="quarantine/x/link", why="it is no regular file") in manifest.left_out
    assert all(isinstance(entry, Entry) and len(entry.sha256) == 64 for entry in manifest.files)
    assert b"as secret as the home" in found["BACKUP.json"]
