"""The rules that a skill's files must follow, with the specification's own tool as judge."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skills_ref.validator import validate

from skillclaw.errors import BadInputError
from skillclaw.skills.frontmatter import Head, parse, plain, render
from skillclaw.skills.hiding import hidden, hidden_in
from skillclaw.skills.lint import NAME, spec
from skillclaw.skills.records import Bundle, File
from skillclaw.skills.tokens import estimate


def bundle(text: str, name: str = "git-fixes", **files: bytes) -> Bundle:
    more = [File(path=path.replace("__", "/"), data=data) for path, data in files.items()]
    return Bundle(name=name, files=[File(path="SKILL.md", data=text.encode()), *more])


GOOD = '---\nname: git-fixes\ndescription: "What to do when a push fails."\n---\n\n# Git\n\n- Pull first.\n'


def test_a_good_skill_breaks_no_rule() -> None:
    assert spec(bundle(GOOD)) == []
    assert hidden(bundle(GOOD)) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("# no head\n", "frontmatter"),
        (GOOD.replace("name: git-fixes\n", ""), "frontmatter"),
        (GOOD.replace("git-fixes", "other"), "name"),
        (GOOD.replace('"What to do when a push fails."', '""'), "description"),
        (GOOD.replace("What to", "x" * 1100), "description"),
        (GOOD.replace("a push", "a <b>push</b>"), "angle-brackets"),
        (GOOD.replace('"What to', ">\n  What to <b>").replace('fails."', "fails."), "angle-brackets"),
        (GOOD.replace('"What to', ">- What to").replace('fails."', "fails."), "frontmatter"),
        (GOOD.replace("---\n\n#", "extra: 1\n---\n\n#"), "keys"),
        (GOOD.replace("# Git\n\n- Pull first.\n", ""), "body"),
        (GOOD.replace("Pull", "[Pull](references/none.md)"), "link"),
        (GOOD.replace("a push", "a --- push"), "frontmatter"),
    ],
)
def test_a_broken_rule_is_named(text: str, rule: str) -> None:
    assert rule in {finding.rule for finding in spec(bundle(text))}


@pytest.mark.parametrize("sign", [">", ">-", ">+"])
def test_a_description_may_go_on_over_lines(sign: str) -> None:
    assert (
        spec(bundle(GOOD.replace('"What to do when a push fails."', f"{sign}\n  What to do\n  then."))) == []
    )


@pytest.mark.parametrize(
    "name", ["Git", "git_x", "git--x", "-git", "git-", "gít", "a" * 65, "nul", "my-claude"]
)
def test_names_are_the_portable_subset(name: str) -> None:
    assert spec(bundle(GOOD.replace("git-fixes", name), name=name))


@given(
    st.from_regex(NAME, fullmatch=True).filter(lambda n: len(n) <= 40),
    st.text(max_size=300),
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=40), max_size=3),
)
def test_what_is_rendered_reads_the_same_again(name: str, words: str, metadata: dict[str, str]) -> None:
    clean = "".join(c for c in words if c.isprintable())
    description = plain(f"Use it. {clean}")
    metadata = {
        key: plain("v " + "".join(c for c in value if c.isprintable())) for key, value in metadata.items()
    }
    head = Head(name=name, description=description, metadata=metadata)
    again, body = parse(render(head) + "\nBody\n")
    assert again == head
    assert body == "\nBody\n"


def test_the_reference_tool_agrees_on_what_we_write(tmp_path: Path) -> None:
    head = Head(
        name="git-fixes",
        description="Git: how to “push”, step by step: 'now' & then # not a comment, {x}: [y] 100% @me!",
        metadata={"version": "1"},
        compatibility="Needs git",
    )
    folder = tmp_path / "git-fixes"
    folder.mkdir()
    (folder / "SKILL.md").write_text(render(head) + "\n# Git\n", "utf-8")
    assert validate(folder) == []


@given(st.text(), st.binary(max_size=200))
def test_any_bytes_are_judged_without_an_accident(text: str, data: bytes) -> None:
    spec(Bundle(name=text, files=[File(path="SKILL.md", data=data), File(path=text or "x", data=data)]))
    hidden(Bundle(name="x", files=[File(path="SKILL.md", data=data)]))
    with contextlib.suppress(BadInputError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a\u200bb", "zero-width"),
        ("a\u00adb", "zero-width"),
        ("\u202eabc", "bidi"),
        ("x\U000e0041", "tag"),
        ("x\ufe01", "variation"),
        ("p\u0430ypal", "homoglyph"),
        ("a\x07b", "control"),
        ("\x1b[31mred", "control"),
    ],
)
def test_hidden_characters_are_found(text: str, rule: str) -> None:
    assert rule in {found for found, _ in hidden_in(text)}


@pytest.mark.parametrize(
    "text", ["naïve café", "用中文写的技能", "Привет мир", "10 µs", "ok ✅ 👩‍💻 ⚠️", "a\tb", "α and β"]
)
def test_other_languages_and_emoji_hide_nothing(text: str) -> None:
    assert hidden_in(text) == []


def test_comments_and_markup_are_found() -> None:
    found = {f.rule for f in hidden(bundle(GOOD + "\n<!-- psst -->\n<details>x</details>\n"))}
    assert found == {"comment", "html"}
    assert {f.rule for f in hidden(bundle(GOOD + "\n<!-- never closed"))} == {"comment"}


def test_tokens_are_estimated_near_enough() -> None:
    assert estimate("") == 0
    assert 8 <= estimate("Run the tests before you push the branch.") <= 14
    assert estimate("用中文写的技能") == 7
