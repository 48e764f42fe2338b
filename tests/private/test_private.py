"""What keeps files and memory from others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from skillclaw.errors import StorageError
from skillclaw.hub.store import Store
from skillclaw.private import append_file, private_folder, whole_file

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes, links and limits of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", "utf-8")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text("utf-8") == "old"
    with whole_file(path) as file:
        file.write(b"new")
    assert path.read_text("utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


@POSIX
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("mine", "utf-8")
    link.symlink_to(victim)
    with pytest.raises(OSError):
        append_file(link)
    with whole_file(link) as file:
        file.write(b"new")
    assert victim.read_text("utf-8") == "mine"
    assert not link.is_symlink()
    assert mode(link) == 0o600


@POSIX
def test_what_is_appended_to_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\n", "utf-8")
    path.chmod(0o666)
    with append_file(path) as file:
        file.write(b"two\n")
    assert path.read_text("utf-8") == "one\ntwo\n"
    assert mode(path) == 0o600


@POSIX
def test_an_open_folder_is_closed_and_a_shared_one_refused(tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    wide.chmod(0o777)
    private_folder(wide)
    assert mode(wide) == 0o700
    wide.chmod(0o1777)
    with pytest.raises(StorageError, match="yours alone"):
        private_folder(wide)
    assert mode(wide) == 0o1777


@POSIX
def test_nobody_needs_a_home_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users of services have none."""
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    private_folder(folder)
    assert mode(folder) == 0o700
    assert not (tmp_path / "nobody").exists()


CODE = """
import ctypes, os, resource, subprocess, sys
from skillclaw import private
libc = ctypes.CDLL(None)
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
before = os.umask(0o022)
private.close_files(); private.close_files(); private.no_dumps()
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
if sys.platform == "linux":
    assert libc.prctl(3, 0, 0, 0, 0) == 0
assert os.umask(0o077) == 0o077
private.as_the_user_made(); private.as_the_user_made()
assert os.umask(0o022) == 0o022
"""


@POSIX
def test_no_dump_and_the_umask_of_the_user_comes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


@POSIX
def test_a_hubs_objects_are_as_readable_as_its_folder(tmp_path: Path) -> None:
    """Whatever the umask: a folder that a group shares stays one, a private one is private."""
    for wanted in (0o700, 0o750, 0o755):
        folder = tmp_path / oct(wanted)
        folder.mkdir()
        folder.chmod(wanted)
        old = os.umask(0o077 if wanted != 0o700 else 0)
        try:
            store = Store(str(folder))
            store.put("objects/aa", b"x")
            assert store.create("jobs/1/claims/0.json", b"{}")
        finally:
            os.umask(old)
        for path in folder.rglob("*"):
            assert mode(path) == (wanted if path.is_dir() else wanted & 0o666), path
