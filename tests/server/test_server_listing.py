"""An agent that lists a skill only when told of it is told when SkillClaw installs one, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillclaw.library import SyncReport
from skillclaw.library.records import Change
from skillclaw.server.skills.listing import announce


def test_new_skills_are_listed_and_updated_ones_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QWENPAW_WORKING_DIR", "COPAW_WORKING_DIR"):
        monkeypatch.delenv(name, raising=False)
    workspace = tmp_path / ".qwenpaw/workspaces/default"
    workspace.mkdir(parents=True)
    (tmp_path / ".qwenpaw/config.json").write_text("{}")
    target = str(workspace / "skills")
    changes = [
        Change(skill="owl", target=target, action="installed"),
        Change(skill="cat", target=target, action="updated"),
        Change(skill="dog", target=str(tmp_path / ".claude/skills"), action="installed"),
    ]
    announce(SyncReport(changes=changes))
    manifest = workspace / "skill.json"
    assert json.loads(manifest.read_text("utf-8"))["skills"] == {"owl": {"enabled": True}}
    manifest.write_text("{broken")
    announce(SyncReport(changes=changes))
    assert manifest.read_text("utf-8") == "{broken", "left as it is, and logged"
