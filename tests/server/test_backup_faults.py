"""Kills and full disks while a home is backed up and restored."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from backups import KEPT, files_of, small_home
from broken_disk import disk, why_none
from cli import ok

from skillclaw.errors import StorageError
from skillclaw.server.backup import back_up, restore

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")

TOUCHES = frozenset(
    {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.listdir", "sqlite3.connect"}
)
HOOK = """
import os, signal, sys
from pathlib import Path
from skillclaw.server.backup import back_up, restore
point, touches = int(sys.argv[1]), set(sys.argv[2].split())
seen = 0
def hook(event, args):
    global seen
    # a call of C that no event tells of (the exchange) stands between two that are told
    if event in touches or (event == "ctypes.dlsym" and args[1] in ("renameat2", "renamex_np")):
        seen += 1
        if seen > point:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def child(code: str, point: int, *args: object) -> int:
    """How a process ended that dies right before its `point`-th touch of the disk; 0: it came through."""
    pid = os.fork()
    if pid == 0:
        try:
            sys.argv = ["-c", str(point), " ".join(TOUCHES), *map(str, args)]
            scope: dict[str, object] = {}
            exec(HOOK, scope)
            sys.addaudithook(scope["hook"])  # type: ignore[arg-type]
            exec(code, scope)
            os._exit(0)
        finally:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


RESTORE = "restore(Path(sys.argv[3]), Path(sys.argv[4]), over=True)"


def kept_in(home: Path) -> dict[str, bytes]:
    """The files of a home that count, and are the old ones or the new ones, whole."""
    return {name: data for name, data in files_of(home).items() if name in KEPT}


def killed_in_restore(place: Path, points: range) -> int:
    """Kill restores at these points; how many were killed."""
    made = small_home(place / "made")
    file = place / "file"
    back_up(made, file)
    new = kept_in(made)
    killed = 0
    for point in points:
        world = place / f"w{point}"
        home = small_home(world, size=10)
        (home / "config.toml").write_text("# the old one\n")
        old = kept_in(home)
        code = child(RESTORE, point, home, file)
        assert code in (0, -signal.SIGKILL), code
        killed += code != 0
        there = kept_in(home)
        assert there in (old, new), point
        if there == new:
            asides = [path for path in world.iterdir() if ".before-" in path.name]
            assert [kept_in(path) for path in asides] == [old], point
        restore(home, file, over=True)  # and the next one finds its way
        assert kept_in(home) == new
        left = [path.name for path in world.iterdir() if ".restoring-" in path.name]
        assert not left, point
        if code == 0:
            break
    else:
        raise AssertionError("the points do not reach the end")
    return killed


def test_a_kill_leaves_the_old_home_or_the_new_one(tmp_path: Path) -> None:
    assert killed_in_restore(tmp_path, range(0, 2000, 23)) >= 3


@pytest.mark.slow
def test_a_kill_before_each_touch_of_the_disk(tmp_path: Path) -> None:
    assert killed_in_restore(tmp_path, range(2000)) > 60


TIMED = """
import sys
from pathlib import Path
from skillclaw.server.backup import restore
print(flush=True)
restore(Path(sys.argv[1]), Path(sys.argv[2]), over=True)
"""


def killed_by_the_clock(place: Path, count: int) -> int:
    """Kill the command at random moments; how many were killed before they ended."""
    made = small_home(place / "made", size=200_000)
    back_up(made, place / "file")
    new, killed, chance = kept_in(made), 0, random.Random(7)
    for number in range(count):
        world = place / f"c{number}"
        home = small_home(world, size=10)
        (home / "config.toml").write_text("# the old one\n")
        old = kept_in(home)
        running = subprocess.Popen(
            [sys.executable, "-c", TIMED, home, place / "file"], stdout=subprocess.PIPE
        )
        assert running.stdout is not None
        running.stdout.read(1)
        time.sleep(chance.uniform(0, 0.15))
        running.kill()
        killed += running.wait() != 0
        running.stdout.close()
        assert kept_in(home) in (old, new), number
    return killed


@pytest.mark.slow
def test_a_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    assert killed_by_the_clock(tmp_path, 100) > 10


