"""Commands that only look leave nothing behind on a machine where SkillClaw never ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import skillclaw

LOOKS = [
    ("sessions", "list"),
    ("sessions", "show", "0123"),
    ("sessions", "preview", "0123"),
    ("sessions", "receipts"),
    ("sessions", "export"),
    ("skills", "list"),
    ("skills", "show", "git"),
    ("skills", "log", "git"),
    ("skills", "evidence", "git"),
    ("skills", "edit-status"),
    ("skills", "diff", "git"),
    ("skills", "candidates"),
    ("skills", "care"),
    ("skills", "quarantine"),
    ("proposals", "list"),
    ("proposals", "show", "0123"),
    ("jobs", "list"),
    ("jobs", "show", "0123"),
    ("hub", "status"),
    ("hub", "status", "--all"),
    ("hub", "verify"),
    ("hub", "members"),
    ("hub", "inbox"),
    ("share", "status"),
    ("status",),
    ("doctor",),
]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_looking_makes_no_home(words: tuple[str, ...], tmp_path: Path) -> None:
    done = skillclaw(*words, home=tmp_path)
    assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr
    assert "/skillclaw-" not in done.stdout + done.stderr, "no word of a folder that is gone"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["status", "verify"])
def test_a_machine_without_a_hub_is_told_so(word: str, tmp_path: Path) -> None:
    done = skillclaw("hub", word, home=tmp_path)
    assert done.returncode == 0 and "There is none yet: `skillclaw up` makes it." in done.stdout
    assert "holds" not in done.stdout and "skillclaw-" not in done.stdout


def test_a_hub_that_the_environment_names_is_made_with_keys_that_stay(tmp_path: Path) -> None:
    done = skillclaw("skills", "list", home=tmp_path, environ={"SKILLCLAW_HUB__URL": str(tmp_path / "hub")})
    assert done.returncode == 0 and (tmp_path / "hub" / "hub.json").exists()
    assert len(list((tmp_path / ".skillclaw" / "keys").rglob("owner.key"))) == 1
