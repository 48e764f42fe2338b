"""Copies of revoked skills that cannot be moved, that lie on another disk, and kills amid their move."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_library_faults import COMMON, KILLS

from skillclaw.sandbox import bubblewrap

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork, signals and POSIX modes")
BUBBLEWRAP = pytest.mark.skipif(bool(bubblewrap.missing()), reason="needs bubblewrap")

REVOKED = """
def revoked():
    now = state("one", "one")
    skills = {name: replace(skill, current=None, stage="revoked",
                            releases=[replace(r, stage="revoked") for r in skill.releases])
              for name, skill in now.skills.items()}
    view = HubView(name="personal", state=replace(now, skills=skills), fetch=None)
    return library.sync([view], lambda b: [])

def kept():
    return sorted(p.name for p in (home / "quarantine").iterdir())
"""
ON = """
for target in targets:
    target.mkdir(parents=True)
sync(library, "one")
"""
BESIDE_A_READ_ONLY_ONE = """
for _ in range(3):
    report = revoked()
    told = sorted((c.action, Path(c.target).name) for c in report.changes)
    assert told[:2] == [("failed", "claude")] * 2, told
    assert from_folder(targets[0] / "git", "git") == bundle("git", "one")
    assert sorted(p.name for p in targets[0].iterdir()) == ["git", "pytest"]
    names = kept()
    assert len(names) == 6 and len(library.quarantined()) == 2, names
    assert not any((targets[1] / name).exists() for name in ("git", "pytest"))
assert "Read-only file system" in report.lines()[0], report.lines()
"""
ACROSS = """
assert {c.action for c in revoked().changes} == {"quarantined"}
assert all(list(target.iterdir()) == [] for target in targets)
held = [one for one in library.quarantined() if one.skill == "git"]
assert from_folder(home / "quarantine" / held[0].id, "git") == bundle("git", "one")
back = library.restore(held[0].id)
assert from_folder(Path(back.place), "git") == bundle("git", "one")
assert len(kept()) == 9, kept()
"""
NO_RIGHTS = """
if os.geteuid() == 0:
    for path in (place, home, *targets, *place.rglob("*")):
        os.chown(path, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
sync(library, "one")
targets[0].chmod(0o555)
for _ in range(3):
    report = revoked()
    assert from_folder(targets[0] / "git", "git") == bundle("git", "one")
    assert len(kept()) == 6, kept()
targets[0].chmod(0o755)
assert {c.action for c in revoked().changes} == {"quarantined"}
assert len(kept()) == 12, kept()
"""
KILLED_ACROSS = (
    KILLS.split("SCENARIOS = {")[0]
    + """
point = 0
while True:
    for folder in (home, *targets):
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    sync(library, "one")
    died = killed_at(point, revoked)
    for target in targets:
        for name in ("git", "pytest"):
            held = [one for one in library.quarantined() if one.place == str(target / name)]
            whole = holds(target, name) if (target / name).exists() else None
            assert whole or held, (point, target, name)
            for one in held:
                assert from_folder(home / "quarantine" / one.id, name) == bundle(name, "one"), (point, one)
    revoked()
    assert all(list(target.iterdir()) == [] for target in targets), point
    assert {(one.skill, one.place) for one in library.quarantined()} == {
        (name, str(target / name)) for name in ("git", "pytest") for target in targets}, point
    assert not [name for name in kept() if ".skillclaw-tmp-" in name], (point, kept())
    if not died:
        break
    point += int(sys.argv[2])
print(point)
"""
)


def run(code: str, place: Path, *args: str, room: tuple[str, ...] = ()) -> str:
    line = [*room, sys.executable, "-c", COMMON + REVOKED + code, str(place), *args]
    done = subprocess.run(line, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def room(place: Path, how: str) -> tuple[str, ...]:
    """Where the first target is on a disk of its own, as the kernel sees it."""
    target = str(place / "claude")
    return ("bwrap", "--dev-bind", "/", "/", how, target, target, "--")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users may enter too."""
    made = Path(tempfile.mkdtemp(prefix="skillclaw-test-"))
    made.chmod(0o755)
    (made / "world").mkdir()
    yield made / "world"
    shutil.rmtree(made, ignore_errors=True)


@BUBBLEWRAP
def test_what_lies_on_a_read_only_disk_is_told_and_leaves_nothing_in_quarantine(place: Path) -> None:
    run(ON, place)
    run(BESIDE_A_READ_ONLY_ONE, place, room=room(place, "--ro-bind"))


def test_a_folder_that_cannot_be_moved_leaves_nothing_in_quarantine_until_it_can(place: Path) -> None:
    for folder in ("home", "claude", "agents"):
        (place / folder).mkdir()
    run(NO_RIGHTS, place)


@BUBBLEWRAP
def test_a_revoked_skill_on_another_disk_is_moved_and_put_back_whole(place: Path) -> None:
    run(ON, place)
    run(ACROSS, place, room=room(place, "--bind"))


@BUBBLEWRAP
def test_a_kill_amid_a_move_to_another_disk_leaves_it_in_one_place_whole(place: Path) -> None:
    run(ON, place)
    assert int(run(KILLED_ACROSS, place, "7", room=room(place, "--bind"))) > 50