def test_a_kill_in_a_backup_leaves_no_half_one(tmp_path: Path) -> None:
    own = small_home(tmp_path / "a")
    for point in (0, 5, 10, 15, 20, 25):
        file = tmp_path / f"f{point}"
        code = child("back_up(Path(sys.argv[3]), Path(sys.argv[4]))", point, own, file)
        assert code in (0, -signal.SIGKILL)
        if file.exists():
            restore(tmp_path / f"h{point}", file)
        else:
            assert code == -signal.SIGKILL
    assert ok("backup", str(tmp_path / "good"), home=tmp_path / "a")


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
from skillclaw.errors import StorageError
try:
    {act}
except StorageError as error:
    assert "ulimit -f" in str(error), error
    os._exit(3)
"""


def test_a_limit_of_file_sizes_leaves_everything_as_it_was(tmp_path: Path) -> None:
    own = small_home(tmp_path / "a")
    (own / "quarantine" / "x" / "noise").write_bytes(os.urandom(100_000))
    file = tmp_path / "file"
    act = "back_up(Path(sys.argv[4]), Path(sys.argv[5]))"
    assert child(FULL.format(act=act), 10**9, 50_000, own, file) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    back_up(own, file)
    before = files_of(own)
    act = "restore(Path(sys.argv[4]), Path(sys.argv[5]), over=True)"
    assert child(FULL.format(act=act), 10**9, 50_000, own, file) == 3
    now = {name: data for name, data in files_of(own).items() if not name.startswith("run/")}
    assert now == {name: data for name, data in before.items() if not name.startswith("run/")}
    assert not [path for path in (tmp_path / "a").iterdir() if ".restoring-" in path.name]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    own = small_home(tmp_path / "a")
    back_up(own, tmp_path / "file")
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(StorageError):
        back_up(own, tmp_path / "shut" / "file")
    with pytest.raises(StorageError):
        restore(tmp_path / "shut" / "home", tmp_path / "file")


@pytest.mark.skipif(bool(why_none()), reason=why_none())
@pytest.mark.parametrize("mounted", ["tmpfs", "bind"])
def test_a_home_where_a_disk_is_mounted_is_refused_with_the_way(tmp_path: Path, mounted: str) -> None:
    """As a container's volume: `bind` is one of the same file system, which looks like a folder."""
    made, place = small_home(tmp_path / "made"), tmp_path / "volume"
    back_up(made, tmp_path / "file")
    place.mkdir()
    script = 'mount --bind "$0" "$0" && exec "$@"' if mounted == "bind" else 'exec "$@"'
    with disk(place) as small:
        where = place if mounted == "tmpfs" else place / "in"
        (small.root / "in").mkdir()

        def restored(*more: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "skillclaw", "restore", str(tmp_path / "file"), *more]
            inner = ["unshare", "-m", "sh", "-c", script, str(where), *command]
            return subprocess.run(
                small.argv(*inner),
                env=small.environ({}),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        refused = restored("--home", str(where), "--over")
        assert refused.returncode == 1 and refused.stderr.startswith("error: Nothing can take the place of")
        assert f"--home {where}/home" in refused.stderr and "Traceback" not in refused.stderr
        assert [path.name for path in small.root.rglob("*") if not path.name.endswith(".lock")] == ["in"]
        done = restored("--home", str(where / "home"))
        assert done.returncode == 0, done.stderr
        if mounted == "tmpfs":
            assert kept_in(small.root / "home") == kept_in(made)


def test_a_home_in_a_folder_of_somebody_else_is_refused_with_the_way(tmp_path: Path) -> None:
    """As a service's state folder: its parent is root's."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        home, file = Path(name, "state"), Path(name, "file")
        back_up(small_home(tmp_path / "made"), file)
        home.mkdir()
        file.chmod(0o644)
        home.parent.chmod(0o555)
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if os.getuid() == 0:
                    os.setuid(65534)
                restore(home, file)
            except StorageError as error:
                os.write(writes, " ".join((error.what, error.why, error.todo)).encode())
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, encoding="utf-8") as said:
            told = said.read()
        os.waitpid(pid, 0)
        assert told.startswith(f"Nothing can take the place of {home}. This user may not write in {name}.")
        assert f"--home {home / 'home'}" in told
        assert sorted(path.name for path in home.parent.iterdir()) == ["file", "state"]
