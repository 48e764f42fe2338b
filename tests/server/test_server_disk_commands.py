"""Every command that writes, on a disk that is full, fills in its middle, has no files left, is
write-protected, or under limits of file size, open files and memory that are lowered until it feels them: it
says so, right then no skill stands half and no settings file is cut off, and it goes through once the fault
is gone. `FAULT_SIZES` (bytes that are left, with commas) makes the sweep longer, and in the file `FAULT_FELT`
is written at which steps of a limit each command failed.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from broken_commands import is_whole, ran_clearly, undone, well
from broken_disk import disk, why_none
from broken_home import World
from broken_more import ALL
from broken_skills import halves, released

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made"),
]
SIZES = [int(one) for one in os.environ.get("FAULT_SIZES", "").split(",") if one]
FELT = os.environ.get("FAULT_FELT")
SWEEP = SIZES or [0, 4096, 8192, 16384, 32768, 49152, 65536, 98304, 131072, 262144]
UNDONE = (
    "sessions forget",
    "skills revoke",
    "skills archive",
    "skills rollback",
    "hub init",
    "proposals approve",
)
"""What is true once the first part is written, and is completed by the next cycle or sync."""
Done = subprocess.CompletedProcess[str]
FEW = ("import", "sync", "connect", "proposals approve")


@dataclass(frozen=True)
class Limit:
    """One of the process: its number, how it is lowered, what tells of it, and commands that need nothing of
    it even at the last step."""

    number: int
    steps: tuple[int, ...]
    told: str
    needless: tuple[str, ...] = ()


LIMITS = {
    "file size": Limit(
        resource.RLIMIT_FSIZE,
        (2000, 500, 32),
        "File too large|EFBIG",
        ("status", "skills candidates", "skills restore", "service remove"),
    ),
    "open files": Limit(
        resource.RLIMIT_NOFILE,
        (8, 7, 6, 5, 4),
        "Too many (open files|files are open)",
        ("config set", "skills candidates", "service install", "service remove"),
    ),
    "memory": Limit(
        resource.RLIMIT_AS,
        tuple(mib << 20 for mib in (400, 200, 150, 120, 80, 50, 40, 32, 28, 24)),
        "not enough memory|new thread|Cannot allocate|failed to map|MemoryError",
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("disk")
    place = base / "home"
    place.mkdir()
    with disk(place) as made:
        found = World(made, base / "kept")
        found.make()
        yield found


def tried(
    world: World, name: str, fault: str, size: int = 0, *, until_felt: bool = False, brief: bool = False
) -> Done:
    """Run a command under a fault, then without; how it ended under the fault. Nothing may stand half in
    between, and all has to be well then. With `until_felt` that is asked only where the fault made it fail,
    and `brief` leaves out what takes further commands.
    """
    command = ALL[name]
    world.back()
    command.prepare(world)
    before, releases = world.settings, released(world.root)
    if fault == "room":
        world.disk.leave(size)
    elif fault == "files":
        world.disk.leave(1 << 20, files=size)
    elif fault == "read-only":
        world.disk.read_only(True)
    limits = {LIMITS[fault].number: size} if fault in LIMITS else {}
    done = world.run(*command.given(world), environ=command.around(world), limits=limits)
    world.disk.read_only(False)
    world.disk.free()
    ran_clearly(done.returncode, done.stdout, done.stderr)
    amid = world.settings
    releases |= released(world.root)
    assert not (half := halves(world.root, releases, world.edits)), half
    assert amid == before or is_whole(amid), "agents' settings stand half"
    if until_felt and not done.returncode:
        return done
    again = world.run(*command.given(world), environ=command.around(world))
    if command.once and again.returncode:
        # it was done the first time, all of it or what cannot be taken back, and says so
        assert again.stderr.startswith("error: ") and "Traceback" not in again.stderr, again.stderr
        assert done.returncode == 0 or name in UNDONE, (done.stderr, again.stderr)
    else:
        assert again.returncode == 0, f"{done.stderr}\n{again.stdout}\n{again.stderr}"
    assert amid in (before, world.settings), "neither the settings of before nor of behind"
    if command.gone:
        undone(world)
    elif not command.reads and not brief:
        well(world, releases)
    return done


def felt(world: World, name: str, limit: str) -> list[int]:
    """Lower a limit step by step; those at which the command failed, each time by its own account of it."""
    found = []
    for size in LIMITS[limit].steps:
        done = tried(world, name, limit, size, until_felt=limit == "memory")
        if done.returncode:
            found.append(size)
            said = done.stdout + done.stderr
            assert re.search(LIMITS[limit].told, said), said
            if limit == "memory":  # with less of it libraries end the process by themselves
                break
    return found


@pytest.mark.e2e
@pytest.mark.parametrize("name", [*FEW[:3], pytest.param(FEW[3], marks=pytest.mark.slow)])
def test_a_full_disk(world: World, name: str) -> None:
    assert tried(world, name, "room").returncode == 1, "without any room it cannot be done"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("fault", "size"), [("files", 0), ("read-only", 0), pytest.param("room", 16384, marks=pytest.mark.slow)]
)
def test_a_sync_under_every_other_fault(world: World, fault: str, size: int) -> None:
    done = tried(world, "sync", fault, size)
    assert done.returncode == 1 or fault == "room", "that much may be enough"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "limit", "size"),
    [("sync", "file size", 32), ("import", "open files", 6), ("feedback", "memory", 32 << 20)],
)
def test_a_command_that_feels_a_limit(world: World, name: str, limit: str, size: int) -> None:
    done = tried(world, name, limit, size, brief=name != "sync")
    assert done.returncode == 1 and re.search(LIMITS[limit].told, done.stderr), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_disk_that_fills_at_each_of_many_points(world: World, name: str) -> None:
    codes = [tried(world, name, "room", size).returncode for size in SWEEP]
    assert ALL[name].reads or ALL[name].frees or codes[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_disk_without_files_left_or_write_protected(world: World, name: str) -> None:
    for left in (0, 1, 3):
        tried(world, name, "files", left)
    assert tried(world, name, "read-only").returncode == 1 or ALL[name].reads


@pytest.mark.slow
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", sorted(ALL))
def test_limits_of_a_process(world: World, name: str, limit: str) -> None:
    steps = felt(world, name, limit)
    if FELT:
        with Path(FELT).open("a", encoding="utf-8") as file:
            file.write(f"{limit}\t{name}\t{steps}\n")
    assert steps or name in LIMITS[limit].needless
