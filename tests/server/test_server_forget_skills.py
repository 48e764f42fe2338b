"""What becomes of skills when all that they were learned from was taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from hubs_at_hand import bundle
from msgspec.structs import replace
from team import found, joined, printed, sc, state, taken
from voters import TEACHERS, evolved, imported

from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.forgotten import orphans, verdicts_of
from skillclaw.gate.policies import POLICIES
from skillclaw.hub import HubState
from skillclaw.skills.bundle import version
from skillclaw.skills.items import all_items
from skillclaw.skills.records import File, Ref, Sidecar

STEPS = [Ran("npm test", 1, "Error: Cannot find module 'x'"), Ran("npm ci"), Ran("npm test", 0, "ok")]
OTHERS = [Ran("make all", 2, "make: *** No rule to make target 'all'"), Ran("./configure"), Ran("make all")]
NAME = "npm-know-how"


def worked(place: Path, name: str, asked: str, steps: list[Ran], first: int) -> None:
    made = [session("u", first + number, asked, steps) for number in range(6)]
    sc(place, "ada", "import", str(write(place / f"{name}.jsonl", made)))


def learned(place: Path) -> Path:
    """Ada's machine with one learned skill, installed; its SKILL.md."""
    (place / "ada").mkdir()
    worked(place, "npm", "run the tests of this package", STEPS, 0)
    assert [one["skill"] for one in sc(place, "ada", "evolve")["released"]] == [NAME]
    sc(place, "ada", "sync")
    return place / "ada" / ".claude" / "skills" / NAME / "SKILL.md"


def written(place: Path, file: Path, text: str) -> None:
    """Ada adds to the skill, and approves it."""
    file.write_text(file.read_text("utf-8") + text, "utf-8")
    made = sc(place, "ada", "skills", "propose", NAME)
    sc(place, "ada", "proposals", "approve", made["proposal"])


def forgotten(place: Path) -> dict[str, Any]:
    """The cycle after Ada took all back."""
    sc(place, "ada", "sessions", "forget", "--all", "--yes")
    told: dict[str, Any] = sc(place, "ada", "evolve")
    return told


def test_a_skill_of_which_nothing_is_left_is_archived_and_its_story_says_why(tmp_path: Path) -> None:
    file = learned(tmp_path)
    assert [one["stage"] for one in forgotten(tmp_path)["released"]] == ["archived"]
    assert not file.exists()
    told = printed(tmp_path, "ada", "skills", "log", NAME)
    assert f"Archived. All 6 sessions that {NAME} was learned from were forgotten." in " ".join(told.split())


def test_where_people_look_at_every_change_it_waits_for_them_and_cycles_go_on(tmp_path: Path) -> None:
    learned(tmp_path)
    sc(tmp_path, "ada", "config", "set", "gate.policy", "strict")
    (waits,) = forgotten(tmp_path)["proposals"]
    assert (waits["action"], waits["verdict"]) == ("retire", "held")
    worked(tmp_path, "make", "build the thing", OTHERS, 20)
    assert waits["id"] in [one["id"] for one in sc(tmp_path, "ada", "evolve")["proposals"]]
    sc(tmp_path, "ada", "proposals", "approve", waits["id"])
    assert NAME not in [one["name"] for one in sc(tmp_path, "ada", "skills", "list")]


@pytest.mark.slow
def test_so_it_is_in_a_group(tmp_path: Path) -> None:
    found(tmp_path)
    for who in TEACHERS:
        joined(tmp_path, who)
        imported(tmp_path, who, 1, 2)
        sc(tmp_path, who, "config", "set", "share.default", "redacted")
        sc(tmp_path, who, "share", "allow", "--hub", "team", "--past")
        sc(tmp_path, who, "share", "send")
    (released,) = evolved(tmp_path)["released"]
    sc(tmp_path, "ada", "hub", "settings", "policy", "strict")
    for who in TEACHERS:
        sc(tmp_path, who, "sessions", "forget", "--all", "--yes")
        sc(tmp_path, who, "share", "send")
    taken(tmp_path)
    for _ in range(2):
        assert [(one["action"], one["verdict"]) for one in evolved(tmp_path)["proposals"]] == [
            ("retire", "held")
        ]
    assert state(tmp_path).skills[released["skill"]].current is not None


def test_what_a_person_wrote_stays_without_the_lines_that_were_taken_back(tmp_path: Path) -> None:
    file = learned(tmp_path)
    written(tmp_path, file, "\n## House rules\n\n- Keep the ledger tidy.\n- Ask Bob about page 3.\n")
    assert [one["stage"] for one in forgotten(tmp_path)["released"]] == ["stable"]
    sc(tmp_path, "ada", "sync")
    text = file.read_text("utf-8")
    assert "- Keep the ledger tidy.\n- Ask Bob about page 3.\n" in text
    assert "npm ci" not in text and "tests of this package" not in text.lower()
    assert "2 that no session is known for stay" in printed(tmp_path, "ada", "skills", "log", NAME)
    assert sc(tmp_path, "ada", "evolve")["proposals"] == [], "and that is all"


@pytest.mark.parametrize("more", ["\nThe ledger is kept by Bob.\n", "\n```\nledger --tidy\n```\n"])
def test_where_its_words_cannot_be_told_apart_a_person_decides(tmp_path: Path, more: str) -> None:
    file = learned(tmp_path)
    written(tmp_path, file, more)
    told = forgotten(tmp_path)
    assert [(one["action"], one["verdict"]) for one in told["proposals"]] == [("retire", "held")]
    shown = " ".join(printed(tmp_path, "ada", "proposals", "show", told["proposals"][0]["id"]).split())
    assert "text or files, too, that no session is known for" in shown
    assert file.exists()


def test_a_file_that_a_learned_line_names_does_not_stay_behind_by_itself() -> None:
    text = "- Run [scripts/fix.sh](scripts/fix.sh) after it fails.\n- Always ask Bob first."
    made = bundle("npm", text, File(path="scripts/fix.sh", data=b"#!/bin/sh\nnpm ci\n", executable=True))
    ref = Ref(session="s1", user="u", agent="a", day="2026-01-01", success=True)
    items = [replace(one, evidence=[ref] if "fix.sh" in one.text else []) for one in all_items(made, None)]
    sidecar = Sidecar(skill="npm", version=version(made), engine="extractive", items=items)
    current = Current(bundle=made, sidecar=sidecar, version=version(made))
    (proposal,) = orphans({"npm": current}, HubState(group="g", seq=1, head=""), frozenset({"s1"}))
    assert proposal.action == "retire"
    verdicts = [one.verdict for one in verdicts_of(proposal, current, POLICIES["team"])]
    assert verdicts == ["pass", "hold"]
