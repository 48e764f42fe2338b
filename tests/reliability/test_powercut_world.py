"""What judges the disk after a power cut sees an entry of a hub's log that was told as done and is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import ok
from powercut_world import SKILL, facts, made, problems

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def last(log: Path) -> Path:
    return max(path for path in log.glob("*.json") if path.stem.isdigit())


def test_a_log_that_lost_its_last_entry_is_seen_where_the_command_was_over(tmp_path: Path) -> None:
    """Both the entry and what this machine remembers of the log are as before, so that the log verifies."""
    place = tmp_path / "world"
    place.mkdir()
    home = made(place)
    own = home / ".skillclaw"
    before = facts(home)
    seen = (own / "hubs.json").read_bytes()
    ok("hub", "invite", "--hub", "team", home=home)
    ok("skills", "revoke", SKILL, "--why", "harmful", home=home)
    after = facts(home)
    assert problems(home, before, after, over=True) == []
    for log in (place / "group" / "log", own / "hub" / "log"):
        entry = last(log)
        kept = entry.read_bytes()
        remembered = (own / "hubs.json").read_bytes()
        entry.unlink()
        (own / "hubs.json").write_bytes(seen)
        ok("hub", "verify", "--all", home=home)
        name = entry.relative_to(place)
        assert problems(home, before, after, over=True) == [f"hubs: {name} is gone"]
        assert problems(home, before, after, over=False) == [], "amid the command it may be there or not"
        entry.write_bytes(kept)
        (own / "hubs.json").write_bytes(remembered)
    assert problems(home, before, after, over=True) == []


def test_a_log_whose_entry_was_there_before_is_seen_at_any_moment(tmp_path: Path) -> None:
    place = tmp_path / "world"
    place.mkdir()
    home = made(place)
    before = facts(home)
    last(place / "group" / "log").unlink()
    (home / ".skillclaw" / "hubs.json").unlink()
    found = problems(home, before, before, over=False)
    assert any(one.startswith("hubs: group/log/") and one.endswith("is gone") for one in found), found
