"""The site: its pages of reference are as the code is, its tutorials' blocks say what is done with them."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import doc_blocks
import pytest
import readme_commands
import tutorial_sessions

from skillclaw.gate.checks import Check
from skillclaw.skills.records import Bundle, File, Proposal

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIALS = ("index.md", "teams.md", "privacy.md", "extending.md")


def test_the_reference_is_as_the_code_is() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "packaging/site/reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("who", tutorial_sessions.PEOPLE)
def test_the_sessions_of_the_tutorials_are_as_they_are_made(who: str) -> None:
    assert (DOCS / "tutorial" / f"{who}.jsonl").read_text("utf-8") == tutorial_sessions.text(who)


@pytest.mark.parametrize("page", TUTORIALS)
def test_each_block_of_a_tutorial_is_run_or_says_why_not(page: str) -> None:
    found = list(doc_blocks.blocks((DOCS / page).read_text("utf-8")))
    assert any(block.kind == "console" or block.file for block in found)
    for block in found:
        ways = [
            bool(block.not_run),
            block.kind == "console" and bool(doc_blocks.told(block)),
            bool(block.file),
        ]
        assert any(ways), block.text


def test_what_a_page_says_is_compared_line_by_line() -> None:
    assert doc_blocks.fits("a ... b\n...\nend\n", "a 1 b\n\nx\nend\n")
    assert doc_blocks.fits("...\n", "")
    assert doc_blocks.fits("a  b\n", "a      b\n") and not doc_blocks.fits("a  b\n", "a b\n")
    assert not doc_blocks.fits("a ... b\n", "a 1\n b\n")
    assert not doc_blocks.fits("a\n", "a\nmore\n")
    assert not doc_blocks.fits("", "said though nothing was told\n")


def test_both_readmes_list_the_same_commands() -> None:
    english, chinese = (
        readme_commands.listed((ROOT / name).read_text("utf-8")) for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese
    assert len(english) > 25


def test_every_reason_for_not_running_a_command_is_of_a_command_that_is_there() -> None:
    english = readme_commands.listed((ROOT / "README.md").read_text("utf-8"))
    for begins in readme_commands.NOT_RUN:
        assert any(command.startswith(begins) for command in english), begins
    assert [command for command in english if not readme_commands.not_run(command)]


def test_every_page_is_in_the_navigation_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    named = re.findall(r": ([\w/.-]+\.md)$", text, re.M)
    there = [path.relative_to(DOCS).as_posix() for path in (*DOCS.glob("*.md"), *DOCS.glob("reference/*.md"))]
    assert sorted(named) == sorted([*there, "examples/README.md"])


def test_the_picture_of_the_loop_is_drawn_from_its_counts() -> None:
    counts = json.loads((DOCS / "loop.json").read_text("utf-8"))
    drawn = runpy.run_path(str(ROOT / "packaging/site/pictures.py"))["drawn"]
    assert (DOCS / "loop.svg").read_text("utf-8") == drawn(counts)


def test_the_counts_of_the_loop_are_those_of_a_run() -> None:
    kept = json.loads((DOCS / "loop.json").read_text("utf-8"))
    counted = runpy.run_path(str(ROOT / "packaging/site/pictures.py"))["counted"]
    assert kept == counted(), "made anew by: make pictures"


def test_the_picture_of_the_runs_is_drawn_from_their_reports() -> None:
    made = runpy.run_path(str(ROOT / "packaging/site/runs.py"))
    runs = made["reports"]()
    assert {"house-0", "house-0b"} <= set(runs)
    assert (DOCS / "runs/held-out.svg").read_text("utf-8") == made["drawn"](runs)


@pytest.mark.parametrize(("host", "verdict"), [("till.test.example", "reject"), ("till.example", "pass")])
def test_the_check_that_is_shown_is_one_and_does_what_it_says(host: str, verdict: str) -> None:
    page = (DOCS / "extending.md").read_text("utf-8")
    files = {block.file: block.text for block in doc_blocks.blocks(page) if block.file}
    point = tomllib.loads(files["house-checks/pyproject.toml"])["project"]["entry-points"]["skillclaw.checks"]
    module, _, name = point["no-test-hosts"].partition(":")
    own: dict[str, Any] = {}
    exec(compile(files[f"house-checks/{module}.py"], module, "exec"), own)
    check = own[name]
    assert isinstance(check, Check)
    bundle = Bundle(name="till", files=[File(path="SKILL.md", data=f"Ask https://{host}/.\n".encode())])
    given = {
        "id": "a",
        "action": "create",
        "skill": "till",
        "base": None,
        "engine": "person",
        "why": "Asked.",
    }
    found = check.check(Proposal(**given, bundle=bundle), cast(Any, None))
    assert [(one.check, one.verdict) for one in found] == [("no-test-hosts", verdict)]


def test_what_the_page_says_of_several_seeds_is_what_their_reports_say_together() -> None:
    runs = ["docs/runs/house-3", "--pool", "docs/runs/house-4", "--pool", "docs/runs/house-5"]
    done = subprocess.run(
        [sys.executable, "-m", "skillclaw", "bench", "loop", *runs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in (DOCS / "loop.md").read_text("utf-8")
    assert "33 better, 0 worse" in done.stdout
