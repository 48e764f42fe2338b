"""Every command that a page names is one: its words and options are those of the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import doc_blocks
import page_commands
import page_runs
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "docs/*.md",
        "docs/examples/README.md",
        "packaging/**/*.md",
        "src/skillclaw/bench/demo/*.md",
    )
    for path in ROOT.glob(pattern)
    if path.name not in ("CHANGELOG.md", "design-changes.md")  # of what was, too
)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    faults = {
        command: why
        for command in (*page_commands.in_blocks(text), *page_commands.in_text(text))
        if (why := page_commands.fault(command))
    }
    assert not faults


def test_commands_are_read_as_people_write_them() -> None:
    block = "```\nada$ skillclaw hub init URL [--nam H]   makes one\n```\n"
    text = f"`skillclaw skills list|shew`; `evolve --dry`.\n\n{block}"
    found = [*page_commands.in_blocks(text), *page_commands.in_text(text)]
    assert found == ["hub init URL [--nam H]", "skills list|shew", "evolve --dry"]
    assert [page_commands.fault(one) for one in found] == [
        "there is no option --nam",
        "there is no command 'shew'",
        "there is no option --dry",
    ]
    assert not page_commands.fault("run claude-code -- -p hi")
    assert not page_commands.fault("proposals approve|reject ID [--note TEXT] --home=DIR")


@pytest.mark.parametrize("page", [one for one in PAGES if one.startswith("docs/")])
def test_each_block_with_commands_is_run_or_says_why_not(page: str) -> None:
    """By tests/e2e/test_e2e_pages.py and test_e2e_tutorials.py; what a plain block lists is run, too."""
    for block in doc_blocks.blocks((ROOT / page).read_text("utf-8")):
        if block.kind == "console":
            assert block.not_run or doc_blocks.told(block), block.text
            continue
        assert block.kind in ("", "json", "toml", "yaml", "python", "diff", "ini"), block.kind
        shown = [one for one in page_runs.listed(block) if "$ " in one.split("skillclaw")[0]]
        assert not shown, f"an example with its output is a `console` block: {shown}"
        others = [
            one
            for one in page_runs.listed(block)
            if not one.startswith("skillclaw ") and not page_runs.why_not(page[5:], one)
        ]
        assert not others, f"say `not run: REASON` before the block: {others}"


def indented(page: str) -> list[str]:
    """Lines that are code by their indentation alone; below an item of a list they are text of it."""
    found, listed, before = [], False, ""
    for line in doc_blocks.FENCE.sub("", page).splitlines():
        if re.match(r"(?: {4}|\t)\S", line) and not before.strip() and not listed:
            found.append(line)
        if line.strip() and not line.startswith(" "):
            listed = bool(re.match(r"(?:[-*]|\d+\.) ", line))
        before = line
    return found


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_has_to_run_stands_between_fences(page: str) -> None:
    """Else none of the tests here would see it."""
    assert indented((ROOT / page).read_text("utf-8")) == []
    assert indented("a\n\n    skillclaw up\n\n- b\n\n    c\n") == ["    skillclaw up"]


def test_every_reason_is_of_a_command_that_a_page_lists() -> None:
    pages = {path.name: doc_blocks.blocks(path.read_text("utf-8")) for path in (ROOT / "docs").glob("*.md")}
    listed = {
        (name, one) for name, found in pages.items() for block in found for one in page_runs.listed(block)
    }
    assert len(listed) > 30
    for begins in page_runs.EVERYWHERE:
        assert any(command.startswith(begins) for _, command in listed), begins
    for page, begins in page_runs.OWN:
        assert any(name == page and command.startswith(begins) for name, command in listed), begins


@pytest.mark.parametrize("page", [one for one in PAGES if one.startswith("docs/")])
def test_the_paths_of_the_api_that_a_page_asks_are_in_its_document(page: str) -> None:
    known = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["paths"]
    shapes = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one))) for one in known]
    asked = re.findall(r"http://127\.0\.0\.1:8790(/[\w/.-]+)", (ROOT / page).read_text("utf-8"))
    assert [one for one in asked if not any(shape.fullmatch(one) for shape in shapes)] == []
    assert asked or page not in ("docs/serve.md", "docs/serve-api.md")
