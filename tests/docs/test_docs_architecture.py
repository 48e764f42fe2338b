"""docs/architecture.md: what it names is there, and its rooms are those of the import rules."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "skillclaw"
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
NAMED = re.findall(r"`([\w/.*]+\.py)(?:::([\w.]+))?`", TEXT)


def _place(path: str) -> Path:
    return ROOT / path if path.startswith(("src/", "tests/")) else SOURCE / path


def _has(body: list[ast.stmt], name: str) -> bool:
    first, _, rest = name.partition(".")
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == first:
            return not rest or (isinstance(node, ast.ClassDef) and _has(node.body, rest))
    return False


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_what_the_page_names_is_there(path: str) -> None:
    if "*" in path:
        assert list(SOURCE.glob(path))
        return
    body = ast.parse(_place(path).read_text("utf-8")).body
    missing = [name for of, name in NAMED if of == path and name and not _has(body, name)]
    assert not missing


def test_it_names_files_and_functions_of_every_room_on_the_way() -> None:
    rooms = {path.partition("/")[0] for path, name in NAMED if name}
    assert rooms >= {"proxy", "journal", "wire", "trajectory", "evolve", "gate", "hub", "library", "server"}
    assert not _has(ast.parse("class A:\n    def b(self): ...").body, "A.c")


def test_the_rooms_and_their_levels_are_those_of_the_import_rules() -> None:
    table = TEXT.partition("<!-- rooms -->")[2].partition("<!-- end -->")[0]
    told: dict[str, int] = {
        name: int(level) for level, name in re.findall(r"^\| (\d) \| `(\w+)`", table, re.M)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = [
        {name.strip().removeprefix("skillclaw.") for name in layer.split("|")} & told.keys()
        for layer in project["tool"]["importlinter"]["contracts"][0]["layers"]
    ]
    assert [{n for n, at in told.items() if at == level} for level in sorted(set(told.values()))] == [
        layer for layer in reversed(layers) if layer
    ]
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert told.keys() == folders
