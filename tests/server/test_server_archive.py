"""A skill that a person archives, and brings back."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import fails, ok, ok_json
from hubs_at_hand import Hubs, bundle


def test_an_archived_skill_leaves_every_folder_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    hubs = Hubs(tmp_path)
    home, more = hubs.home, {"environ": hubs.environ}
    version = hubs.release(hubs.machine.hub, bundle("deploy", "- Do it."))
    hubs.sync()
    done = ok_json("skills", "archive", "deploy", "--why", "Not needed", home=home, **more)
    assert (done["name"], done["version"]) == ("deploy", version)
    assert hubs.text("deploy") is None
    assert "Not needed" in ok("skills", "log", "deploy", home=home, **more)
    assert "no current version" in fails("skills", "archive", "deploy", home=home, code=1, **more)
    ok("skills", "rollback", "deploy", "--to", version[:12], home=home, **more)
    assert hubs.text("deploy") == "- Do it."


def test_a_member_of_a_group_archives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    hubs = Hubs(tmp_path)
    hubs.admit()
    hubs.release(hubs.team, bundle("deploy", "- Do it."))
    assert "owner" in fails("skills", "archive", "team/deploy", home=hubs.home, code=2, environ=hubs.environ)
    assert hubs.team.state().skills["deploy"].current


def test_what_was_decided_is_told_where_the_rest_could_not_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the user decides a second time, and is told that there is nothing to decide."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    hubs = Hubs(tmp_path)
    hubs.release(hubs.machine.hub, bundle("deploy", "- Do it."))
    hubs.sync()
    book = hubs.home / ".skillclaw" / "library.json"
    whole = book.read_bytes()
    book.write_bytes(b"{")
    told = fails("skills", "revoke", "deploy", home=hubs.home, environ=hubs.environ).splitlines()
    assert "Revoked deploy: " in told[0] and "does not follow yet: " in told[0] and "library.json" in told[0]
    assert len(told) <= 3 and told[-1].strip().startswith("Once that is mended: skillclaw sync")
    assert hubs.text("deploy") is not None and hubs.machine.hub.state().skills["deploy"].current is None
    book.write_bytes(whole)
    ok("sync", home=hubs.home, environ=hubs.environ)
    assert hubs.text("deploy") is None
