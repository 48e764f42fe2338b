"""The pages of the docs that are no tutorials: what they tell to run runs, and prints what they say."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import page_runs
import pytest
from collector import collecting
from doc_blocks import blocks, fits, told
from newcomer import Newcomer

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {path.name: list(blocks(path.read_text("utf-8"))) for path in sorted(DOCS.glob("*.md"))}
TUTORIALS = {"index.md", "privacy.md", "teams.md"}
"""Run by test_e2e_tutorials.py."""
SHOWN = [
    name
    for name, found in PAGES.items()
    if name not in TUTORIALS and any(one.kind == "console" and not one.not_run for one in found)
]
LISTING = [
    name
    for name, found in PAGES.items()
    if any(not page_runs.why_not(name, command) for one in found for command in page_runs.listed(one))
]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def reader() -> Iterator[Newcomer]:
    # a short name: tables are as wide as what they show
    with tempfile.TemporaryDirectory() as folder, collecting() as collector:
        place = Path(folder).resolve()
        named = {
            page_runs.HUB: str(place / "hub"),
            page_runs.SERVER: str(place / "clone" / "etc"),
            page_runs.COLLECTOR: collector.url,
        }
        reader = Newcomer(place, quick=True, named=named)
        page_runs.lay(reader.clone)
        yield reader


def _waiting(reader: Newcomer, who: str, begins: str) -> str:
    """The id of a proposal that waits for a person."""
    _, printed = reader.run(who, "skillclaw proposals list --json")
    return next(
        one["id"] for one in json.loads(printed) if one["status"] == "held" and one["id"].startswith(begins)
    )


@pytest.mark.parametrize("page", SHOWN)
def test_a_page_prints_what_it_says(reader: Newcomer, page: str) -> None:
    wrong = []
    shown = [one for one in PAGES[page] if one.kind == "console" and not one.not_run]
    for number, block in enumerate(shown):
        for who, command in page_runs.BEFORE.get((page, number), ()):
            given = f"approve {_waiting(reader, who, 'm-')}" if command.endswith("approve m-") else ""
            code, printed = reader.run(who, command.replace("approve m-", given))
            assert not code, f"{command}\n{printed}"
        for one in told(block):
            code, printed = reader.run(one.who, one.command)
            if code != one.code or not fits(one.prints, printed):
                wrong.append(f"{one.who}$ {one.command}\nexit code {code}, prints:\n{printed}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", LISTING)
def test_the_commands_that_a_page_lists_end_well(reader: Newcomer, page: str) -> None:
    for who, command in page_runs.FIRST.get(page, ()):
        assert reader.run(who, command)[0] == 0, command
    wrong = []
    for command in (one for block in PAGES[page] for one in page_runs.listed(block)):
        if page_runs.why_not(page, command):
            continue
        real = command.replace("MODEL", "gpt-5-mini")
        if " ID" in real:
            real = real.replace(" ID", f" {_waiting(reader, 'you', '')}")
        code, printed = reader.run("you", real)
        if code or not printed.strip():
            wrong.append(f"{real}\nexit code {code}, prints:\n{printed}")
    assert not wrong, "\n".join(wrong)
