"""Editing keys of settings files: the right value, and every other byte as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.agents import texts
from skillclaw.agents.texts import Format, TextError

URL = "http://127.0.0.1:8787/agent"
OLD = "'https://mine.example/v1'"

JSON5 = """// mine
{
  // who serves
  models: {
    'providers': {
      own: {
        baseUrl: 'https://mine.example/v1', // the old one
        apiKey: "k",
      },
    },
  },
  list: [1, /* two */ 2,],
}
"""
YAML = """# mine
model:
  default: big   # the large one
  provider: own

providers:
  own:
    # where
    base_url: https://mine.example/v1 # old
    tags: [a, b]
    text: |
      two
      lines

# the end
plugins:
  enabled:
    - one   # first
"""


@pytest.mark.parametrize(
    ("format", "text", "keys", "wanted"),
    [
        (
            "json5",
            JSON5,
            ["models", "providers", "own", "baseUrl"],
            ("'https://mine.example/v1'", f'"{URL}"'),
        ),
        ("json5", JSON5, ["list", 1], ("2,]", f'"{URL}",]')),
        ("yaml", YAML, ["providers", "own", "base_url"], ("https://mine.example/v1 #", f"{URL} #")),
        ("yaml", YAML, ["model", "default"], ("big  ", f"{URL}  ")),
        ("yaml", YAML, ["providers", "own", "tags", 1], (", b]", f", {URL}]")),
        ("yaml", YAML, ["plugins", "enabled", 0], ("- one ", f"- {URL} ")),
        ("env", "# mine\nexport A='x y' \r\nB=2\n", ["A"], ("'x y'", URL)),
        ("env", "A=1\n\nB=old # why\n", ["A"], ("A=1", f"A={URL}")),
        ("toml", "# mine\n[a]\nb = 'x' # why\n", ["a", "b"], ("'x'", f'"{URL}"')),
    ],
)
def test_a_value_is_replaced_where_it_stands(
    format: Format, text: str, keys: list[Any], wanted: tuple[str, str]
) -> None:
    made = texts.set_value(text, format, keys, URL)
    assert made == text.replace(*wanted)
    assert texts.get(made, format, keys) == (True, URL)


@pytest.mark.parametrize(
    ("format", "text", "keys", "made"),
    [
        (
            "json5",
            '{\n  // a note\n  "a": 1, // one\n  "b": {}, // two\n}\n',
            ["c", "d"],
            '{\n  // a note\n  "a": 1, // one\n  "b": {}, // two\n  "c": {"d": "V"},\n}\n',
        ),
        ("json5", '{\n  "a": 1 // one\n}\n', ["b"], '{\n  "a": 1, // one\n  "b": "V"\n}\n'),
        ("json5", "{\n  // nothing yet\n}\n", ["b"], '{\n  // nothing yet\n  "b": "V"\n}\n'),
        ("json5", "// nothing yet\n", ["b"], '// nothing yet\n{\n  "b": "V"\n}\n'),
        ("json5", "{a:1}", ["b"], '{a:1, "b": "V"}'),
        ("yaml", "a:\n  b: 1 # one\n# end\n", ["a", "c"], "a:\n  b: 1 # one\n  c: V\n# end\n"),
        ("yaml", "a: {b: 1}\n", ["a", "c"], 'a: {b: 1, "c": "V"}\n'),
        ("yaml", "a: {}\n", ["a", "c"], 'a: {"c": "V"}\n'),
        ("yaml", "# only a note", ["a", "c"], "# only a note\na:\n  c: V\n"),
        ("yaml", "", ["a", "c"], "a:\n  c: V\n"),
        ("yaml", "a:\nb: 1\n", ["a", "c"], "a:\n  c: V\nb: 1\n"),
        ("yaml", "a: # none yet\nb: 1\n", ["b"], "a: # none yet\nb: V\n"),
        ("yaml", "a: |\n  text\n\nb: 1", ["c"], "a: |\n  text\n\nb: 1\nc: V\n"),
        ("yaml", "a:\r\n  b: 1\r\n", ["a", "c"], "a:\r\n  b: 1\r\n  c: V\r\n"),
        ("env", "A=1", ["B"], "A=1\nB=V\n"),
    ],
)
def test_a_new_key_looks_like_its_neighbours(format: Format, text: str, keys: list[Any], made: str) -> None:
    assert texts.set_value(text, format, keys, "V") == made
    assert texts.get(texts.remove(made, format, keys), format, keys) == (False, None)


@pytest.mark.parametrize(
    ("format", "text", "made"),
    [
        ("json", '{"p": {"use": ["a"]}}', '{"p": {"use": ["a", "V"]}}'),
        ("json5", '{p: {use: [\n  "a", // first\n]}}', '{p: {use: [\n  "a", // first\n  "V",\n]}}'),
        ("json", '{"p": {"use": []}}', '{"p": {"use": [\n  "V"\n]}}'),
        ("yaml", "p:\n  use: [a]\n", "p:\n  use: [a, V]\n"),
        ("yaml", "p:\n  use: []\n", "p:\n  use: [V]\n"),
        ("yaml", "p:\n  use:\n    - a # first\n# end\n", "p:\n  use:\n    - a # first\n    - V\n# end\n"),
        ("yaml", "p:\n  use:\n  - a\nq: 1\n", "p:\n  use:\n  - a\n  - V\nq: 1\n"),
        ("toml", "[p]\nuse = ['a'] # why\n", "[p]\nuse = ['a', \"V\"] # why\n"),
    ],
)
def test_an_item_is_added_and_taken_away(format: Format, text: str, made: str) -> None:
    grown = texts.append(text, format, ["p", "use"], "V")
    assert grown == made
    items = texts.get(grown, format, ["p", "use"])[1]
    back = texts.remove(grown, format, ["p", "use", len(items) - 1])
    assert texts.load(back, format) == texts.load(text, format)


@pytest.mark.parametrize(
    ("format", "text", "keys"),
    [
        ("yaml", "a: &x 1\nb: *x\n", ["b"]),
        ("yaml", "a:\n  b:\n    - 1\n", ["a", "b"]),
        ("yaml", "- 1\n- 2\n", ["a"]),
        ("yaml", "a: [1\n", ["a"]),
        ("yaml", "a: 1\n---\nb: 2\n", ["a"]),
        ("json5", "{a: 1", ["a"]),
        ("json5", "{a: 'x'}", ["a", "b"]),
        ("json5", "[1]", ["a"]),
        ("env", "what is this\n", ["A"]),
        ("json", '{"a": [1]}', ["a", 3]),
    ],
)
def test_what_cannot_be_edited_is_refused(format: Format, text: str, keys: list[Any]) -> None:
    with pytest.raises(TextError):
        texts.set_value(text, format, keys, "V")


def test_values_of_unknown_tags_stay() -> None:
    text = "a: !env KEY\nb: 1\n"
    assert texts.set_value(text, "yaml", ["b"], "V") == "a: !env KEY\nb: V\n"


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=6)
plain = st.none() | st.booleans() | st.integers(-9, 9) | names
trees = st.dictionaries(
    names,
    st.recursive(
        plain, lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3)
    ),
    max_size=4,
)
paths = st.lists(names, min_size=1, max_size=3)


def written(format: Format, tree: dict[str, Any], style: bool) -> str:
    if format == "yaml":
        return yaml.safe_dump(tree, default_flow_style=style, allow_unicode=True) if tree else ""
    return json.dumps(tree, indent=2 if style else None, ensure_ascii=style)


@settings(deadline=None)
@given(
    format=st.sampled_from(["json", "json5", "yaml"]),
    tree=trees,
    keys=paths,
    style=st.booleans(),
    data=st.data(),
)
def test_any_key_of_any_tree(
    format: Format, tree: dict[str, Any], keys: list[str], style: bool, data: st.DataObject
) -> None:
    """The key has its value and all else is as before; without it again, so is everything."""
    if tree and data.draw(st.booleans()):
        keys = [data.draw(st.sampled_from(sorted(tree))), *keys[1:]]
    text = written(format, tree, style)
    before = texts.get(text, format, keys)
    try:
        made = texts.set_value(text, format, keys, URL)
    except TextError:
        assert texts.load(text, format) == tree
        return
    assert texts.get(made, format, keys) == (True, URL)
    if before[0]:
        if isinstance(before[1], str):
            assert texts.load(texts.set_value(made, format, keys, before[1]), format) == tree
        return
    gone = texts.remove(made, format, keys)
    assert texts.get(gone, format, keys) == (False, None)
    kept = {name: value for name, value in texts.load(gone, format).items() if name != keys[0]}
    assert kept == {name: value for name, value in tree.items() if name != keys[0]}


@settings(deadline=None)
@given(format=st.sampled_from(["json", "json5", "yaml", "toml", "env"]), text=st.text(max_size=60))
def test_any_text_is_edited_or_refused(format: Format, text: str) -> None:
    try:
        made = texts.set_value(text, format, ["KEY"], URL)
    except TextError:
        return
    assert texts.get(made, format, ["KEY"]) == (True, URL)
