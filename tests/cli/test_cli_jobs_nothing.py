"""`skillclaw jobs` where there is nothing to try: it says why, and what to do next."""

from __future__ import annotations

from pathlib import Path

from cli import fails, ok, ok_json
from team import found, joined


def test_a_machine_of_no_group_is_told_how_to_join_one(tmp_path: Path) -> None:
    told = ok("jobs", "list", home=tmp_path)
    assert "in no group" in told and "skillclaw hub join INVITE" in told
    assert "skillclaw hub join INVITE" in fails("jobs", "show", "abc", home=tmp_path, code=2)
    assert ok_json("jobs", "list", home=tmp_path)["open"] == []


def test_a_group_that_asks_nobody_and_a_machine_that_takes_no_part(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "eve")
    told = " ".join(ok("jobs", "list", home=tmp_path / "eve").split())
    assert "No change waits for votes now." in told and "skillclaw hub settings" in told
    assert "skillclaw config set gate.votes.enabled true" in told
    shown = " ".join(fails("jobs", "show", "abc", home=tmp_path / "eve", code=2).split())
    assert "No open job" in shown and "skillclaw proposals list" in shown
    ok("config", "set", "gate.votes.enabled", "true", home=tmp_path / "eve")
    assert "takes no part" not in ok("jobs", "list", home=tmp_path / "eve")
