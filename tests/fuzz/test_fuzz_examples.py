"""`make fuzz` gives every property of the tests more examples: none fixes a number that it cannot raise."""

from __future__ import annotations

import ast

import pytest
from fuzzing.target import ROOT

TESTS = ROOT / "tests"
BY_TIME = ("tests/fuzz/fuzzing/child.py", "tests/conftest.py")
"""A target of the fuzzing runs until its time is over; the profile is what the rest begins with."""


def fixed(source: str) -> list[int]:
    """The lines where a number of examples is no call of `examples`; and those with a property in a test that
    is not marked as one, which `make fuzz` would leave out."""
    tree = ast.parse(source)
    found = [
        node.value.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "max_examples" and not _called(node.value)
    ]
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef) and outer.name.startswith("test_"):
            inner = [one for one in ast.walk(outer) if one is not outer and isinstance(one, ast.FunctionDef)]
            if any(_is_property(one) for one in inner) and not any(
                ast.unparse(one) == "pytest.mark.hypothesis" for one in outer.decorator_list
            ):
                found.append(outer.lineno)
    return found


def _called(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "examples"


def _is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Call) and ast.unparse(one.func) == "given" for one in node.decorator_list)


def test_no_property_fixes_its_number_of_examples() -> None:
    found = {
        name: lines
        for path in sorted(TESTS.rglob("*.py"))
        if (name := path.relative_to(ROOT).as_posix()) not in BY_TIME
        and ("max_examples" in (text := path.read_text("utf-8")) or "@given" in text)
        and (lines := fixed(text))
    }
    assert not found, "say examples(60) for 60 (tests/support/examples.py), and mark a property within a test"


def test_what_is_fixed_is_found() -> None:
    assert fixed("@settings(max_examples=60)\n@given(x)\ndef test_a(): ...") == [1]
    assert fixed("@settings(max_examples=examples(60))\n@given(x)\ndef test_a(): ...") == []
    within = "def test_a():\n    @given(x)\n    def holds(): ...\n"
    assert fixed(within) == [1]
    assert fixed("@pytest.mark.hypothesis\n" + within) == []


@pytest.mark.parametrize(
    ("made", "own", "costs", "given"),
    [
        (40, 60, 1, 60),
        (40, 8, 1, 8),
        (2000, 60, 1, 2000),
        (2000, 8, 1, 400),
        (2000, 80, 4, 500),
        (10, 60, 1, 60),
    ],
)
def test_each_gets_its_own_number_or_its_share_of_more(
    monkeypatch: pytest.MonkeyPatch, made: int, own: int, costs: int, given: int
) -> None:
    monkeypatch.setattr("examples.MADE", made)
    from examples import examples

    assert examples(own, costs) == given
