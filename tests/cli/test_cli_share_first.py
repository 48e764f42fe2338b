"""The first `share allow` of a new member, by what it prints alone."""

from __future__ import annotations

from pathlib import Path

from cli import ok
from group import Group, imported


def test_a_hub_alone_lets_nothing_go_and_says_what_is_missing(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    ada.mkdir()
    Group.make(tmp_path).admit(ada)
    imported(ada, 1)
    told = ok("share", "allow", "--hub", "team", home=ada)
    assert "may leave now: 0" in told
    assert "skillclaw share allow --agent NAME" in told
    again = ok("share", "allow", "--hub", "team", "--agent", "claude-code", "--past", home=ada)
    assert "may leave now: 1" in again
    assert "--agent NAME" not in again
