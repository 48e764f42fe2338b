"""Several hubs at once: who has a name, who takes whose place; and edits that meet a newer release."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from skillclaw.errors import StorageError
from skillclaw.hub import HubState, Release, SkillState
from skillclaw.library import HubView, Library, SyncReport, from_folder
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Verdict


def bundle(text: str, name: str = "git") -> Bundle:
    head = f"---\nname: {name}\ndescription: How to {name}.\n---\n"
    return Bundle(name=name, files=[File(path="SKILL.md", data=f"{head}{text}\n".encode())])


class Hub:
    """A hub whose state is written by hand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.skills: dict[str, SkillState] = {}
        self.bundles: dict[str, Bundle] = {}
        self.readable = True
        self.lost: set[str] = set()
        self.fetched: list[str] = []
        self.more: dict[str, object] = {}

    def release(self, one: Bundle, **more: object) -> str:
        made = version(one)
        self.bundles[made] = one
        known = self.skills.get(one.name, SkillState(name=one.name, current=None, stage="stable"))
        fields = {"scope": "global", "stage": "stable", "proposal": None, "sidecar": None, **more}
        release = Release(
            skill=one.name,
            version=made,
            object="0" * 64,
            base=known.current,
            seq=1,
            time="",
            **fields,  # type: ignore[arg-type]
        )
        self.skills[one.name] = replace(
            known, current=made, stage=release.stage, releases=[*known.releases, release]
        )
        return made

    def withdraw(self, name: str = "git", *, revoked: bool = False) -> None:
        known = self.skills[name]
        releases = [replace(r, stage="revoked") if revoked else r for r in known.releases]
        stage = "revoked" if revoked else "archived"
        self.skills[name] = replace(known, current=None, stage=stage, releases=releases)

    def view(self) -> HubView:
        state = HubState(group=self.name, seq=1, head="", skills=self.skills) if self.readable else None
        return HubView(name=self.name, state=state, fetch=self.fetch, **self.more)  # type: ignore[arg-type]

    def fetch(self, release: Release) -> Bundle:
        self.fetched.append(release.version)
        if release.version in self.lost:
            raise StorageError("Object 0 is not in the hub.")
        return self.bundles[release.version]


