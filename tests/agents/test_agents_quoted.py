"""What cannot be read of an agent's settings is told by its place: the lines hold keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.agents.edits import get_key
from skillclaw.agents.texts import Format
from skillclaw.errors import BadInputError

KEY = "sk-SomebodysOwnKey0123456789"
TORN: list[tuple[Format, str]] = [
    ("yaml", f"model: x\nkey: b: {KEY}\n"),
    ("yaml", f"model: x\n  api_key: {KEY}\n"),
    ("yaml", f"key: *{KEY}\n"),
    ("yaml", f"key: !!int {KEY}\n"),
    ("yaml", f"key: '{KEY}\n"),
    ("yaml", f"key: [{KEY}\n"),
    ("yaml", f"key: %{KEY}\n"),
    ("yaml", f"- {KEY}\nkey: 1\n"),
    ("json", f'{{"key": "{KEY}\n"}}'),
    ("json", f'{{"key": {KEY}}}'),
    ("json5", f"{{key: '{KEY}\n'}}"),
    ("json5", f"{{key: {KEY}}}"),
    ("json5", f"{{ models: {{ openai: {{ apiKey: '{KEY}' }} }} gateway: {{}} }}"),
    ("json5", f"{{ apiKey: '{KEY}' }} }}"),
    ("json5", f"{{ apiKey: '{KEY}', a: [1, '{KEY}' 2] }}"),
    ("json", f'{{"apiKey": "{KEY}" "a": 1}}'),
    ("toml", f"key = {KEY}\n"),
    ("toml", f'key = "{KEY}\n'),
    ("toml", f"[a]\n[a]\nkey = '{KEY}'\n"),
    ("toml", f"[{KEY}]\n[{KEY}]\n"),
    ("toml", f"a = {{ {KEY} = 1, {KEY} = 2 }}\n"),
    ("toml", f"a.{KEY}.b = 1\na.{KEY} = 2\n"),
    ("env", f"{KEY}\n"),
]


def told(folder: Path, form: Format, text: str) -> str:
    try:
        get_key(folder / "settings", text.encode("utf-8"), form, ["key"])
    except BadInputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("form", "text"), TORN)
def test_a_file_that_cannot_be_read_is_told_without_its_keys(tmp_path: Path, form: Format, text: str) -> None:
    said = told(tmp_path, form, text)
    assert KEY not in said
    if form != "env":
        assert "Mend the file" in said


def test_yaml_is_told_with_line_and_column(tmp_path: Path) -> None:
    said = told(tmp_path, "yaml", f"model: x\nkey: b: {KEY}\n")
    assert "mapping values are not allowed here in line 2, column 7" in said


def test_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    said = told(tmp_path, "toml", f"[a]\n[{KEY}]\n[{KEY}]\n")
    assert "Cannot declare (at line 3, column" in said


@settings(max_examples=examples(150), deadline=None)
@given(st.text("ab:'\"{}[]%!*&-#\n\t @`,|>?\\", max_size=24), st.text(":'\"{}[]%!*&-\n #@`|>\\", max_size=12))
def test_no_torn_yaml_shows_a_key(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert KEY not in told(folder, "yaml", f"{before}{KEY}{after}")
