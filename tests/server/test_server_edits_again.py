"""A text that was proposed to a group before, and is proposed again after it was rejected or rolled back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from team import found, hub, joined, printed, sc, state, taken
from test_server_group_cycle import worked


@pytest.fixture
def learned(tmp_path: Path) -> tuple[Path, str, Path]:
    """A group, a skill that it learned, and bob's copy of it with a line of his own."""
    found(tmp_path)
    folder = tmp_path / "bob" / ".agents" / "skills"
    for who in ("bob", "cyd"):
        joined(tmp_path, who)
        worked(tmp_path, who, 1, 2)
    folder.mkdir(parents=True)
    sc(tmp_path, "bob", "config", "set", "sync.targets", f'["{folder}"]')
    (release,) = sc(tmp_path, "ada", "evolve", "--hub", "team")["released"]
    name = release["skill"]
    hub(tmp_path).promote(name, role="owner")
    sc(tmp_path, "bob", "sync")
    copy = folder / name / "SKILL.md"
    copy.write_text(copy.read_text("utf-8").rstrip("\n") + "\n- Wait for the mirror.\n", "utf-8")
    return tmp_path, name, copy


def proposed(place: Path, name: str) -> set[str]:
    """Bob proposes his copy: the proposals that are new in the log."""
    before = set(state(place).proposals)
    said: dict[str, Any] = sc(place, "bob", "skills", "propose", f"team/{name}")
    assert said["status"] == "sent"
    taken(place)
    return set(state(place).proposals) - before


def test_what_was_rejected_is_proposed_again(learned: tuple[Path, str, Path]) -> None:
    place, name, _ = learned
    for _ in range(2):
        (new,) = proposed(place, name)
        assert proposed(place, name) == set(), "while it waits it is one"
        printed(place, "ada", "proposals", "reject", new, "--note", "Not now.")
    (new,) = proposed(place, name)
    assert state(place).proposals[new].status == "held"


def test_what_was_released_and_rolled_back_is_proposed_again(learned: tuple[Path, str, Path]) -> None:
    place, name, copy = learned
    text = copy.read_text("utf-8")
    (first,) = proposed(place, name)
    printed(place, "ada", "proposals", "approve", first)
    hub(place).promote(name, role="owner")
    sc(place, "bob", "sync")
    printed(place, "ada", "skills", "rollback", f"team/{name}")
    sc(place, "bob", "sync")
    assert "mirror" not in copy.read_text("utf-8")
    copy.write_text(text, "utf-8")
    (again,) = proposed(place, name)
    assert again != first and state(place).proposals[again].status == "held"
