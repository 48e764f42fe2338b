"""People decide in a group: a member's edit is proposed, voted on, approved, installed, promoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from team import found, home, hub, joined, sc, state, taken

from skillclaw.errors import BadInputError, SkillClawError, UsageError

HEAD = "---\nname: deploy-app\ndescription: How to deploy the app, when somebody asks for it.\n---\n\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    found(tmp_path)
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        sc(tmp_path, who, "config", "set", "sync.targets", f'["{folder(tmp_path, who)}"]')
        folder(tmp_path, who).mkdir(parents=True)
    plain = tmp_path / "ours" / "deploy-app"
    plain.mkdir(parents=True)
    (plain / "SKILL.md").write_text(f"{HEAD}- Run `make test`, then tag.\n")
    report = sc(tmp_path, "ada", "hub", "import-skillclaw", str(tmp_path / "ours"), "--hub", "team")
    assert [one["skill"] for one in report["imported"]] == ["deploy-app"]
    for who in ("bob", "cyd"):
        sc(tmp_path, who, "sync")
    return tmp_path


def folder(place: Path, who: str) -> Path:
    return place / who / ".agents" / "skills"


def text(place: Path, who: str) -> str:
    return (folder(place, who) / "deploy-app" / "SKILL.md").read_text()


def proposed(team: Path) -> dict[str, Any]:
    """Bob's edit, as a proposal that the group has taken in."""
    path = folder(team, "bob") / "deploy-app" / "SKILL.md"
    path.write_text(f"{HEAD}- Run `make test`, then tag, then wait for CI.\n")
    sc(team, "bob", "skills", "propose", "team/deploy-app", "--note", "CI is slow")
    assert taken(team)["refused"] == []
    (row,) = sc(team, "ada", "proposals", "list", "--status", "held")
    assert (row["hub"], row["skill"]) == ("team", "deploy-app")
    return dict(row)


def test_an_edit_is_voted_on_approved_and_reaches_the_others(team: Path) -> None:
    row = proposed(team)
    sc(team, "cyd", "proposals", "vote", row["id"], "approve", "--why", "it bit me too")
    taken(team)
    shown = sc(team, "ada", "proposals", "show", row["id"])
    assert [(one["vote"], one["reason"]) for one in shown["state"]["votes"].values()] == [
        ("approve", "it bit me too")
    ]
    sc(team, "ada", "hub", "settings", "canary", "1")
    done = sc(team, "ada", "proposals", "approve", row["id"])
    assert (done["released"]["stage"], done["released"]["share"]) == ("canary", 1.0)
    assert "wait for CI" not in text(team, "cyd")
    sc(team, "cyd", "sync")
    assert "wait for CI" in text(team, "cyd"), "on every day"
    sc(team, "bob", "sync")
    (row,) = sc(team, "bob", "skills", "edit-status")
    assert row["state"] == "edited", "his copy is his own, and in neither arm, while it is a canary"
    with pytest.raises(SkillClawError):
        sc(team, "bob", "skills", "promote", "team/deploy-app")
    assert sc(team, "ada", "skills", "promote", "team/deploy-app")["stage"] == "stable"
    sc(team, "bob", "sync")
    assert [one["state"] for one in sc(team, "bob", "skills", "edit-status")] == ["installed"]
    assert state(team).skills["deploy-app"].stage == "stable"
    with pytest.raises(UsageError, match="stable already"):
        sc(team, "ada", "skills", "promote", "team/deploy-app")


def test_a_member_cannot_decide_and_a_reviewer_can(team: Path) -> None:
    row = proposed(team)
    with pytest.raises(SkillClawError):
        sc(team, "cyd", "proposals", "approve", row["id"])
    joined(team, "rev", "--role", "reviewer")
    rejected = sc(team, "rev", "proposals", "reject", row["id"], "--why", "not so")
    assert rejected["status"] == "rejected"
    with pytest.raises(UsageError, match="rejected"):
        sc(team, "ada", "proposals", "approve", row["id"])
    assert hub(team).state().skills["deploy-app"].current != row["version"]


def test_votes_are_for_groups_and_for_proposals_that_exist(team: Path) -> None:
    with pytest.raises(BadInputError, match="No proposal"):
        sc(team, "bob", "proposals", "vote", "nope", "approve")
    row = proposed(team)
    with pytest.raises(UsageError, match="no vote"):
        sc(team, "bob", "proposals", "vote", row["id"], "maybe")
    assert home(team, "bob").exists()
