"""The library: install, update, remove, and what stands in the way, on real folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError
from skillclaw.hub import HubState, Release, SkillState
from skillclaw.library import HubView, Library, SyncReport, foreign_skills, from_folder
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Verdict

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")


def bundle(name: str = "git", text: str = "one", *more: File) -> Bundle:
    head = f"---\nname: {name}\ndescription: How to {name}.\n---\n{text}\n"
    script = File(path="scripts/run.sh", data=b"#!/bin/sh\n", executable=True)
    return Bundle(name=name, files=[File(path="SKILL.md", data=head.encode()), script, *more])


class World:
    """A home, two skills folders, and a hub whose state is written by hand."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.targets = [place / "claude", place / "agents"]
        for target in self.targets:
            target.mkdir()
        self.library = Library(self.home, self.targets)
        self.bundles: dict[str, Bundle] = {}
        self.skills: dict[str, SkillState] = {}
        self.verdicts: list[Verdict] = []

    def release(self, *bundles: Bundle, **more: object) -> None:
        for one in bundles:
            made = version(one)
            self.bundles[made] = one
            known = self.skills.get(one.name, SkillState(name=one.name, current=None, stage="stable"))
            fields = {"scope": "global", "stage": "stable", **more}
            release = Release(
                skill=one.name,
                version=made,
                object="0" * 64,
                sidecar=None,
                base=known.current,
                proposal=None,
                seq=1,
                time="",
                **fields,  # type: ignore[arg-type]
            )
            self.skills[one.name] = replace(known, current=made, releases=[*known.releases, release])

    def state(self) -> HubState:
        return HubState(group="g", seq=1, head="", skills=self.skills)

    def sync(self, hub: str = "personal") -> SyncReport:
        view = HubView(name=hub, state=self.state(), fetch=lambda r: self.bundles[r.version])
        return self.library.sync([view], lambda b: self.verdicts)

    def states(self) -> dict[tuple[str, str], str]:
        return {(row.skill, Path(row.target).name): row.state for row in self.library.status()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(facts.st_mode) else b""
        found[str(path.relative_to(folder))] = (stat.S_IFMT(facts.st_mode) | facts.st_mode & 0o111, data)
    return found


def actions(report: SyncReport) -> list[tuple[str, str, str]]:
    return [(c.action, c.skill, Path(c.target).name) for c in report.changes]


def test_what_is_installed_is_byte_for_byte_what_was_released(world: World) -> None:
    world.release(bundle(), bundle("pytest"))
    report = world.sync()
    assert len(report.lines()) == 2
    assert all(line.startswith("Installed ") for line in report.lines())
    for target in world.targets:
        assert from_folder(target / "git", "git") == bundle()
        assert sorted(p.name for p in target.iterdir()) == ["git", "pytest"]
        if os.name == "posix":
            assert (target / "git" / "scripts" / "run.sh").stat().st_mode & 0o777 == 0o755
            assert (target / "git" / "SKILL.md").stat().st_mode & 0o777 == 0o644
            assert (world.home / "library.json").stat().st_mode & 0o777 == 0o600
    assert set(world.states().values()) == {"installed"}
    book = (world.home / "library.json").read_bytes()
    again = world.sync()
    assert again.lines() == []
    assert again.unchanged == 4
    assert (world.home / "library.json").read_bytes() == book


def test_a_skill_of_one_project_is_installed_once_and_stays(world: World) -> None:
    world.release(bundle(), scope="project", project="web-shop")
    assert sorted(actions(world.sync())) == [("installed", "git", "agents"), ("installed", "git", "claude")]
    inode = [(target / "git").stat().st_ino for target in world.targets]
    again = world.sync()
    assert actions(again) == []
    assert again.unchanged == 2
    assert [(target / "git").stat().st_ino for target in world.targets] == inode


def test_a_new_version_takes_the_old_ones_place_whole(world: World) -> None:
    world.release(bundle("git", "one", File(path="references/old.md", data=b"x")))
    world.sync()
    world.release(bundle("git", "two", File(path="references/new.md", data=b"y")))
    assert {action for action, *_ in actions(world.sync())} == {"updated"}
    assert from_folder(world.targets[0] / "git", "git").files[1].path == "references/new.md"
    assert [p.name for p in world.targets[0].iterdir()] == ["git"]


EDITS: dict[str, Callable[[Path], object]] = {
    "changed": lambda folder: (folder / "SKILL.md").write_text("mine"),
    "added": lambda folder: (folder / "notes.md").write_text("mine"),
    "removed": lambda folder: (folder / "scripts" / "run.sh").unlink(),
    "renamed": lambda folder: (folder / "SKILL.md").rename(folder / "OTHER.md"),
    "linked": lambda folder: (folder / "link").symlink_to("/etc"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_copy_stays_through_releases_and_withdrawal(world: World, kind: str) -> None:
    world.release(bundle())
    world.sync()
    mine = world.targets[0] / "git"
    EDITS[kind](mine)
    kept = tree(mine)
    assert world.states()["git", "claude"] == "edited"
    assert world.sync().lines() == []
    world.release(bundle("git", "two"))
    report = world.sync()
    assert sorted(actions(report)) == [("edited", "git", "claude"), ("updated", "git", "agents")]
    assert any("as you edited it" in line for line in report.lines())
    world.skills["git"] = replace(world.skills["git"], current=None, stage="archived")
    assert sorted(actions(world.sync())) == [("edited", "git", "claude"), ("removed", "git", "agents")]
    assert tree(mine) == kept
    world.library.uninstall("git")
    assert tree(mine) == kept


@POSIX
def test_a_changed_executable_bit_is_an_edit(world: World) -> None:
    world.release(bundle())
    world.sync()
    (world.targets[0] / "git" / "scripts" / "run.sh").chmod(0o644)
    assert world.states()["git", "claude"] == "edited"


def test_litter_is_no_edit_and_an_edit_taken_back_is_none(world: World) -> None:
    world.release(bundle())
    world.sync()
    place = world.targets[0] / "git"
    (place / ".DS_Store").write_text("x")
    (place / "scripts" / "__pycache__").mkdir()
    (place / "scripts" / "__pycache__" / "a.pyc").write_text("x")
    assert world.states()["git", "claude"] == "installed"
    text = (place / "SKILL.md").read_bytes()
    (place / "SKILL.md").write_text("mine")
    world.release(bundle("git", "two"))
    world.sync()
    assert world.states()["git", "claude"] == "edited"
    (edited,) = world.library.edited("git")
    assert {f.path: f.data for f in edited.bundle.files}["SKILL.md"] == b"mine"
    (place / "SKILL.md").write_bytes(text)
    assert world.states()["git", "claude"] == "outdated"
    assert world.library.edited("git") == []
    world.sync()
    assert from_folder(place, "git") == bundle("git", "two")


def test_an_edit_that_equals_the_release_is_taken_for_it(world: World) -> None:
    world.release(bundle())
    world.sync()
    newer = bundle("git", "two")
    (world.targets[0] / "git" / "SKILL.md").write_bytes(newer.files[0].data)
    world.release(newer)
    world.sync()
    assert set(world.states().values()) == {"installed"}


BLOCKS: dict[str, Callable[[Path], object]] = {
    "folder": lambda target: ((target / "git").mkdir(), (target / "git" / "SKILL.md").write_text("x")),
    "empty folder": lambda target: (target / "git").mkdir(),
    "file": lambda target: (target / "git").write_text("x"),
    "link": lambda target: (target / "git").symlink_to("/nowhere"),
    "other case": lambda target: (target / "Git").mkdir(),
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_what_others_put_there_blocks_and_stays(world: World, kind: str) -> None:
    BLOCKS[kind](world.targets[0])
    before = tree(world.targets[0])
    world.release(bundle())
    report = world.sync()
    assert sorted(actions(report)) == [("blocked", "git", "claude"), ("installed", "git", "agents")]
    assert any("not from SkillClaw" in line for line in report.lines())
    assert world.states() == {("git", "agents"): "installed", ("git", "claude"): "blocked"}
    world.library.uninstall(None)
    assert tree(world.targets[0]) == before
    assert tree(world.targets[1]) == {}


def test_uninstall_restores_what_was_there_and_sync_does_not_bring_it_back(world: World) -> None:
    (world.targets[0] / "own").mkdir()
    (world.targets[0] / "own" / "SKILL.md").write_text("own")
    before = tree(world.targets[0])
    world.release(bundle(), bundle("pytest"))
    world.sync()
    assert len(world.library.uninstall("git").lines()) == 1
    assert not (world.targets[0] / "git").exists()
    assert (world.targets[0] / "pytest").exists()
    with pytest.raises(BadInputError):
        world.library.uninstall("git")
    assert len(world.library.uninstall(None).lines()) == 1
    assert tree(world.targets[0]) == before
    world.release(bundle("git", "two"))
    assert world.sync().lines() == []
    assert tree(world.targets[0]) == before
    assert "Nothing was installed" in world.library.uninstall(None).lines()[0]
    assert world.library.accept("git") == ["git"]
    assert sorted(a for a, *_ in actions(world.sync())) == ["installed", "installed", "skipped"]


def test_a_copy_that_the_user_deleted_is_not_put_back(world: World) -> None:
    world.release(bundle())
    world.sync()
    for path in (world.targets[0] / "git").rglob("*"):
        if path.is_file():
            path.unlink()
    (world.targets[0] / "git" / "scripts").rmdir()
    (world.targets[0] / "git").rmdir()
    world.release(bundle("git", "two"))
    assert world.sync().lines() == [f"Updated git in {world.targets[1]}."]
    assert world.states()["git", "claude"] == "missing"
    world.library.accept("git")
    world.sync()
    assert set(world.states().values()) == {"installed"}


def test_only_a_signed_commit_removes(world: World) -> None:
    world.release(bundle())
    world.sync()
    kept = tree(world.targets[0])
    skills, world.skills = world.skills, {}
    assert world.sync().changes == []
    assert tree(world.targets[0]) == kept
    world.skills = skills

    def broken(release: Release) -> Bundle:
        raise StorageError("The hub could not be read.")

    world.release(bundle("git", "two"))
    view = HubView(name="personal", state=world.state(), fetch=broken)
    report = world.library.sync([view], lambda b: [])
    assert {action for action, *_ in actions(report)} == {"failed"}
    assert tree(world.targets[0]) == kept
    assert world.states()["git", "claude"] == "outdated"
    world.skills["git"] = replace(world.skills["git"], current=None, stage="archived")
    world.sync()
    assert tree(world.targets[0]) == {}
    assert world.library.status() == []


@pytest.mark.parametrize("edited", [False, True])
def test_a_revoked_version_goes_to_quarantine_edited_or_not(world: World, edited: bool) -> None:
    world.release(bundle())
    world.sync()
    place = world.targets[0] / "git"
    if edited:
        (place / "SKILL.md").write_text("mine")
    kept = tree(place)
    skill = world.skills["git"]
    bad = [replace(release, stage="revoked") for release in skill.releases]
    world.skills["git"] = replace(skill, current=None, stage="revoked", releases=bad)
    report = world.sync()
    assert [action for action, *_ in actions(report)] == ["quarantined", "quarantined"]
    assert tree(world.targets[0]) == {}
    held = sorted((world.home / "quarantine").iterdir())
    assert [path.suffix for path in held].count(".txt") == 2
    assert [path.suffix for path in held].count(".json") == 2
    assert any(path.is_dir() and tree(path) == kept for path in held)
    notice = next(path for path in held if path.suffix == ".txt").read_text("utf-8")
    assert "revoked" in notice
    assert "skills restore git@" in notice
    assert world.library.status() == []
    ids = [one.id for one in world.library.quarantined()]
    assert len(ids) == 2
    with pytest.raises(BadInputError, match="2 copies"):
        world.library.restore("git")
    back = world.library.restore(ids[0])
    assert tree(Path(back.place)) == kept or tree(world.targets[1] / "git") != kept
    assert [one.id for one in world.library.quarantined()] == ids[1:]
    world.sync()
    assert Path(back.place).is_dir(), "it is the user's own now"
    with pytest.raises(BadInputError, match="is there already"):
        world.library.restore(ids[1], Path(back.place))


def test_what_a_check_refuses_is_not_installed(world: World) -> None:
    world.release(bundle())
    world.verdicts = [Verdict(check="scan", verdict="reject", reason="It pipes the web into a shell.")]
    report = world.sync()
    assert any("pipes the web" in line for line in report.lines())
    assert tree(world.targets[0]) == {}
    assert world.states()["git", "claude"] == "failed"
    world.verdicts = []
    world.sync()
    assert world.states()["git", "claude"] == "installed"


def test_folders_are_made_but_no_long_paths(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / ".claude").mkdir()
    targets = [
        tmp_path / ".claude" / "skills",
        tmp_path / "not" / "mounted" / "skills",
        tmp_path / ".agents" / "skills",
    ]
    world.library = Library(world.home, targets)
    world.release(bundle())
    world.sync()
    assert [target.is_dir() for target in targets] == [True, False, True]
    world.library.uninstall(None)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == [".claude"]
    assert list((tmp_path / ".claude").iterdir()) == []


def test_a_target_that_links_to_another_is_one_folder(tmp_path: Path) -> None:
    world = World(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(world.targets[0])
    world.library = Library(world.home, [world.targets[0], link])
    world.release(bundle())
    assert len(world.sync().lines()) == 1
    world.library = Library(world.home, [link, world.targets[0]])
    world.release(bundle("git", "two"))
    assert [action for action, *_ in actions(world.sync())] == ["updated"]


def test_one_bad_folder_does_not_stop_the_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "file").write_text("x")
    world.library = Library(world.home, [tmp_path / "file", tmp_path / "file" / "below", world.targets[1]])
    world.release(bundle())
    report = world.sync()
    assert sorted(action for action, *_ in actions(report)) == ["failed", "failed", "installed"]
    assert "not a folder" in " ".join(report.lines())


@pytest.mark.parametrize("text", ["{", "[]", '{"installed":[{}]}'])
def test_a_broken_book_stops_before_anything_is_touched(world: World, text: str) -> None:
    world.release(bundle())
    world.sync()
    kept = tree(world.targets[0])
    (world.home / "library.json").write_text(text)
    world.release(bundle("git", "two"))
    for act in (world.sync, world.library.status, lambda: world.library.uninstall(None)):
        with pytest.raises(StorageError):
            act()
    (world.home / "library.json").write_text('{"v":2}')
    with pytest.raises(UpgradeNeededError):
        world.sync()
    assert tree(world.targets[0]) == kept


def test_foreign_skills_are_read_with_care(world: World, tmp_path: Path) -> None:
    target = world.targets[0]
    for name in ("good", "Also_Good", "no-head"):
        (target / name).mkdir()
        (target / name / "SKILL.md").write_bytes(bundle(name).files[0].data)
    (target / "no-head" / "SKILL.md").write_text("just text")
    (target / "no-skill").mkdir()
    (target / ".hidden").mkdir()
    (target / ".hidden" / "SKILL.md").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "SKILL.md").write_text("x")
    (target / "linked").symlink_to(tmp_path / "outside")
    (target / "inner").mkdir()
    (target / "inner" / "SKILL.md").symlink_to(tmp_path / "outside" / "SKILL.md")
    (target / "secret").mkdir()
    (target / "secret" / "SKILL.md").write_text("x")
    (target / "secret" / "key").symlink_to("/etc/passwd")
    (target / "huge").mkdir()
    (target / "huge" / "SKILL.md").write_text("x")
    with (target / "huge" / "big").open("wb") as file:
        file.truncate(30 * 2**20)
    found = foreign_skills([*world.targets, tmp_path / "absent"])
    assert {skill.name: skill.description for skill in found} == {
        "Also_Good": "How to Also_Good.",
        "good": "How to good.",
        "no-head": "",
    }
    assert found[1].bundle.files[0].path == "SKILL.md"


def test_two_homes_in_one_folder_leave_each_other_alone(tmp_path: Path) -> None:
    one = World(tmp_path)
    one.release(bundle())
    one.sync()
    other = Library(tmp_path / "other", one.targets)
    view = HubView(name="personal", state=one.state(), fetch=lambda r: bundle())
    report = other.sync([view], lambda b: [])
    assert {action for action, *_ in actions(report)} == {"blocked"}
    other.uninstall(None)
    assert one.sync().unchanged == 2
