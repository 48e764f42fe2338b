"""Each known defect of a peer names a test of this project that pytest collects."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parents[1]
KNOWN = tomllib.loads((TESTS / "defects" / "known.toml").read_text("utf-8"))


def collected(path: Path) -> set[str]:
    """The names that pytest collects of a file: functions at the top that are not skipped."""
    if not path.is_file() or not path.name.startswith("test_"):
        return set()
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            if not any(mark.startswith(("pytest.mark.skip(", "pytest.mark.xfail")) for mark in marks):
                found.add(node.name)
    return found


def test_each_case_of_the_documentation_names_a_test_that_is_collected() -> None:
    text = (TESTS.parent / "docs" / "gate.md").read_text("utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 17
    for path, test in named:
        assert test in collected(TESTS / path), f"there is no {path}::{test}"


def test_each_defect_says_what_it_was_and_names_a_test_that_is_collected() -> None:
    assert len(KNOWN) > 60
    for name, entry in KNOWN.items():
        assert set(entry) == {"was", "test"}, name
        assert entry["was"].endswith("."), name
        path, _, test = entry["test"].partition("::")
        assert test in collected(TESTS / path), f"{name}: there is no {entry['test']}"
