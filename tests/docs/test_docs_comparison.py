"""docs/comparison.md: what is said of this project is counted, and each line names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from skillclaw import __version__
from skillclaw.agents import adapters

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "comparison.md").read_text("utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table below the line that begins with `heading`, by their first cell."""
    rows = PAGE[PAGE.index(heading) :].partition("\n\n")[0].splitlines()[2:]
    return {cells[0]: cells[1:] for cells in ([c.strip() for c in row.strip("|").split("|")] for row in rows)}


COMPARED = table("| | this project |")
CHECKED = table("| line | read |")


def test_every_system_has_a_cell_in_every_line() -> None:
    assert {len(cells) for cells in COMPARED.values()} == {9}
    assert all(cell for cells in COMPARED.values() for cell in cells)


def test_the_agents_are_as_many_as_are_known_and_driven() -> None:
    known = set(adapters()) - {"generic"}
    listed = (ROOT / "README.md").read_text("utf-8")
    driven = (
        listed[listed.index("none of them changed:") : listed.index("(each driven for real)")].count(",") + 1
    )
    assert COMPARED["agents covered"][0] == f"{len(known)}; {driven} driven for real"
    assert f"version {__version__}" in PAGE


def test_every_line_names_what_checks_it() -> None:
    assert list(COMPARED) == list(CHECKED)
    for line, (_, checks) in CHECKED.items():
        tests = re.findall(r"`(tests/[^`]+)`", checks)
        assert tests, line
        assert all((ROOT / one).is_file() for one in tests), (line, tests)
