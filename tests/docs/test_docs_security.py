"""The table of attacks in docs/security.md and the tests say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")


def rows() -> list[list[str]]:
    block = TEXT.partition("<!-- attacks -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in block.strip().splitlines() if line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named_tests(path: Path) -> dict[str, str]:
    """The tests of a file, with their docstrings."""
    found = ast.parse(path.read_text("utf-8")).body
    return {
        node.name: ast.get_docstring(node, clean=False) or ""
        for node in found
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_attack_that_is_run_has_its_row() -> None:
    written = {row[4].strip("`"): row[:4] for row in rows()}
    files = sorted((ROOT / "tests" / "e2e").glob("test_e2e_attacks*.py"))
    assert files
    for path in files:
        for name, docstring in named_tests(path).items():
            cells = [cell.strip() for cell in docstring.split(" | ")]
            assert len(cells) == 4, f"{name}: a docstring of one line, attack | who | outcome | what stops it"
            assert written.get(f"e2e/{path.name}::{name}") == cells, name


def test_each_row_has_its_test() -> None:
    assert len(rows()) > 25
    for row in rows():
        assert len(row) == 5, row
        if row[4] == "-":
            assert row[2] == "it succeeds", "what nothing tests is what nothing stops"
            continue
        match = re.fullmatch(r"`([\w/]+\.py)::(test_\w+)`", row[4])
        assert match, row[4]
        assert match[2] in named_tests(ROOT / "tests" / match[1]), row[4]


def test_each_actor_is_spoken_of() -> None:
    actors = TEXT.partition("## Who may try what")[2].partition("\n## ")[0].casefold()
    for row in rows():
        for who in row[1].split(", "):
            known = who.removesuffix(" with a stolen key").replace("stolen evolver key", "evolver's key")
            known = known.replace("malicious upstream", "provider").replace("malware without root", "malware")
            assert known.casefold() in actors or known in (
                "a broken client",
                "a broken agent",
                "provider",
                "another program of the user",
            ), who
