"""What the README's examples print is what the programs print, on the machine that they were made on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli import ok, skillclaw
from doc_blocks import fits
from past_agents import machine

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"^```\n\$ skillclaw (?P<command>[^\n]+)\n(?P<prints>.*?)^```$", re.M | re.S)
SECONDS = re.compile(r"\b\d+ s\b")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def test_each_example_prints_what_the_readme_says(home: Path) -> None:
    """In the order of the page, in one home: the first one learns what the others show."""
    environ = machine(home)
    examples = EXAMPLE.findall(README.read_text("utf-8"))
    assert [command.split()[0] for command, _ in examples] == ["up", "skills"]
    for command, prints in examples:
        free = ("--port", "0") if command.startswith("up ") else ()
        printed = ok(*shlex.split(command), *free, home=home, environ=environ).replace(str(home), "~")
        says, said = (SECONDS.sub("N s", text).strip() for text in (prints, printed))
        assert fits(says, said), f"{command} prints:\n{printed}"
