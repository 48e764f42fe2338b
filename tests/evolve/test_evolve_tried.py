"""What was rejected is not proposed again from the same evidence, whoever rejected it; more evidence is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json

LESSON = [
    Ran("kubectl apply -f web.yaml", 1, "error: the object has been modified"),
    Ran("kubectl delete -f web.yaml"),
    Ran("kubectl apply -f web.yaml"),
]


def given(home: Path, first: int, count: int) -> None:
    made = [session("ada", n, "deploy the web service", LESSON) for n in range(first, first + count)]
    ok("import", str(write(home / f"{first}.jsonl", made)), home=home)


def proposed(report: dict[str, Any]) -> list[str]:
    """The states of the proposals of a cycle."""
    return [one["verdict"] for one in report["proposals"]]


@pytest.mark.slow
def test_a_person_who_said_no_is_not_asked_again_until_the_evidence_has_doubled(tmp_path: Path) -> None:
    given(tmp_path, 0, 3)
    assert proposed(ok_json("evolve", home=tmp_path)) == ["held"]
    (row,) = ok_json("proposals", "list", home=tmp_path)
    ok("proposals", "reject", row["id"], "--why", "never delete it", home=tmp_path)
    given(tmp_path, 3, 2)  # four and five sessions: the id would be another one, the question is the same
    assert proposed(ok_json("evolve", home=tmp_path)) == []
    assert proposed(ok_json("evolve", "--full", home=tmp_path)) == []
    given(tmp_path, 5, 1)
    assert proposed(ok_json("evolve", home=tmp_path)) == ["held"]
    assert len(ok_json("proposals", "list", home=tmp_path)) == 2


@pytest.mark.slow
def test_a_script_is_offered_once_the_skill_is_there_and_a_person_decides(tmp_path: Path) -> None:
    def gone(first: int, count: int) -> None:
        made = []
        for n in range(first, first + count):
            build = f"npm ci --prefix site-{n}\nnpm run build --prefix site-{n}\nnpm pack ./site-{n}"
            lesson = [
                Ran("npm test", 1, "Error: Cannot find module"),
                Ran("npm ci"),
                Ran("npm test"),
                Ran(build),
            ]
            made.append(session("ada", n, "run the tests and pack the site", lesson))
        ok("import", str(write(tmp_path / f"{first}.jsonl", made)), home=tmp_path)

    gone(0, 4)
    (skill,) = {one["skill"] for one in ok_json("evolve", home=tmp_path)["released"]}
    assert proposed(ok_json("evolve", home=tmp_path)) == ["held"]
    (row,) = [one for one in ok_json("proposals", "list", home=tmp_path) if one["status"] == "held"]
    shown = ok("proposals", "show", row["id"], home=tmp_path)
    assert 'npm ci --prefix "site-${prefix}"' in shown
    assert "scripts" in shown
    gone(4, 1)
    ok("evolve", "--full", home=tmp_path)
    assert len([p for p in ok_json("proposals", "list", home=tmp_path) if p["status"] == "held"]) == 1
    ok("proposals", "approve", row["id"], home=tmp_path)
    installed = ok_json("skills", "show", skill, home=tmp_path)["files"]
    assert "scripts/npm-ci-run-build-pack.sh" in installed
    assert "scripts/npm-ci-run-build-pack.sh" in installed["SKILL.md"]
    assert proposed(ok_json("evolve", "--full", home=tmp_path)) == []


@pytest.mark.slow
def test_how_often_a_line_helped_is_told_as_the_last_cycle_counted_it(tmp_path: Path) -> None:
    lesson = [Ran("npm test", 1, "Error: Cannot find module"), Ran("npm ci"), Ran("npm test")]
    told = []
    for first, count in ((0, 4), (4, 3)):
        made = [session("ada", n, "run the tests", lesson) for n in range(first, first + count)]
        ok("import", str(write(tmp_path / f"{first}.jsonl", made)), home=tmp_path)
        ok_json("evolve", home=tmp_path)
        (skill,) = ok_json("skills", "list", home=tmp_path)
        rows = ok_json("skills", "evidence", skill["name"], home=tmp_path)
        told.append((skill["version"], {(row["helpful"], row["harmful"]) for row in rows}))
    assert told[0][0] == told[1][0]  # the text is the same, so nothing was released
    assert [counts for _, counts in told] == [{(4, 0)}, {(7, 0)}]
    assert "helped" in ok("skills", "evidence", skill["name"], home=tmp_path)
    (tmp_path / ".skillclaw" / "counts.json").write_text("{broken", "utf-8")
    rows = ok_json("skills", "evidence", skill["name"], home=tmp_path)
    assert {(row["helpful"], row["harmful"]) for row in rows} == {(4, 0)}


@pytest.mark.slow
def test_what_was_released_and_taken_back_stays_away_in_other_words_too(tmp_path: Path) -> None:
    lesson = [Ran("npm test", 1, "Error: Cannot find module"), Ran("npm ci"), Ran("npm test")]
    for first, count in ((0, 3), (3, 1)):
        made = [session("ada", n, "run the tests", lesson) for n in range(first, first + count)]
        ok("import", str(write(tmp_path / f"{first}.jsonl", made)), home=tmp_path)
        report = ok_json("evolve", home=tmp_path)
        if first == 0:
            (name,) = [one["skill"] for one in report["released"]]
            ok("skills", "rollback", name, home=tmp_path)
        else:
            assert report["proposals"] == []
            assert ok_json("skills", "list", home=tmp_path) == []
