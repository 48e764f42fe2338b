"""The demo leaves the user's agents alone, also when its folder is used afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import ok

pytestmark = pytest.mark.live


def test_commands_on_the_demos_folder_install_nothing_elsewhere(tmp_path: Path) -> None:
    ok("up", "--demo", home=tmp_path)
    demo = str(tmp_path / ".skillclaw" / "demo")
    assert ok("config", "get", "gate.policy", "--home", demo, home=tmp_path).strip() == "team"
    ok("sync", "--home", demo, home=tmp_path)
    assert not (tmp_path / ".claude" / "skills").exists()
    assert not (tmp_path / ".agents" / "skills").exists()
    assert any((tmp_path / ".skillclaw" / "demo" / "skills").glob("*/SKILL.md"))
