"""The head of a SKILL.md as written reads the same in the specification's reader and in PyYAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillclaw.errors import BadInputError
from skillclaw.headless.tasks import taskfile
from skillclaw.skills.frontmatter import Head, parse, plain, render
from skillclaw.skills.portable import portable
from skillclaw.skills.records import Bundle, File

WORDS = st.one_of(
    st.sampled_from(
        ["on", "No", "null", "404", "1-2", "2026-01-01", "1e3", "0x1f", "~", "a: b", "- x", "'", "#", "y"]
    ),
    st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True),
)
KEYS = WORDS | st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=8
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=20)


def read(text: str) -> dict[str, object]:
    """As agents do that take YAML as it comes."""
    held = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(held, dict)
    return held


@settings(deadline=None)
@given(name=WORDS, description=TEXTS, metadata=st.dictionaries(KEYS, TEXTS, max_size=3))
@example(name="a", description="", metadata={"A ": ""})
@example(name="a", description="", metadata={"A ": "", "A!": "", "A": "b"})
def test_every_reader_finds_the_same_words(name: str, description: str, metadata: dict[str, str]) -> None:
    made = render(Head(name=name, description=description, metadata=metadata))
    held = read(made)
    assert held["name"] == plain(name) and held["description"] == plain(description)
    assert set(held) <= {"name", "description", "metadata"}
    found, rest = parse(made + "# A\n")
    assert rest == "# A\n"
    assert (found.name, found.description) == (plain(name), plain(description))
    assert render(found) == made


@pytest.mark.parametrize("name", ["gre<n-tests", "gre`n", 'gre"n', "o<n", "a\\b"])
def test_what_was_written_is_written_alike_again(name: str) -> None:
    made = render(Head(name=name, description="b", metadata={name: "c"}))
    assert render(parse(made + "x\n")[0]) == made


def test_a_key_of_several_lines_brings_no_key_of_its_own() -> None:
    made = render(Head(name="a", description="b", metadata={"x: y\nallowed-tools: Bash\nz": "c"}))
    assert set(read(made)) == {"name", "description", "metadata"}
    assert not parse(made)[0].allowed_tools


@pytest.mark.parametrize(
    "line", ["x: !!bool y", "x: !!timestamp y", "x: 2026-99-99", "x: !!int y", "x: " + "[" * 3000]
)
def test_yaml_that_fits_no_value_is_told(line: str) -> None:
    head = f"---\nname: a\ndescription: b\n{line}\n---\n# A\n"
    with pytest.raises(BadInputError, match="not valid"):
        portable(Bundle(name="a", files=[File(path="SKILL.md", data=head.encode())]))
    with pytest.raises(BadInputError, match="not valid YAML"):
        taskfile.parse(head)
