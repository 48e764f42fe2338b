"""What a person changed in a skill stays as the person wants it, however much more evidence comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from evidence import packed

from skillclaw.evolve.evolvers._changes import compare
from skillclaw.evolve.evolvers._draft import Unit
from skillclaw.skills.records import Item

MAKE = [Ran("make test", 2, "make: Connection refused"), Ran("make db-up"), Ran("make test")]


def change(home: Path, skill: str, *pairs: tuple[str, str]) -> str:
    """Edit the installed copy, propose that and approve it; the text as released."""
    path = home / ".claude" / "skills" / skill / "SKILL.md"
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    ok("skills", "propose", skill, home=home)
    held = [one for one in ok_json("proposals", "list", home=home) if one["status"] == "held"]
    ok("proposals", "approve", held[0]["id"], home=home)
    return ok("skills", "show", skill, home=home)


@pytest.mark.slow
def test_lines_that_a_person_took_out_or_changed_are_not_written_again(tmp_path: Path) -> None:
    ok("config", "set", "gate.policy", "team", home=tmp_path)
    ok("import", str(packed("claude-code")), home=tmp_path)
    made = {one["skill"]: one["version"] for one in ok_json("evolve", home=tmp_path)["released"]}
    steps, fixes = "release-version-till", "run-tests-till"
    shown = ok("skills", "show", fixes, home=tmp_path)
    fix = next(row for row in shown.splitlines() if row.startswith("- If `make test` fails"))
    change(tmp_path, fixes, (fix, "- Ask Ann when the tests are down."))
    mine = change(tmp_path, steps, ("bump.py <version>`.", "bump.py <version>`; look at it."))
    assert ok_json("evolve", "--full", home=tmp_path)["proposals"] == []
    more = [session(f"u{n % 3}", n, "test the till", MAKE, project="till") for n in range(12)]
    ok("import", str(write(tmp_path / "more.jsonl", more)), home=tmp_path)
    ok_json("evolve", home=tmp_path)
    now = ok("skills", "show", steps, home=tmp_path)
    assert now.count("### Release a version of the till") == 1
    assert mine[mine.index("## Steps") :] in now
    now = ok("skills", "show", fixes, home=tmp_path)
    assert "make db-up" not in now and "Ask Ann" in now
    ok("skills", "rollback", fixes, "--to", made[fixes], home=tmp_path)
    assert fix in ok("skills", "show", fixes, home=tmp_path)


def test_a_procedure_with_a_persons_step_in_it_is_not_torn_apart() -> None:
    from npm_house import house, pattern

    found = pattern(house())
    place = "Steps / Ship it"
    learned = [
        Item(id=str(n), kind="step", text=f"Run `s{n}`.", section=place, patterns=[found.id]) for n in (1, 2)
    ]
    own = Item(id="3", kind="step", text="Tell Ann.", section=place)
    longer = Unit(
        section=place, kind="step", texts=("Run `s1`.", "Run `s2`.", "Run `s3`."), patterns=(found,)
    )
    assert [one.new for one in compare(learned, [longer], {found.id: found})[0]] == [longer]
    changes, kept = compare([*learned, own], [longer], {found.id: found})
    assert changes == []
    assert {item.id for item in kept} == {"1", "2", "3"}
