"""Every command that writes, on a disk that is full, fills in its middle, has no files left, is
write-protected, or under limits of file size, open files and memory: it says so, nothing is cut off, and it
goes through once the fault is gone. `FAULT_SIZES` (bytes that are left, with commas) makes the sweep longer.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest
from broken_commands import ran_clearly, undone, well
from broken_disk import disk, why_none
from broken_home import World
from broken_more import ALL

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made"),
]
SIZES = [int(one) for one in os.environ.get("FAULT_SIZES", "").split(",") if one]
SWEEP = SIZES or [0, 4096, 8192, 16384, 32768, 49152, 65536, 98304, 131072, 262144]
UNDONE = ("sessions forget", "skills revoke", "hub init", "proposals approve")
"""What is true once the first part is written, and is completed by the next cycle or sync."""
FEW = ("import", "sync", "connect", "proposals approve")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("disk")
    place = base / "home"
    place.mkdir()
    with disk(place) as made:
        found = World(made, base / "kept")
        found.make()
        yield found


def tried(world: World, name: str, fault: str, size: int = 0) -> int:
    """Run a command under a fault, then without; its exit code under the fault. All has to be well then."""
    command, limits = ALL[name], {}
    world.back()
    command.prepare(world)
    if fault == "room":
        world.disk.leave(size)
    elif fault == "files":
        world.disk.leave(1 << 20, files=size)
    elif fault == "read-only":
        world.disk.read_only(True)
    elif fault == "file size":
        limits = {resource.RLIMIT_FSIZE: size}
    elif fault == "open files":
        limits = {resource.RLIMIT_NOFILE: size}
    elif fault == "memory":
        limits = {resource.RLIMIT_AS: size}
    done = world.run(*command.given(world), environ=command.around(world), limits=limits)
    world.disk.read_only(False)
    world.disk.free()
    ran_clearly(done.returncode, done.stdout, done.stderr)
    again = world.run(*command.given(world), environ=command.around(world))
    if command.once and again.returncode:
        # it was done the first time, all of it or what cannot be taken back, and says so
        assert again.stderr.startswith("error: ") and "Traceback" not in again.stderr, again.stderr
        assert done.returncode == 0 or name in UNDONE, (done.stderr, again.stderr)
    else:
        assert again.returncode == 0, f"{done.stderr}\n{again.stdout}\n{again.stderr}"
    if command.gone:
        undone(world)
    elif not command.reads:
        well(world)
    return done.returncode


@pytest.mark.e2e
@pytest.mark.parametrize("name", FEW)
def test_a_full_disk(world: World, name: str) -> None:
    assert tried(world, name, "room") == 1, "without any room it cannot be done"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("fault", "size"), [("files", 0), ("read-only", 0), ("room", 16384), ("file size", 2000)]
)
def test_a_sync_under_every_other_fault(world: World, fault: str, size: int) -> None:
    code = tried(world, "sync", fault, size)
    assert code == 1 or fault not in ("files", "read-only"), "for the others it may write little"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_disk_that_fills_at_each_of_many_points(world: World, name: str) -> None:
    codes = [tried(world, name, "room", size) for size in SWEEP]
    assert ALL[name].reads or ALL[name].frees or codes[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_disk_without_files_left_or_write_protected(world: World, name: str) -> None:
    for left in (0, 1, 3):
        tried(world, name, "files", left)
    assert tried(world, name, "read-only") == 1 or ALL[name].reads


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_limits_of_a_process(world: World, name: str) -> None:
    for fault, size in (
        ("file size", 2000),
        ("file size", 30_000),
        ("open files", 24),
        ("memory", 400 << 20),
    ):
        tried(world, name, fault, size)
