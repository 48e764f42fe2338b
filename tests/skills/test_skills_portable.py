"""The head that agents write, made one that every agent reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError
from skillclaw.skills.bundle import pack, unpack, version
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.lint import spec
from skillclaw.skills.portable import portable
from skillclaw.skills.records import Bundle, File


def skill(head: str, folder: str = "a-folder", body: str = "# Title\n\n- One line.\n") -> Bundle:
    text = f"---\n{head}\n---\n{body}"
    return Bundle(name=folder, files=[File(path="SKILL.md", data=text.encode())])


def text(bundle: Bundle) -> str:
    return bundle.files[0].data.decode()


@pytest.mark.parametrize(
    ("head", "name", "description"),
    [
        ("name: plain\ndescription: Words.", "plain", "Words."),
        ("name: My_skill.v2\ndescription: Words.", "my-skill-v2", "Words."),
        ("name: [x]\ndescription: Words.\ntags: [a, b]\nx: {y: z}", "a-folder", "Words."),
        ("name: 部署\ndescription: >-\n  Two\n  lines.", "a-folder", "Two lines."),
        ("name: n\ndescription: 'Use <it> --- \"now\"'\nmetadata:\n  a:\n    b: [c]", "n", "Use … -- 'now'"),
        ("name: n\r\ndescription: Words.\r\nallowed-tools: Bash(*)", "n", "Words."),
        ('name: n\ndescription: "a\\u001b[31m\\u0000\\ud800b"', "n", "a [31m b"),
        (f"name: {'x' * 80}\ndescription: Words.", "x" * 64, "Words."),
    ],
)
def test_every_agent_reads_it_and_the_text_below_stays(head: str, name: str, description: str) -> None:
    body = "# Title\r\n\n- One  line. \n---\nmore"
    made = portable(skill(head, body=body))
    found, rest = parse(text(made))
    assert (made.name, found.name, found.description) == (name, name, description)
    assert (found.metadata, found.extra, found.allowed_tools) == ({}, {}, "")
    assert text(made).endswith(body) and rest == body
    assert spec(made) == []
    assert portable(made) == made
    assert version(unpack(pack(made), made.name)) == version(made)


def test_the_same_words_are_the_same_content_however_they_are_written() -> None:
    one = portable(skill("name: n\ndescription: Some words.\nsource: auto\nused: 2026-11-02"))
    other = portable(skill('description: "Some\n  words."\nname: "n"\nmetadata: {seen: 3}', folder="n"))
    assert version(one) == version(other)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Bundle(name="x", files=[]), "no SKILL.md"),
        (Bundle(name="x", files=[File(path="SKILL.md", data=b"# Title\n")]), "no frontmatter"),
        (Bundle(name="x", files=[File(path="SKILL.md", data=b"---\nname: \xff\n---\n")]), "not UTF-8"),
        (skill("name: n"), "no description"),
        (skill("name: n\ndescription: ''"), "no description"),
        (skill("- name"), "maps no words"),
        (skill("name: 'n"), "not valid"),
        (skill("a: 2026-99-99\ndescription: x"), "not valid"),
        (skill("a: " + "[" * 5000), "not valid"),
        (skill("a: !!python/object/apply:os.system [x]\ndescription: x"), "not valid"),
        (skill("description: x\nrest: " + "y" * 20_000), "too long"),
        (skill("description: x", folder="!!!"), "has a name"),
    ],
)
def test_what_is_no_skill_says_why(given: Bundle, reason: str) -> None:
    with pytest.raises(BadInputError) as error:
        portable(given)
    assert reason in f"{error.value.what} {error.value.why}"
    assert len(str(error.value)) < 300


def test_the_reason_quotes_nothing_of_the_file() -> None:
    with pytest.raises(BadInputError) as error:
        portable(skill("key: 'hunter2 and more"))
    assert "hunter2" not in str(error.value)


@given(st.text(max_size=200))
def test_any_head_gives_a_skill_or_a_reason(head: str) -> None:
    try:
        made = portable(skill(head.encode("utf-8", "ignore").decode()))
    except BadInputError:
        return
    parse(text(made))
    assert portable(made) == made
