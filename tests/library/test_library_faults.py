"""The library under kills, full disks, folders that cannot be written, and two syncs at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.name != "posix", reason="needs fork, signals and POSIX limits"),
]

COMMON = """
import os, signal, sys
from pathlib import Path
from msgspec.structs import replace
from skillclaw.hub import HubState, Release, SkillState
from skillclaw.library import HubView, Library, from_folder
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File

def bundle(name, text):
    return Bundle(name=name, files=[
        File(path="SKILL.md", data=(name + text * 3000).encode()),
        File(path="scripts/run.sh", data=text.encode(), executable=True)])

def state(current, *texts, names=("git", "pytest")):
    skills = {}
    for name in names:
        releases = [Release(skill=name, version=version(bundle(name, t)), object="0" * 64, sidecar=None,
                            base=None, proposal=None, stage="stable", seq=1, time="") for t in texts]
        now = version(bundle(name, current)) if current else None
        stage = "stable" if now else "archived"
        skills[name] = SkillState(name=name, current=now, stage=stage, releases=releases)
    return HubState(group="g", seq=1, head="", skills=skills)

def known(*texts):
    return {version(bundle(n, t)): bundle(n, t) for n in ("git", "pytest") for t in texts}

def sync(library, current, *texts):
    texts = texts or ("one", "two")
    found = known(*texts)
    view = HubView(name="personal", state=state(current, *texts), fetch=lambda r: found[r.version])
    return library.sync([view], lambda b: [])

def sync_two(library, personal, team):
    found = known("one", "two")
    views = [HubView(name=name, state=state(current, "one", "two"), fetch=lambda r: found[r.version])
             for name, current in (("personal", personal), ("team", team))]
    return library.sync(views, lambda b: [])

place = Path(sys.argv[1])
home, targets = place / "home", [place / "claude", place / "agents"]
library = Library(home, targets)
"""

KILLS = """
import shutil

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.scandir", "os.listdir"}

def killed_at(point, act):
    # a process that ends by SIGKILL right before its `point`-th touch of the disk; False when it came through
    child = os.fork()
    if child == 0:
        count = 0
        def hook(event, args):
            nonlocal count
            if event in EVENTS:
                count += 1
                if count > point:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

def holds(target, name):
    folder = target / name
    if not folder.exists():
        return None
    found = from_folder(folder, name)
    for text in ("one", "two"):
        if found == bundle(name, text):
            return text
    raise AssertionError(f"{folder} is neither old nor new: {[f.path for f in found.files]}")

SCENARIOS = {
    # what was there, what is done, what may be seen after a kill, what must be there after the next run
    "install": (None, lambda: sync(library, "one"), {None, "one"}, "one"),
    "update": ("one", lambda: sync(library, "two"), {None, "one", "two"}, "two"),
    "withdraw": ("one", lambda: sync(library, None), {None, "one"}, None),
    "uninstall": ("one", lambda: library.uninstall(None), {None, "one"}, None),
    # of two hubs: the first offers the names that the second has, and withdraws them again
    "take over": ("one", lambda: sync_two(library, "two", "one"), {None, "one", "two"}, "two"),
    "hand back": ("two", lambda: sync_two(library, None, "one"), {None, "one", "two"}, "one"),
}
before, act, allowed, after = SCENARIOS[sys.argv[2]]
point = 0
while True:
    shutil.rmtree(place, ignore_errors=True)
    for target in targets:
        (target / "own").mkdir(parents=True)
        (target / "own" / "SKILL.md").write_text("own")
    if sys.argv[2] == "take over":
        sync_two(library, None, before)
    elif sys.argv[2] == "hand back":
        sync_two(library, before, "one")
    elif before:
        sync(library, before)
    died = killed_at(point, act)
    for target in targets:
        for name in ("git", "pytest"):
            assert holds(target, name) in allowed, (point, target, name)
    # a run that touches one hub's other skills recovers what the dead one left
    if sys.argv[2] == "uninstall":
        sync(library, "one")
        assert not library.home.joinpath("x").exists()
        if library.status():
            library.uninstall(None)
    else:
        act()
    for target in targets:
        for name in ("git", "pytest"):
            assert holds(target, name) == after, (point, target, name, holds(target, name))
        there = sorted(p.name for p in target.iterdir())
        assert there == (["git", "own", "pytest"] if after else ["own"]), (point, there)
        assert (target / "own" / "SKILL.md").read_text() == "own"
    states = {row.state for row in library.status()} - {"shadowed"}
    assert states == ({"installed"} if after else set()), point
    hubs = {row.hub for row in library.status() if row.target}
    assert hubs <= {"team" if sys.argv[2] == "hand back" else "personal"}, (point, hubs)
    if not died:
        break
    point += int(sys.argv[3])
print(point)
"""


def run(code: str, *args: str, timeout: float = 60) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COMMON + code, *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users may enter too."""
    made = Path(tempfile.mkdtemp(prefix="skillclaw-test-"))
    made.chmod(0o755)
    yield made / "world"
    shutil.rmtree(made, ignore_errors=True)


SCENARIOS = ["install", "update", "withdraw", "uninstall", "take over", "hand back"]


@pytest.mark.parametrize("scenario", [*SCENARIOS[:-1], pytest.param(SCENARIOS[-1], marks=pytest.mark.slow)])
def test_a_kill_leaves_old_or_new_and_is_recovered(place: Path, scenario: str) -> None:
    assert int(run(KILLS, str(place), scenario, "17")) > 50