class World:
    """A home with two skills folders and two hubs, the personal one first."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.targets = [place / "claude", place / "agents"]
        for target in self.targets:
            target.mkdir()
        self.library = Library(self.home, self.targets)
        self.personal, self.team = Hub("personal"), Hub("team")
        self.hubs = [self.personal, self.team]
        self.refused: set[str] = set()

    def check(self, one: Bundle) -> list[Verdict]:
        bad = version(one) in self.refused
        return [Verdict(check="scan", verdict="reject", reason="It is bad.")] if bad else []

    def views(self) -> list[HubView]:
        return [hub.view() for hub in self.hubs]

    def sync(self, *, auto_merge: bool = False) -> SyncReport:
        return self.library.sync(self.views(), self.check, auto_merge=auto_merge)

    def holds(self, text: str | None, name: str = "git") -> bool:
        """Whether both folders hold the skill with this text, or not at all."""
        if text is None:
            return not any((target / name).exists() for target in self.targets)
        return all(from_folder(target / name, name) == bundle(text, name) for target in self.targets)

    def edit(self, text: str, at: int = 0) -> Path:
        path = self.targets[at] / "git" / "SKILL.md"
        path.write_bytes(bundle(text).files[0].data)
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def actions(report: SyncReport) -> list[tuple[str, str]]:
    return sorted({(change.action, change.hub) for change in report.changes})


def rows(world: World) -> Mapping[str, tuple[str, str]]:
    return {f"{row.hub}@{Path(row.target).name}": (row.state, row.detail) for row in world.library.status()}


def test_the_first_hub_has_the_name_and_the_next_takes_its_place_when_it_withdraws(world: World) -> None:
    world.personal.release(bundle("mine"))
    world.team.release(bundle("theirs"))
    world.team.release(bundle("deploy so", "deploy"))
    report = world.sync()
    assert world.holds("mine")
    assert world.holds("deploy so", "deploy")
    assert ("shadowed", "team") in actions(report)
    assert "team/git is shadowed by personal." in report.lines()
    assert rows(world)["team@"] == ("shadowed", "shadowed by personal")
    assert world.sync().unchanged == 4
    world.personal.withdraw()
    report = world.sync()
    assert world.holds("theirs")
    assert actions(report) == [("installed", "team"), ("removed", "personal")]
    assert {state for state, _ in rows(world).values()} == {"installed"}


def test_a_hub_that_comes_first_takes_the_place_of_an_unedited_copy_alone(world: World) -> None:
    world.team.release(bundle("theirs"))
    world.sync()
    mine = world.edit("edited by me")
    kept = mine.read_bytes()
    world.personal.release(bundle("personal"))
    report = world.sync()
    assert mine.read_bytes() == kept
    assert from_folder(world.targets[1] / "git", "git") == bundle("personal")
    assert ("replaced", "personal") in actions(report)
    assert ("edited", "personal") in actions(report)
    told = rows(world)
    assert told["team@claude"][0] == "edited"
    assert told["personal@agents"][0] == "installed"
    mine.write_bytes(bundle("theirs").files[0].data)
    world.sync()
    assert world.holds("personal")
    assert {row.hub for row in world.library.status() if row.target} == {"personal"}


def test_two_hubs_with_the_same_files_change_hands_without_a_write(world: World) -> None:
    world.team.release(bundle("same"))
    world.sync()
    inode = (world.targets[0] / "git").stat().st_ino
    world.personal.release(bundle("same"))
    assert world.sync().unchanged == 2
    assert (world.targets[0] / "git").stat().st_ino == inode
    assert {row.hub for row in world.library.status() if row.target} == {"personal"}


@pytest.mark.parametrize("which", ["personal", "team"])
def test_a_hub_that_cannot_be_read_changes_nothing_and_stops_no_other(world: World, which: str) -> None:
    world.personal.release(bundle("mine"))
    world.team.release(bundle("so", "deploy"))
    world.sync()
    away, here = (world.personal, world.team) if which == "personal" else (world.team, world.personal)
    away.readable = False
    here.release(bundle("new", "fresh"))
    for hub in world.hubs:
        hub.fetched.clear()
    assert actions(world.sync()) == [("installed", here.name)]
    assert world.holds("mine")
    assert world.holds("so", "deploy")
    assert world.holds("new", "fresh")
    assert away.fetched == []
    # the name stays with the hub that cannot be read, though another offers it
    if which == "personal":
        here.release(bundle("theirs"))
        assert ("shadowed", "team") in actions(world.sync())
        assert world.holds("mine")
    away.readable = True
    away.withdraw("git" if which == "personal" else "deploy")
    world.sync()
    assert world.holds("theirs" if which == "personal" else None, "git" if which == "personal" else "deploy")


def test_a_hub_that_forgot_a_skill_or_left_the_settings_removes_nothing(world: World) -> None:
    world.team.release(bundle("theirs"))
    world.sync()
    skills, world.team.skills = world.team.skills, {}
    world.sync()
    assert world.holds("theirs")
    world.team.skills = skills
    world.hubs = [world.personal]
    world.sync()
    assert world.holds("theirs")
    world.personal.release(bundle("mine"))
    world.sync()
    assert world.holds("mine")


def test_a_revoked_skill_goes_to_quarantine_and_the_next_hub_has_the_place(world: World) -> None:
    world.personal.release(bundle("mine"))
    world.team.release(bundle("theirs"))
    world.sync()
    world.personal.withdraw(revoked=True)
    assert ("quarantined", "personal") in actions(world.sync())
    assert world.holds("theirs")
    assert len(world.library.quarantined()) == 2


def test_what_a_check_refuses_does_not_take_a_place(world: World) -> None:
    world.team.release(bundle("theirs"))
    world.sync()
    world.refused.add(world.personal.release(bundle("bad")))
    report = world.sync()
    assert ("refused", "personal") in actions(report)
    assert world.holds("theirs")
    assert rows(world)["team@claude"][0] == "installed"
    assert rows(world)["personal@claude"] == ("failed", "a check refused it: scan: It is bad.")


def test_each_hub_that_is_shadowed_is_shown(world: World) -> None:
    world.hubs.append(Hub("other"))
    for hub in world.hubs:
        hub.release(bundle(hub.name))
    world.sync()
    told = rows(world)
    assert told["team@"] == told["other@"] == ("shadowed", "shadowed by personal")
    world.personal.withdraw()
    world.sync()
    assert world.holds("team")
    assert rows(world)["other@"] == ("shadowed", "shadowed by team")


def test_uninstall_by_name_is_for_every_hub_and_with_a_hub_for_that_one(world: World) -> None:
    world.personal.release(bundle("mine"))
    world.team.release(bundle("theirs"))
    world.sync()
    world.library.uninstall("git", "personal")
    world.sync()
    assert world.holds("theirs")
    world.library.uninstall("git")
    world.sync()
    assert world.holds(None)
    assert world.library.accept("git") == ["git"]
    world.sync()
    assert world.holds("mine")


def test_a_canary_comes_to_those_who_drew_it_and_the_others_keep_the_stable_one(world: World) -> None:
    world.team.release(bundle("stable"))
    world.sync()
    world.team.release(bundle("canary"), stage="canary")
    world.team.more = {"client": "me", "canary": 0.0}
    world.sync()
    assert world.holds("stable")
    world.team.more = {"client": "me", "canary": 1.0}
    world.sync()
    assert world.holds("canary")
    world.team.more = {"client": "me", "canary": 0.0}
    world.team.release(bundle("another"), stage="canary")
    world.sync()
    assert world.holds("stable"), "the canary before has no stage of its own to stay"
    known = world.team.skills["git"]
    releases = [*known.releases[:-1], replace(known.releases[-1], stage="stable")]
    world.team.skills["git"] = replace(known, stage="stable", releases=releases)
    world.sync()
    assert world.holds("another")


def test_a_skill_of_one_project_comes_where_the_project_is_known_and_then_stays(world: World) -> None:
    world.team.release(bundle("one"), scope="project", project="p-1")
    world.team.more = {"projects": frozenset({"p-2"})}
    world.sync()
    assert world.holds(None)
    world.team.more = {"projects": frozenset({"p-1"})}
    world.sync()
    assert world.holds("one")
    world.team.more = {"projects": frozenset()}
    world.team.release(bundle("two"), scope="project", project="p-1")
    world.sync()
    assert world.holds("two")


def test_a_copy_that_the_user_deleted_is_not_replaced_by_another_hub(world: World) -> None:
    world.team.release(bundle("theirs"))
    world.sync()
    shutil.rmtree(world.targets[0] / "git")
    world.personal.release(bundle("mine"))
    world.sync()
    assert not (world.targets[0] / "git").exists()
    assert from_folder(world.targets[1] / "git", "git") == bundle("mine")


# Edits that meet a newer release

OLD = "first\nsecond\nthird\nfourth\nfifth"
MINE = OLD.replace("first", "first, mine")
NEW = OLD.replace("fifth", "fifth, newer")
BOTH = NEW.replace("first", "first, mine")
CLASH = OLD.replace("first", "first, theirs")


def test_a_merge_keeps_the_edit_and_takes_the_release(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    newer = world.team.release(bundle(NEW))
    (line,) = [line for line in world.sync().lines() if "as you edited it" in line]
    assert "would merge cleanly" in line
    assert "skillclaw skills merge team/git" in line
    (row,) = world.library.merge("git", world.views(), world.check, write=False)
    assert row.state == "clean"
    assert from_folder(world.targets[0] / "git", "git") == bundle(MINE)
    (row,) = world.library.merge("git", world.views(), world.check)
    assert (row.state, row.version) == ("merged", newer)
    assert from_folder(world.targets[0] / "git", "git") == bundle(BOTH)
    assert rows(world)["team@claude"] == ("edited", "you changed it, so it stays as it is")
    assert world.sync().lines() == []
    (row,) = world.library.merge("git", world.views(), world.check)
    assert row.state == "nothing"
    # once the edit itself is released, the copy is the release
    world.team.release(bundle(BOTH))
    world.sync()
    assert world.holds(BOTH)
    assert {state for state, _ in rows(world).values()} == {"installed"}


def test_a_conflict_writes_nothing_unless_a_side_is_named(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    world.team.release(bundle(CLASH))
    (line,) = [line for line in world.sync(auto_merge=True).lines() if "as you edited it" in line]
    assert "conflicts with it in 1 place." in line
    (row,) = world.library.merge("git", world.views(), world.check)
    assert row.state == "conflicts"
    assert row.conflicts[0].mine == ["first, mine\n"]
    assert row.conflicts[0].theirs == ["first, theirs\n"]
    assert from_folder(world.targets[0] / "git", "git") == bundle(MINE)
    (row,) = world.library.merge("git", world.views(), world.check, prefer="ours")
    assert row.state == "merged"
    assert from_folder(world.targets[0] / "git", "git") == bundle(MINE)
    world.team.release(bundle(CLASH + "\nsixth"))
    (row,) = world.library.merge("git", world.views(), world.check, prefer="theirs")
    assert from_folder(world.targets[0] / "git", "git") == bundle(MINE + "\nsixth")


def test_auto_merges_where_nothing_conflicts(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    world.team.release(bundle(NEW))
    report = world.sync(auto_merge=True)
    assert ("merged", "team") in actions(report)
    assert from_folder(world.targets[0] / "git", "git") == bundle(BOTH)
    assert from_folder(world.targets[1] / "git", "git") == bundle(NEW)
    assert rows(world)["team@claude"][0] == "edited"
    assert world.sync(auto_merge=True).lines() == []


def test_a_release_that_is_refused_or_lost_is_not_merged(world: World) -> None:
    first = world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    newer = world.team.release(bundle(NEW))
    world.refused.add(newer)
    assert world.library.merge("git", world.views(), world.check)[0].state == "failed"
    world.refused.clear()
    world.team.lost.add(first)
    (row,) = world.library.merge("git", world.views(), world.check)
    assert (row.state, row.detail) == ("failed", "the version that it was made from cannot be had")
    world.team.lost = {newer}
    assert world.library.merge("git", world.views(), world.check)[0].state == "failed"
    assert from_folder(world.targets[0] / "git", "git") == bundle(MINE)


def test_a_merge_cut_off_before_it_was_remembered_loses_nothing(world: World) -> None:
    world.team.release(bundle(OLD))
    world.sync()
    world.edit(MINE)
    book = (world.home / "library.json").read_bytes()
    world.team.release(bundle(NEW))
    world.library.merge("git", world.views(), world.check)
    (world.home / "library.json").write_bytes(book)
    assert rows(world)["team@claude"][0] == "edited"
    assert from_folder(world.targets[0] / "git", "git") == bundle(BOTH)
    (row,) = world.library.merge("git", world.views(), world.check)
    assert row.state == "merged", "the same merge again comes to the same"
    assert from_folder(world.targets[0] / "git", "git") == bundle(BOTH)
