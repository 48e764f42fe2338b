"""Who asks for the reverse of a lesson has the last word, if it is clearly theirs; else neither is taught."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from atif_sessions import write
from cli import ok, ok_json
from corrected import corrected
from learned import learn

from skillclaw.skills.items import markdown
from skillclaw.trajectory.model import Trajectory, decode, meta, with_meta

pytestmark = pytest.mark.live

PNPM = ("npm install", "No, use pnpm, not npm.", "pnpm install")
NPM = ("pnpm install", "No, use npm, not pnpm.", "npm install")
FOR_PNPM = "- Always run `pnpm install`, never `npm install`. Users say: “No, use pnpm, not npm.”"
FOR_NPM = "- Always run `npm install`, never `pnpm install`. Users say: “No, use npm, not pnpm.”"


def told(
    calls: tuple[str, str, str],
    month: str,
    users: Sequence[str] = ("ana",),
    sessions: int = 4,
    project: str = "",
) -> list[dict[str, Any]]:
    return [
        corrected(n, *calls, day=f"{month}-{10 + n:02d}", user=users[n % len(users)], project=project)
        for n in range(sessions)
    ]


def lines(home: Path) -> list[str]:
    shown = [ok("skills", "show", one["name"], home=home) for one in ok_json("skills", "list", home=home)]
    return [line for text in shown for line in text.splitlines() if line.startswith("- Always")]


def take(home: Path, made: list[dict[str, Any]]) -> None:
    ok("import", str(write(home / "s.jsonl", made)), home=home)


def test_who_changes_their_mind_gets_the_new_rule_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    take(tmp_path, told(PNPM, "2026-01"))
    ok("evolve", home=tmp_path)
    assert lines(tmp_path) == [FOR_PNPM]
    take(tmp_path, told(NPM, "2026-09"))
    report = ok_json("evolve", home=tmp_path)
    assert {(one["action"], one["verdict"]) for one in report["proposals"]} == {
        ("create", "passed"),
        ("retire", "passed"),
    }
    assert lines(tmp_path) == [FOR_NPM]
    assert ok_json("evolve", home=tmp_path)["proposals"] == []


def test_of_two_rules_that_are_new_together_only_the_later_one_is_released(tmp_path: Path) -> None:
    take(tmp_path, [*told(NPM, "2026-09"), *told(PNPM, "2026-01")])
    ok("evolve", home=tmp_path)
    assert lines(tmp_path) == [FOR_NPM]


def test_what_is_said_of_two_projects_holds_in_each(tmp_path: Path) -> None:
    take(tmp_path, [*told(NPM, "2026-09", project="blog"), *told(PNPM, "2026-01", project="shop")])
    ok("evolve", home=tmp_path)
    assert sorted(lines(tmp_path)) == sorted([FOR_NPM, FOR_PNPM])


def test_where_nothing_tells_which_holds_neither_is_proposed_and_the_cycle_says_so(tmp_path: Path) -> None:
    take(tmp_path, [*told(NPM, "2026-09", ["ana"]), *told(PNPM, "2026-09", ["ana"])])
    report = ok_json("evolve", home=tmp_path)
    assert report["proposals"] == []
    said = [note for note in report["notes"] if "for the reverse" in note]
    assert len(said) == 1 and "`npm install` instead of `pnpm install`" in said[0]


def stored(made: dict[str, Any]) -> Trajectory:
    one = decode(json.dumps(made).encode())
    return with_meta(one, msgspec.structs.replace(meta(one), key=str(one.session_id), outcome="success"))


@pytest.mark.parametrize(
    ("old", "new", "taught"),
    [
        # Two against two at one time; two who came later; three against one at one time.
        (told(PNPM, "2026-06", ["ana", "ben"]), told(NPM, "2026-06", ["cleo", "dov"]), []),
        (told(PNPM, "2026-06", ["ana", "ben"]), told(NPM, "2026-09", ["cleo", "dov"]), [FOR_NPM]),
        (told(PNPM, "2026-06", ["ana", "ben", "eva"], 6), told(NPM, "2026-06", ["cleo"]), [FOR_PNPM]),
        # The same people said the other thing last; and two later ones do not take it from ten.
        (told(PNPM, "2026-06", ["ana", "ben"]), told(NPM, "2026-06", ["ben", "ana"], 8), [FOR_NPM]),
        (told(PNPM, "2026-06", list("abcdefghij"), 10), told(NPM, "2026-09", ["x", "y"]), [FOR_PNPM]),
        # One person who came later does not take it from two.
        (told(PNPM, "2026-06", ["ana", "ben"]), told(NPM, "2026-09", ["cleo"]), [FOR_PNPM]),
    ],
)
def test_people_and_days_decide_which_of_two_reverse_rules_is_taught(
    old: list[dict[str, Any]], new: list[dict[str, Any]], taught: list[str]
) -> None:
    for given in ([*old, *new], [*new, *old]):
        found = learn([stored(one) for one in given]).bundles.values()
        texts = [markdown(bundle)["SKILL.md"] for bundle in found]
        assert [li for text in texts for li in text.splitlines() if li.startswith("- Always")] == taught
