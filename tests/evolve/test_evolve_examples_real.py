"""docs/examples/real: what it tells of a real model's skills fits the skills that stand beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from evidence_examples import FOLDER
from skills_ref.parser import read_properties
from skills_ref.validator import validate

REAL = FOLDER / "real"
SKILLS = sorted(path.parent for path in REAL.glob("*/SKILL.md"))


def _cells(text: str, head: str) -> list[list[str]]:
    """The rows of the table whose first column is called `head`."""
    table = re.search(rf"^\| {re.escape(head)} \|.*\n\|[-| :]+\|\n((?:\|.*\n)*)", text, re.M)
    rows = table[1].splitlines() if table is not None else []
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


@pytest.mark.parametrize("folder", SKILLS, ids=lambda folder: folder.name)
def test_the_page_tells_each_line_and_what_became_of_it(folder: Path, tmp_path: Path) -> None:
    skill, told = (folder / "SKILL.md").read_text("utf-8"), (folder / "EVIDENCE.md").read_text("utf-8")
    stayed = [row[0] for row in _cells(told, "Line that stayed")]
    refused = [row[0] for row in _cells(told, "Line that the gate refused")]
    lines = [row[2:] for row in skill.splitlines() if row.startswith("- ")]
    (tmp_path / folder.name.partition("-")[2]).mkdir()
    whole = tmp_path / folder.name.partition("-")[2]
    (whole / "SKILL.md").write_text(skill, "utf-8")
    assert validate(whole) == []
    assert stayed == [f"{read_properties(whole).description} (the description)", *lines]
    assert not [line for line in refused if line in skill]
    (row,) = [
        row for row in _cells((REAL / "README.md").read_text("utf-8"), "Skill") if folder.name in row[0]
    ]
    calls, tokens, seconds, drafted, left = row[3:]
    assert f"{calls} calls, {tokens} tokens, {seconds} s" in told
    assert (int(drafted), int(left)) == (len(lines) + len(refused), len(lines))


def test_there_are_such_skills_and_the_examples_lead_to_them() -> None:
    assert SKILLS
    assert "(real/README.md)" in (FOLDER / "README.md").read_text("utf-8")
