"""Releases that hold files which systems and interpreters leave in folders."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from test_library_sync import World, actions, bundle

from skillclaw.library import HubView
from skillclaw.library.records import FileMark
from skillclaw.skills.bundle import pack, unpack, version
from skillclaw.skills.records import Bundle, File

LITTER = [
    File(path="assets/desktop.ini", data=b"[.ShellClassInfo]\n"),
    File(path="Thumbs.db", data=b"\0"),
    File(path="scripts/.DS_Store", data=b"\0"),
    File(path="scripts/__pycache__/run.cpython-311.pyc", data=b"\0"),
]
NAMES = sorted(path.path for path in LITTER)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def littered(text: str, *more: File) -> Bundle:
    made = bundle("git", text, *LITTER, *more)
    assert version(unpack(pack(made), "git")) == version(made)
    return made


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_release_with_litter_is_installed_without_it_updated_and_withdrawn(world: World) -> None:
    world.release(littered("one"))
    assert {action for action, *_ in actions(world.sync())} == {"installed"}
    assert set(world.states().values()) == {"installed"}
    assert names(world.targets[0] / "git") == ["SKILL.md", "scripts/run.sh"]
    world.release(littered("two"))
    assert {action for action, *_ in actions(world.sync())} == {"updated"}
    assert "two" in (world.targets[0] / "git" / "SKILL.md").read_text()
    world.skills["git"] = replace(world.skills["git"], current=None, stage="archived")
    assert {action for action, *_ in actions(world.sync())} == {"removed"}
    assert not list(world.targets[0].iterdir())


def test_a_copy_that_an_older_version_installed_with_litter_is_no_edit_either(world: World) -> None:
    world.release(littered("one"))
    world.sync()
    book = world.home / "library.json"
    known = msgspec.json.decode(book.read_bytes())
    for entry in known["installed"]:
        for file in LITTER:
            place = Path(entry["target"]) / "git" / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.data)
            entry["files"][file.path] = msgspec.to_builtins(FileMark(sha256="0" * 64))
    book.write_bytes(msgspec.json.encode(known))
    assert set(world.states().values()) == {"installed"}
    world.release(littered("two"))
    assert {action for action, *_ in actions(world.sync())} == {"updated"}
    assert names(world.targets[0] / "git") == ["SKILL.md", "scripts/run.sh"]
    assert not any(name in book.read_text("utf-8") for name in NAMES)


def test_litter_that_a_release_changed_is_no_conflict_with_an_edit(world: World) -> None:
    world.release(littered("one"))
    world.sync()
    place = world.targets[0] / "git"
    (place / "notes.md").write_text("mine")
    changed = [replace(file, data=b"changed") for file in LITTER]
    world.release(bundle("git", "two", *changed))
    world.sync()
    view = HubView(name="personal", state=world.state(), fetch=lambda r: world.bundles[r.version])
    (row,) = world.library.merge("git", [view], lambda one: [])
    assert (row.state, row.conflicts) == ("merged", [])
    assert names(place) == ["SKILL.md", "notes.md", "scripts/run.sh"]
    assert "two" in (place / "SKILL.md").read_text()
