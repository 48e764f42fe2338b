"""A skills folder on a disk that is away, modes that the user set, and a disk that fails at the very end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_library_hubs import BOTH, MINE, NEW, OLD, World, actions, bundle, rows

from skillclaw.library import swap
from skillclaw.library.folders import from_folder


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_revoked_skill_on_a_disk_that_was_away_is_quarantined_once_it_is_back(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    away = world.targets[0].rename(world.targets[0].with_name("away"))
    world.team.withdraw(revoked=True)
    world.sync()
    assert not (world.targets[1] / "git").exists()
    away.rename(world.targets[0])
    assert ("quarantined", "team") in actions(world.sync())
    assert not (world.targets[0] / "git").exists()
    world.sync()
    assert len(world.library.quarantined()) == 2


def test_a_revoked_skill_that_the_user_removed_is_gone(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    for target in world.targets:
        for path in (target / "git").iterdir():
            path.unlink()
        (target / "git").rmdir()
    world.team.withdraw(revoked=True)
    world.sync()
    assert rows(world) == {} and world.library.quarantined() == []


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_what_the_user_closed_to_others_stays_closed_in_a_merge(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    folder = world.targets[0] / "git"
    (folder / "private").mkdir(mode=0o700)
    (folder / "private/key").write_text("k", "utf-8")
    (folder / ".env").write_text("TOKEN=1\n", "utf-8")
    for path in (folder / ".env", folder / "private/key"):
        path.chmod(0o600)
    world.team.release(bundle(NEW))
    assert ("merged", "team") in actions(world.sync(auto_merge=True))
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    assert modes == {".env": 0o600, "private": 0o700, "key": 0o600, "SKILL.md": 0o644}
    assert (folder / "SKILL.md").read_bytes() == bundle(BOTH).files[0].data


@pytest.mark.parametrize("what", ["install", "update", "withdraw"])
def test_a_disk_that_fails_once_all_is_done_takes_nothing_back(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what != "install":
        world.team.release(bundle(OLD))
        world.sync()

    def fails(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(swap, "sync_folder", fails)
        if what == "withdraw":
            world.team.withdraw()
        else:
            world.team.release(bundle(NEW))
        world.sync()
    if what == "withdraw":
        assert world.holds(None) and rows(world) == {}
        return
    assert all(from_folder(target / "git", "git") == bundle(NEW) for target in world.targets)
    assert {state for state, *_ in rows(world).values()} == {"installed"}
    world.team.withdraw(revoked=True)
    assert {action for action, _ in actions(world.sync())} == {"quarantined"}
