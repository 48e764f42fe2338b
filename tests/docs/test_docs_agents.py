"""docs/agents.md has a row for each agent, and shows the smallest one as it is."""

from __future__ import annotations

import re
from pathlib import Path

from skillclaw.agents import adapters

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "agents.md").read_text("utf-8")


def rows() -> dict[str, list[str]]:
    block = TEXT.partition("<!-- agents:")[2].partition("<!-- end -->")[0]
    found = {}
    for line in block.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if name := re.match(r"`([a-z0-9-]+)`", cells[0]):
            found[name[1]] = cells
    return found


def test_each_agent_has_its_row() -> None:
    assert set(rows()) == set(adapters())
    assert {len(cells) for cells in rows().values()} == {8}


def test_each_row_leads_to_all_that_is_known_of_the_agent() -> None:
    page = (ROOT / "docs" / "reference" / "agents.md").read_text("utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): text for title, text in sections.items()
    }
    assert set(re.findall(r"^\| \[[^\]]+\]\(#([\w-]+)\)", page, re.M)) == set(anchors), "a table of contents"
    for name, cells in rows().items():
        link = re.search(r"\(reference/agents\.md#([\w-]+)\)", cells[0])
        assert link and f"| name | `{name}` |" in anchors[link[1]], cells[0]
        assert cells[7] in anchors[link[1]]


def test_what_is_said_to_be_tried_with_a_real_client_is() -> None:
    """A row that says "real client" has a test that drives one."""
    driven = {path.stem for path in (ROOT / "tests").glob("agents_live/test_live_*.py")}
    for name, cells in rows().items():
        if cells[2].startswith("real client"):
            assert f"test_live_{name.replace('-', '_')}" in driven, name


def test_the_smallest_agent_is_shown_as_it_is() -> None:
    shown = re.findall(r"```diff\n(.*?)```", TEXT, re.DOTALL)
    assert shown
    for block in shown:
        path = re.search(r"^\+\+\+ b/(\S+)$", block, re.MULTILINE)
        assert path
        added = [
            line[1:] for line in block.splitlines() if line.startswith("+") and not line.startswith("+++")
        ]
        assert "\n".join(added) == (ROOT / path[1]).read_text("utf-8").rstrip("\n")