@pytest.mark.e2e
@pytest.mark.parametrize(
    "scenario",
    [*SCENARIOS[:2], SCENARIOS[3], *(pytest.param(SCENARIOS[n], marks=pytest.mark.slow) for n in (2, 4, 5))],
)
def test_a_kill_at_each_single_touch_of_the_disk_is_recovered(place: Path, scenario: str) -> None:
    # what two hubs do to each other takes twice as many touches; every second one will do
    step = "2" if scenario in SCENARIOS[4:] else "1"
    assert int(run(KILLS, str(place), scenario, step, timeout=110)) > 50


READ_ONLY = """
if os.geteuid() == 0:
    for path in (place, home, *targets, *place.rglob("*")):
        os.chown(path, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
sync(library, "one")
targets[0].chmod(0o555)
(targets[0] / "git").chmod(0o555)
report = sync(library, "two")
states = {(row.skill, Path(row.target).name): row.state for row in library.status()}
assert states == {("git", "claude"): "outdated", ("pytest", "claude"): "outdated",
                  ("git", "agents"): "installed", ("pytest", "agents"): "installed"}, states
assert from_folder(targets[0] / "git", "git") == bundle("git", "one")
assert from_folder(targets[1] / "git", "git") == bundle("git", "two")
print("\\n".join(report.lines()))
assert {c.action for c in library.uninstall(None).changes} == {"failed", "removed"}
assert from_folder(targets[0] / "git", "git") == bundle("git", "one")
targets[0].chmod(0o755)
(targets[0] / "git").chmod(0o755)
library.uninstall(None)
assert list(targets[0].iterdir()) == []
"""


def test_a_folder_that_cannot_be_written_stays_as_it_is_and_others_go_on(place: Path) -> None:
    for folder in ("home", "claude", "agents"):
        (place / folder).mkdir(parents=True)
    assert run(READ_ONLY, str(place)).count("Permission denied") == 2


FULL = """
import resource
for target in targets:
    target.mkdir(parents=True)
sync(library, "one")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8000, resource.RLIM_INFINITY))
report = sync(library, "two")
assert {c.action for c in report.changes} == {"failed"}, report
for target in targets:
    for name in ("git", "pytest"):
        assert from_folder(target / name, name) == bundle(name, "one")
    assert sorted(p.name for p in target.iterdir()) == ["git", "pytest"]
assert {row.state for row in library.status()} == {"outdated"}
# two hubs: what the first offers does not fit, so the second's stays, and nothing is lost
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sync_two(library, None, "one")
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
report = sync_two(library, "two", "one")
assert {c.action for c in report.changes} == {"failed", "shadowed"}, report
for target in targets:
    for name in ("git", "pytest"):
        assert from_folder(target / name, name) == bundle(name, "one")
told = {(row.hub, row.state) for row in library.status() if row.target}
assert told == {("team", "installed"), ("personal", "failed")}, told
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sync_two(library, "two", "one")
assert {row.hub for row in library.status() if row.target} == {"personal"}
sync(library, "one")
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    sync(library, "one", "one", "two", "three") and library.uninstall(None)
    raise SystemExit("went through")
except Exception as error:
    assert type(error).__name__ == "StorageError", error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sync(library, "two")
assert {row.state for row in library.status()} == {"installed"}
assert from_folder(targets[0] / "git", "git") == bundle("git", "two")
"""


def test_a_full_disk_leaves_the_old_version_whole(place: Path) -> None:
    run(FULL, str(place))


RACE = """
for n in range(12):
    if (n + int(sys.argv[2])) % 3 == 2:
        sync_two(library, None, "one")
    else:
        sync(library, "one" if (n + int(sys.argv[2])) % 2 else "two")
"""


def test_two_syncs_at_once_end_with_one_whole_version(place: Path) -> None:
    for target in ("claude", "agents"):
        (place / target).mkdir(parents=True)
    children = [
        subprocess.Popen([sys.executable, "-c", COMMON + RACE, str(place), str(n)], stderr=subprocess.PIPE)
        for n in range(2)
    ]
    for child in children:
        _, error = child.communicate(timeout=60)
        assert child.returncode == 0, error.decode()
    run(
        """
sync(library, "two")
assert [row.state for row in library.status()] == ["installed"] * 4
for target in targets:
    assert sorted(p.name for p in target.iterdir()) == ["git", "pytest"]
    assert from_folder(target / "git", "git") == bundle("git", "two")
""",
        str(place),
    )


EDITING = """
import threading, time
for target in targets:
    target.mkdir(parents=True)
path = targets[0] / "git" / "SKILL.md"
for n in range(30):
    sync(library, "one")
    stop = threading.Event()
    def edit():
        time.sleep(n * 0.0004)
        try:
            with path.open("r+b") as file:
                file.write(b"MINE")
        except FileNotFoundError:
            pass
    writer = threading.Thread(target=edit)
    writer.start()
    sync(library, "two")
    writer.join()
    rows = {(r.skill, Path(r.target).name): r.state for r in library.status()}
    text = path.read_bytes()
    # the edit is kept, or it went into a copy that was replaced in the same instant; never half of both
    assert rows["git", "claude"] == ("edited" if text.startswith(b"MINE") else "installed"), (n, rows)
    path.parent.rename(targets[0] / f"mine-{n}")
    library.accept(None)
"""


def test_an_edit_in_the_very_moment_of_a_sync_is_seen(place: Path) -> None:
    run(EDITING, str(place))
