"""A text that agents gave an option, and that no user wrote, is not copied into a skill."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json

pytestmark = pytest.mark.live


def taught(home: Path, asked: str, call: str) -> list[str]:
    made = [
        session("ana", n, asked, [Ran("letters make", 1, "error: missing patient"), Ran(call, 0, "written")])
        for n in range(5)
    ]
    ok("import", str(write(home / "s.jsonl", made)), home=home)
    ok("evolve", home=home)
    shown = [ok("skills", "show", one["name"], home=home) for one in ok_json("skills", "list", home=home)]
    return [line for text in shown for line in text.splitlines() if line.startswith("- If")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('--patient "Erika Mustermann"', "--patient '<patient>'"),
        ("--patient='Erika Mustermann'", "--patient='<patient>'"),
    ],
)
def test_a_name_that_nobody_wrote_becomes_the_placeholder_of_its_option(
    tmp_path: Path, given: str, told: str
) -> None:
    lines = taught(tmp_path, "Write the letter for the patient", f"letters make {given} --kind note")
    assert lines == [f"- If `letters make` fails, run `letters make {told} --kind note`."]


def test_a_text_that_users_write_themselves_stays(tmp_path: Path) -> None:
    lines = taught(tmp_path, "Write the letter of the Blue House", 'letters make --sender "Blue House"')
    assert lines == ['- If `letters make` fails, run `letters make --sender "Blue House"`.']
