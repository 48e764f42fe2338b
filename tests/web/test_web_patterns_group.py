"""Patterns of a group are on its evolver's machine alone, and go once a member took sessions back."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from dashboard_house import dashboard
from team import found, home, joined, sc, taken

FIX = (
    Ran("pip install httpie", 1, "error: externally-managed-environment"),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)


def shared(place: Path, who: str) -> None:
    made = []
    for number in (1, 2):
        one = session("", number, "install httpie please", FIX)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    sc(place, who, "import", str(write(place / who / "s.jsonl", made)))
    sc(place, who, "config", "set", "share.default", "redacted")
    sc(place, who, "share", "allow", "--hub", "team", "--past")
    sc(place, who, "share", "send")


@pytest.mark.slow
def test_the_evolver_sees_a_groups_patterns_until_a_member_takes_sessions_back(tmp_path: Path) -> None:
    found(tmp_path)
    for who in ("bob", "cyd", "dan"):
        joined(tmp_path, who)
        shared(tmp_path, who)
    (pattern, *_) = sc(tmp_path, "ada", "evolve", "--hub", "team")["patterns"]
    with dashboard(home(tmp_path, "bob"), {}) as dash:
        assert "No cycle has looked" in dash.visitor().get("/patterns").text
        assert dash.visitor().get(f"/patterns/team/{pattern['id']}").status == 404
        assert not (home(tmp_path, "bob") / "groups").exists(), "to look makes no folder"
    with dashboard(home(tmp_path, "ada"), {}) as dash:
        own = dash.visitor()
        assert len(own.get("/patterns", hub="team").html.find("a", data_row="")) > 0
        page = own.get(f"/patterns/team/{pattern['id']}")
        assert "Working (6)" in page.text
        assert "externally-managed-environment" in page.html.one("div", id="working").text
        assert not page.html.one("div", id="working").find("a"), "members' sessions have no page here"
        sc(tmp_path, "cyd", "sessions", "forget", "--all", "--yes")
        taken(tmp_path)
        dash.app.site.house.fresh()
        gone = own.get("/patterns", hub="team")
        assert "Sessions were taken back since the last cycle" in gone.text
        assert own.get(f"/patterns/team/{pattern['id']}").status == 404
        sc(tmp_path, "ada", "evolve", "--hub", "team")
        dash.app.site.house.fresh()
        again = own.get("/patterns", hub="team")
        assert "What the last cycle found in 4 sessions" in again.text
