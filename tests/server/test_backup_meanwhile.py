"""What changes while a backup is made, and what changed between it and its restore."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import Ran, session, write
from backups import small_home
from cli import fails, ok, ok_json
from hubs_at_hand import Hubs, bundle

from skillclaw.agents.connections import connected, connection
from skillclaw.hub import Hub
from skillclaw.server.backup import back_up, packing, restore
from skillclaw.server.sharing.view import clock


def test_files_of_peoples_own_are_in_it_whatever_their_names(tmp_path: Path) -> None:
    home = small_home(tmp_path)
    own = ("quarantine/s@1/uv.lock", "quarantine/s@1/data-journal", "cases/a/Cargo.lock", "notes/evolve.db")
    for name in own:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    back_up(home, tmp_path / "file")
    restore(tmp_path / "b", tmp_path / "file")
    assert [(tmp_path / "b" / name).read_text() for name in own] == list(own)
    assert not (tmp_path / "b" / "library.lock").exists()


def test_a_log_that_grows_meanwhile_is_not_cut_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that comes as the packing begins: what this machine saw of the log is not in the backup."""
    hubs = Hubs(tmp_path)
    hub = hubs.machine.hub
    hubs.release(hub, bundle("deploy", "- First."))
    began = packing.Packer.__init__

    def later(self: packing.Packer, *given: Any) -> None:
        began(self, *given)
        hubs.release(hub, bundle("deploy", "- Second."))

    monkeypatch.setattr(packing.Packer, "__init__", later)
    home = hubs.home / ".skillclaw"
    back_up(home, tmp_path / "file")
    new = tmp_path / "b"
    restore(new, tmp_path / "file")
    (home / "hub").rename(home / "gone")  # the new home goes where the old one was
    (new / "hub").rename(home / "hub")
    there = Hub.open(str(home / "hub"), new / "keys", new / "hubs.json")
    assert there.verify() == [] and there.state().skills["deploy"].current is not None


def test_while_releases_are_made_each_backup_holds(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    hubs.release(hubs.machine.hub, bundle("deploy", "- Begin."))
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            hubs.release(hubs.machine.hub, bundle(f"skill{number}", "- Do it."))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(6):
            back_up(hubs.home / ".skillclaw", tmp_path / f"file{number}")
    finally:
        over.set()
        writer.join()
    home = hubs.home / ".skillclaw"
    (home / "hub").rename(home / "gone")
    for number in range(6):
        new = tmp_path / f"b{number}"
        restore(new, tmp_path / f"file{number}")
        (new / "hub").rename(home / "hub")
        assert Hub.open(str(home / "hub"), new / "keys", new / "hubs.json").verify() == [], number
        (home / "hub").rename(new / "hub")


def claude(home: Path) -> Path:
    path = home / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"model": "opus"}\n')
    return path


