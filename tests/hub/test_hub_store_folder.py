"""A hub on a folder that is a mount: one without hard links, as FAT is, and one that goes away.

The kernel itself refuses the hard link (a seccomp filter in a child process), as such a file system does.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from skillclaw.errors import StorageError
from skillclaw.hub import Hub
from skillclaw.hub.store import Store

NUMBERS = {"x86_64": (86, 265), "aarch64": (37,)}

LINKLESS = """
import ctypes, struct, sys
numbers, errno = [int(n) for n in sys.argv[1].split(",")], int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
rows = [struct.pack("HBBI", 0x20, 0, 0, 0)]
for n in numbers:
    rows += [struct.pack("HBBI", 0x15, 0, 1, n), struct.pack("HBBI", 0x06, 0, 0, 0x50000 | errno)]
rows.append(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))
code = ctypes.create_string_buffer(b"".join(rows))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code)))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(77)
from pathlib import Path
from skillclaw.errors import StorageError
from skillclaw.hub import Hub
from skillclaw.hub.store import Store
place = Path(sys.argv[3])
store = Store(str(place))
store.put("objects/a", b"x")
for act in (
    store.probe,
    lambda: store.create("log/1", b"x"),
    lambda: Hub.open_or_create(str(place), place.parent / "keys", place.parent / "hubs.json").tombstone("k"),
):
    try:
        act()
    except StorageError as error:
        print(str(error).replace(chr(10), " | "))
    else:
        print("went through")
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() not in NUMBERS, reason="needs Linux's seccomp"
)
@pytest.mark.parametrize("errno", [1, 95])
def test_a_folder_without_hard_links_is_refused(tmp_path: Path, errno: int) -> None:
    numbers = ",".join(map(str, NUMBERS[platform.machine()]))
    place = tmp_path / "hub"
    hub = Hub.open_or_create(str(place), tmp_path / "keys", seen=tmp_path / "hubs.json")
    before = hub.state(), files(place)
    done = subprocess.run(
        [sys.executable, "-c", LINKLESS, numbers, str(errno), str(place)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip("this kernel takes no seccomp filter")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "cannot hold a hub" in line
        assert "hard links" in line
    assert (hub.state(), files(place) - {"objects/a"}) == before


def test_a_share_that_is_unmounted_is_not_an_empty_hub(tmp_path: Path) -> None:
    """The same path leads to another disk, on which nothing is."""
    disk, here = tmp_path / "disk", tmp_path.stat().st_dev
    known = (Path(name) for name in ("/dev/shm", "/var/tmp"))
    other = next((place for place in known if place.is_dir() and place.stat().st_dev != here), None)
    if other is None:
        pytest.skip("needs two file systems")
    with tempfile.TemporaryDirectory(dir=other) as empty:
        disk.mkdir()
        place = tmp_path / "share"
        place.symlink_to(disk)
        store = Store(str(place))
        hub = Hub.open_or_create(str(place), tmp_path / "keys", seen=tmp_path / "hubs.json")
        state = hub.state()
        place.unlink()
        place.symlink_to(empty)
        for act in (
            lambda: store.get("log/1", 10),
            lambda: store.put("objects/a", b"x"),
            lambda: store.create("sessions/a", b"x"),
            lambda: store.list("log"),
            lambda: store.delete("objects/a"),
            store.probe,
            hub.state,
            lambda: hub.tombstone("k"),
        ):
            with pytest.raises(StorageError, match="not there any more"):
                act()
        assert list(Path(empty).iterdir()) == []
        place.unlink()
        place.symlink_to(disk)
        assert hub.state() == state
        place.unlink()
        with pytest.raises(StorageError):
            store.get("log/1", 10)


def files(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
