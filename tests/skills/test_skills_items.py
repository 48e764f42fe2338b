"""SKILL.md as items and back."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.skills.items import all_items, blocks, item_id, join, parse_items, same_text, without
from skillclaw.skills.records import Bundle, File, Item, Ref, Sidecar, content_id

BODY = """
# Git

A person wrote this paragraph.

## When to use

- You push.

## Steps

### Make a release

1. Run `make build`,
   then wait.
2. Run `git push`.

```sh
- this is no item
# nor is this a heading
```

## Facts

* A fact of a person's own.
"""

LINES = st.sampled_from(
    [
        "# T",
        "## A",
        "### B",
        "- one",
        "1. two",
        "  more",
        "",
        "text",
        "```",
        "* x\n  y",
        "\t- deep",
        "-no item",
        "##",
    ]
)


@given(st.one_of(st.text(), st.lists(LINES).map("\n".join), st.lists(LINES).map("\r\n".join)))
def test_blocks_put_together_are_the_text_again(text: str) -> None:
    assert join(blocks(text)) == text


def test_items_know_their_section_and_kind() -> None:
    items = parse_items("git", BODY)
    assert [(i.kind, i.section, same_text(i.text)) for i in items] == [
        ("condition", "When to use", "You push."),
        ("step", "Steps / Make a release", "Run `make build`, then wait."),
        ("step", "Steps / Make a release", "Run `git push`."),
        ("fact", "Facts", "A fact of a person's own."),
    ]
    assert all(not item.evidence for item in items)


def test_a_known_line_keeps_its_id_and_evidence_and_a_new_one_has_none() -> None:
    ref = Ref(session="s", user="u", agent="a", day="2026-11-01")
    known = Item(id="feedface", kind="step", text="Run `git push`.", patterns=["p"], evidence=[ref])
    items = parse_items("git", BODY, [known])
    found = next(item for item in items if item.id == "feedface")
    assert found.evidence == [ref]
    assert found.section == "Steps / Make a release"
    assert [i.id for i in items if i.evidence] == ["feedface"]


def test_ids_depend_on_skill_kind_and_words_not_on_spaces() -> None:
    assert item_id("git", "step", "Run  it.") == item_id("git", "step", "Run it.")
    assert item_id("git", "step", "Run it.") != item_id("git", "fact", "Run it.")
    assert item_id("git", "step", "Run it.") != item_id("npm", "step", "Run it.")


def test_taking_items_out_takes_the_headings_that_get_empty_and_nothing_else() -> None:
    parts = blocks(BODY)
    left = join(without(parts, {("When to use", "You push.")}))
    assert "## When to use" not in left
    assert left.replace("\n", "") == BODY.replace("## When to use", "").replace("- You push.", "").replace(
        "\n", ""
    )
    kept = join(without(parts, {("Steps / Make a release", "Run `git push`.")}))
    assert "### Make a release" in kept
    assert "1. Run `make build`,\n   then wait.\n" in kept


def test_an_empty_heading_of_a_person_stays() -> None:
    text = "# T\n\n## Mine\n\n## Facts\n\n- one\n"
    assert "## Mine" in join(without(blocks(text), {("Facts", "one")}))


@given(st.lists(LINES).map("\n".join), st.integers(0, 5))
def test_without_loses_only_what_was_asked(text: str, pick: int) -> None:
    parts = blocks(text)
    items = [part for part in parts if part.kind == "item"]
    if not items:
        return
    target = items[pick % len(items)]
    left = without(parts, {(target.section, same_text(target.text))})
    words = [same_text(p.text) for p in left if p.kind == "item"]
    expected = [
        same_text(p.text)
        for p in items
        if (p.section, same_text(p.text)) != (target.section, same_text(target.text))
    ]
    assert words == expected


def test_all_items_begin_with_the_description_and_read_references() -> None:
    main = b'---\nname: git\ndescription: "Push well."\n---\n' + BODY.encode()
    bundle = Bundle(
        name="git",
        files=[
            File(path="SKILL.md", data=main),
            File(path="references/more.md", data=b"# More\n\n- Rare thing.\n"),
            File(path="assets/x.bin", data=b"\xff\xfe"),
        ],
    )
    items = all_items(bundle, Sidecar(skill="git", version=""))
    assert (items[0].section, items[0].text) == ("description", "Push well.")
    assert items[-1].text == "Rare thing."


def test_thousands_of_the_same_line_cost_little_and_each_has_an_id() -> None:
    """A hostile bundle of some 100 kB kept the gate and the pages busy for hours."""
    head = "---\nname: many\ndescription: How to do it.\n---\n# Many\n\n"
    text = (head + "- the same\n" * 8000).encode()
    began = time.process_time()
    found = all_items(Bundle(name="many", files=[File(path="SKILL.md", data=text)]), None)
    assert time.process_time() - began < 2
    assert len({item.id for item in found}) == len(found) == 8001
    again = content_id("item", "many", found[1].kind, "the same", 3)
    assert [item.id for item in found[1:4]] == [
        item_id("many", found[1].kind, "the same"),
        found[2].id,
        again,
    ]
