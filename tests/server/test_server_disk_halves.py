"""What the matrix of faults looks at right behind a fault sees half a skill wherever it lies."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from broken_disk import disk, why_none
from broken_home import World
from broken_skills import FOLDERS, STAGE, halves, released
from hubs_at_hand import Hubs, bundle
from test_server_disk_commands import tried

from skillclaw.library.folders import to_folder
from skillclaw.skills.records import File

RUN = File(path="scripts/run.sh", data=b"#!/bin/sh\nls\n", executable=True)
PACKER = bundle("packer", "- Pack it.\n- Look at it.", RUN)
OWN = ".claude/skills/own"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a skill that its hub released, whole in every folder, and one of the user's own."""
    hubs = Hubs(tmp_path)
    hubs.release(hubs.machine.hub, PACKER)
    for one in FOLDERS:
        (hubs.home / one).mkdir(parents=True, exist_ok=True)
        to_folder(PACKER, hubs.home / one / ("packer@0123" if "quarantine" in one else "packer"))
    (hubs.home / OWN).mkdir()
    (hubs.home / OWN / "SKILL.md").write_text("my own\n", "utf-8")
    return hubs.home


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def other_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"Pack", b"Push"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


def test_what_is_whole_or_absent_is_no_half(home: Path) -> None:
    assert {name for name, _ in released(home)} == {"packer"}
    assert halves(home, released(home), {}) == []
    shutil.rmtree(home / "target" / "packer")
    (home / "target" / f"{STAGE}0123-4567" / "new").mkdir(parents=True)  # being put together
    assert halves(home, released(home), {}) == []
    shutil.rmtree(home / "target")
    assert halves(home, released(home), {}) == []


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("file", ["SKILL.md", "scripts/run.sh"])
@pytest.mark.parametrize("harm", [half, other_bytes, empty, gone])
def test_half_a_skill_is_seen(home: Path, folder: str, file: str, harm: Callable[[Path], None]) -> None:
    (place,) = (home / folder).glob("packer*")
    if harm is other_bytes and file != "SKILL.md":
        (place / file).chmod(0o644)  # its bytes, but not its mode
    else:
        harm(place / file)
    assert halves(home, released(home), {}) == [str(place.relative_to(home))]


def test_what_no_hub_released_is_seen_and_so_is_what_was_done_to_the_users_own(home: Path) -> None:
    new = home / ".claude" / "skills" / "new"
    new.mkdir()
    assert halves(home, released(home), {}) == [".claude/skills/new"]
    new.rmdir()
    to_folder(bundle("new", "- Whole, and released by nobody."), new)
    assert halves(home, released(home), {}) == [".claude/skills/new"]
    shutil.rmtree(new)
    edited = home / ".agents" / "skills" / "packer" / "SKILL.md"
    edited.write_text("mine now\n", "utf-8")
    assert halves(home, released(home), {edited: "mine now\n"}) == []
    half(edited)
    half(home / OWN / "SKILL.md")
    assert halves(home, released(home), {edited: "mine now\n"}) == [OWN, ".agents/skills/packer"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made")
@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("sync", "target/npm-know-how/SKILL.md"),
        ("proposals approve", ".claude/skills/build-project/SKILL.md"),
        ("connect", ".claude/settings.json"),
    ],
)
def test_the_matrix_fails_where_a_command_leaves_a_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, planted: str
) -> None:
    (tmp_path / "home").mkdir()
    with disk(tmp_path / "home") as made:
        world = World(made, tmp_path / "kept")
        world.make()
        run = world.run

        def harmful(
            *args: str, limits: Mapping[int, int] | None = None, **more: Any
        ) -> subprocess.CompletedProcess[str]:
            done = run(*args, limits=limits, **more)
            if limits:
                path = world.root / planted
                path.parent.mkdir(exist_ok=True)
                path.write_text("---\nname: build-", "utf-8")
            return done

        monkeypatch.setattr(world, "run", harmful)
        with pytest.raises(
            AssertionError, match=r"target/npm-know-how|skills/build-project|settings stand half"
        ):
            tried(world, name, "file size", 500)
