"""The manual page: made from the commands, whole, and taken by man's own readers."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Typer and Click tell each other
    from skillclaw.cli.app import build
    from skillclaw.cli.manual import _text, page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "packaging" / "man" / "skillclaw.1"
SHOWN = shutil.which("mandoc")


def _read(page: str) -> str:
    done = subprocess.run(
        [SHOWN or "", "-T", "utf8", "-O", "width=200"], input=page, capture_output=True, text=True, check=True
    )
    return re.sub(".\b", "", done.stdout)


def test_the_page_is_made_from_the_commands() -> None:
    assert PAGE.read_text() == page(), "say: make schemas"


def test_each_command_and_option_has_its_place() -> None:
    text = PAGE.read_text().replace("\\-", "-")
    root = build()
    todo: list[tuple[str, click.Command]] = [("", root)]
    seen = 0
    while todo:
        name, one = todo.pop()
        if isinstance(one, click.Group):
            context = click.Context(one)
            found = ((sub, one.get_command(context, sub)) for sub in one.list_commands(context))
            todo += [(f"{name} {sub}".strip(), command) for sub, command in found if command is not None]
            continue
        start = re.search(rf"(?m)^\.SS {re.escape(name)} \[", text)
        assert start is not None, name
        own = text[start.end() :].partition("\n.SS ")[0].partition("\n.SH ")[0]
        for parameter in one.params:
            told = isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts if told else ():
                assert option in own or option in ("--home", "--json", "--debug"), (name, option)
        seen += 1
    assert seen > 60


@pytest.mark.skipif(SHOWN is None, reason="needs mandoc")
def test_mandoc_finds_nothing_wrong_but_that_it_has_no_date() -> None:
    done = subprocess.run([SHOWN or "", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []
    shown = _read(PAGE.read_text())
    assert "--port INTEGER" in shown and "Start with `skillclaw up --demo` (no key, no network)" in shown


@pytest.mark.skipif(SHOWN is None, reason="needs mandoc")
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert text in _read(f".TH A 1 2026-01-01\n.SH NAME\na \\- b\n.SH TEXT\n{_text(text)}\n")
