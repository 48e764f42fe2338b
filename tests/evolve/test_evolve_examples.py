"""The skills in docs/examples are what the engines make of the packaged evidence today, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_examples import FOLDER, SHOWN, example
from example_engines import ENGINES
from example_pages import index
from skills_ref.validator import validate

from skillclaw.sandbox import why_no_room

ALL = ("extractive", *ENGINES)


def _rows() -> list[str]:
    """What the index tells of refused lines."""
    begins = tuple(f"| {engine}, " for engine in ALL)
    return [row for row in (FOLDER / "README.md").read_text("utf-8").splitlines() if row.startswith(begins)]


def _files(folder: Path) -> dict[str, bytes]:
    inside = [path for skill in SHOWN for path in (folder / skill).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in inside}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ALL)
def test_the_examples_are_what_the_engine_makes_today(tmp_path: Path, engine: str) -> None:
    if engine == "cli" and (no_room := why_no_room()):
        pytest.skip(f"no sandbox here: {no_room}")
    refused = [row for skill in SHOWN for row in example(engine, skill, tmp_path)]
    assert _files(tmp_path / engine) == _files(FOLDER / engine)
    assert refused == [row for row in _rows() if row.startswith(f"| {engine}, ")]
    assert bool(refused) == (engine in ENGINES)
    for skill in SHOWN:
        (tmp_path / engine / skill / "EVIDENCE.md").unlink()
        assert validate(tmp_path / engine / skill) == []


def test_the_index_of_the_examples_is_what_its_script_writes() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == index(SHOWN, ALL, _rows())