def test_agents_that_come_and_go_meanwhile_can_be_put_back(tmp_path: Path) -> None:
    claude(tmp_path)
    small_home(tmp_path)
    home, over = tmp_path / ".skillclaw", threading.Event()

    def write() -> None:
        while not over.is_set():
            ok("connect", "claude-code", home=tmp_path)
            ok("disconnect", "claude-code", home=tmp_path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(12):
            back_up(home, tmp_path / f"file{number}")
    finally:
        over.set()
        writer.join()
    for number in range(12):
        restore(tmp_path / f"b{number}", tmp_path / f"file{number}")
        for name in connected(tmp_path / f"b{number}"):
            assert connection(tmp_path / f"b{number}", name) is not None


def test_an_agent_connected_after_the_backup_is_put_back_by_uninstall(tmp_path: Path) -> None:
    settings = claude(tmp_path)
    small_home(tmp_path)
    before = settings.read_bytes()
    ok("backup", str(tmp_path / "file"), home=tmp_path)
    ok("connect", "claude-code", home=tmp_path)
    assert settings.read_bytes() != before
    ok("restore", str(tmp_path / "file"), "--over", home=tmp_path)
    assert connected(tmp_path / ".skillclaw") == ["claude-code"]
    ok("uninstall", "--yes", home=tmp_path)
    assert settings.read_bytes() == before


def test_a_skill_installed_after_the_backup_is_still_ours(tmp_path: Path) -> None:
    """A member's machine: the group's log goes on, whatever becomes of the home."""
    hubs = Hubs(tmp_path)
    hubs.admit()
    home, more = hubs.home, {"environ": hubs.environ}
    ok("backup", str(tmp_path / "file"), home=home, **more)
    hubs.release(hubs.team, bundle("deploy", "- Do it."))
    ok("sync", home=home, **more)
    assert hubs.text("deploy") == "- Do it."
    ok("restore", str(tmp_path / "file"), "--over", home=home, **more)
    states = {row["skill"]: row["state"] for row in ok_json("skills", "edit-status", home=home, **more)}
    assert states == {"deploy": "installed"}
    hubs.team.commit("revoke", {"skill": "deploy", "version": None, "why": "harmful"}, role="owner")
    ok("sync", home=home, **more)
    assert hubs.text("deploy") is None, "it moves to quarantine as every copy does"


def test_what_was_denied_after_the_backup_lets_nothing_of_that_time_through(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    hubs.admit()
    home, more = hubs.home, {"environ": hubs.environ}
    ok("share", "allow", "--hub", "team", home=home, **more)
    sharing = home / ".skillclaw" / "sharing.json"
    ok("backup", str(tmp_path / "same"), home=home, **more)
    kept = sharing.read_bytes()
    same = ok_json("restore", str(tmp_path / "same"), "--over", home=home, **more)
    assert sharing.read_bytes() == kept and not any("denied" in line for line in same["todo"])
    long_ago = sharing.read_bytes().replace(clock()[:4].encode(), b"2020")
    sharing.write_bytes(long_ago)
    ok("backup", str(tmp_path / "file"), home=home, **more)
    ok("share", "deny", "--hub", "team", home=home, **more)
    at = clock()
    done = ok_json("restore", str(tmp_path / "file"), "--over", home=home, **more)
    assert any("share status" in line for line in done["todo"])
    grants = msgspec.json.decode(sharing.read_bytes())["grants"]
    assert any(one["value"] == "redacted" for one in grants.values())
    assert all(one["since"] >= at for one in grants.values() if one["value"] == "redacted"), grants


def test_what_is_never_to_be_shared_is_so_after_a_restore(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", [session("", 1, "Test it.", [Ran("npm test", 0, "ok")])])
    ok("import", str(path), home=tmp_path)
    (row,) = ok_json("sessions", "list", home=tmp_path)
    ok("backup", str(tmp_path / "file"), home=tmp_path)
    ok("sessions", "share", row["id"], "--never", home=tmp_path)
    ok("restore", str(tmp_path / "file"), "--over", home=tmp_path)
    with closing(sqlite3.connect(tmp_path / ".skillclaw" / "sessions.db")) as db:
        assert db.execute("SELECT key, mark FROM share_marks").fetchall() == [(row["id"], "never")]


def test_uninstall_takes_what_restores_left_and_names_what_they_moved_aside(tmp_path: Path) -> None:
    place = tmp_path / "user"
    home = small_home(place)
    ok("backup", str(tmp_path / "file"), home=place)
    ok("restore", str(tmp_path / "file"), "--over", home=place)
    (aside,) = place.glob(".skillclaw.before-*")
    half = place / ".skillclaw.restoring-0123456789ab"
    half.mkdir()
    (half / "key").write_text("in clear")
    (place / ".skillclaw.restoring-mine").mkdir()
    (place / ".skillclaw.before-noon").mkdir()
    told = ok("uninstall", "--yes", home=place)
    assert str(aside) in told and "noon" not in told and not home.exists()
    left = {path.name for path in place.iterdir()}
    assert left == {aside.name, ".skillclaw.restoring-mine", ".skillclaw.before-noon"}


def test_a_home_of_a_newer_version_takes_no_place(tmp_path: Path) -> None:
    home = small_home(tmp_path)
    (home / "library.json").write_text('{"v": 99}')
    back_up(home, tmp_path / "file")
    (home / "library.json").unlink()
    said = fails("restore", str(tmp_path / "file"), "--over", home=tmp_path)
    assert "Upgrade needed" in said and "library.json" in said
    assert (home / "config.toml").exists() and not list(tmp_path.glob(".skillclaw.before-*"))
