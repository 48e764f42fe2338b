"""Numbers, paths and names that a command cannot use end with exit code 2 and say what would do."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from cli import ok, skillclaw

pytestmark = pytest.mark.live
SOURCE = Path(__file__).parents[2] / "src"
WITHOUT_EVOLVER = """
from importlib.machinery import PathFinder

real = PathFinder.find_spec


def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in ("numpy", "scipy", "sklearn") else real(name, path, target)


PathFinder.find_spec = find_spec
"""
"""A `sitecustomize.py` with which the packages of the extra `evolve` are not installed."""

WRONG = [
    ("import --since nan", "--since", "0<=x<=100000"),
    ("import --since inf", "--since", "0<=x<=100000"),
    ("import --since 1e400", "--since", "0<=x<=100000"),
    ("import --since 999999999999999999", "--since", "0<=x<=100000"),
    ("sessions list --limit 99999999999999999999999", "--limit", f"0<=x<={2**53}"),
    ("sessions export --otlp - --since 99999999999999999999", "--since", "1<=x<=100000"),
    ("logs -n 99999999999999999999", "-n", "1<=x<=10000000"),
    ("bench proxy --seconds nan", "--seconds", f"0.2<=x<={2**53}"),
    ("bench proxy --seconds inf", "--seconds", f"0.2<=x<={2**53}"),
    ("bench redaction --seed 99999999999999999999999", "--seed", f"0<=x<={2**53}"),
    ("bench loop --seed -99999999999999999999999 x", "--seed", f"-{2**53}<=x<={2**53}"),
    ('import ""', "PATHS", "an empty path names no file or folder"),
    ('import s.jsonl ""', "PATHS", "an empty path names no file or folder"),
]


@pytest.mark.parametrize(("command", "option", "takes"), WRONG, ids=[one[0] for one in WRONG])
def test_what_is_no_number_or_path_is_told_with_what_would_do(
    tmp_path: Path, command: str, option: str, takes: str
) -> None:
    done = skillclaw(*shlex.split(command), home=tmp_path, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert option in done.stderr
    assert takes in done.stderr


def test_the_folder_that_one_is_in_can_be_named(tmp_path: Path) -> None:
    done = skillclaw("import", ".", "--since", "100000", home=tmp_path, cwd=tmp_path)
    assert "the folder holds no .json or .jsonl file" in done.stdout


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.slow
def test_an_engine_that_is_not_there_is_refused_as_it_is_set(tmp_path: Path, lean: bool) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_EVOLVER, "utf-8")
    environ = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"} if lean else {}
    if lean:
        said = skillclaw("evolve", home=tmp_path, environ=environ).stderr
        assert "The evolver's libraries are not installed." in said
    for value in ("nope", "3", "[1]", "{}"):
        done = skillclaw("config", "set", "evolve.engine", value, home=tmp_path, environ=environ)
        assert done.returncode == 2
        assert f"evolve.engine cannot be '{value}'" in done.stderr
        assert "Known: agent, cli, extractive, gepa, llm" in done.stderr
    assert ok("config", "get", "evolve.engine", home=tmp_path, environ=environ).strip() == "extractive"
    for value in ("extractive", "llm"):
        ok("config", "set", "evolve.engine", value, home=tmp_path, environ=environ)
        assert ok("config", "get", "evolve.engine", home=tmp_path, environ=environ).strip() == value


@pytest.mark.slow
def test_an_engine_of_another_package_can_be_set(tmp_path: Path) -> None:
    info = tmp_path / "site" / "mine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[skillclaw.evolvers]\nmine = mine:Mine\n")
    (info.parent / "mine.py").write_text(
        "class Mine:\n    name = 'mine'\n    def propose(self, patterns, current, context): return []\n"
    )
    environ = {"PYTHONPATH": f"{info.parent}{os.pathsep}{SOURCE}"}
    done = skillclaw("config", "set", "evolve.engine", "mine", home=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
