"""Edits of a skill: what they change, what they leave alone, and how two lists of them come together."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.skills.edits import Edit, EditError, apply, merge
from skillclaw.skills.items import DESCRIPTION, all_items, blocks, join, markdown
from skillclaw.skills.records import Bundle, File, Item, Sidecar
from skillclaw.skills.tokens import SKILL_TOKENS, estimate

HEAD = '---\nname: git\ndescription: "Push well."\n---\n'
BODY = """
# Git

A person wrote this.

## When to use

- You push.

## Steps

### Make a release

1. Run `make build`.
2. Run `git tag`.
3. Run `git push`.

## Facts

* A fact of a person's own.
"""


def skill(body: str = BODY, *ours: str) -> tuple[Bundle, list[Item]]:
    """A skill with this body; the lines whose text is among `ours` have a pattern, others are a person's."""
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=(HEAD + body).encode())])
    found = all_items(bundle, None)
    return bundle, [
        Item(id=i.id, kind=i.kind, text=i.text, section=i.section, patterns=["p0"]) if i.text in ours else i
        for i in found
    ]


def body_of(bundle: Bundle) -> str:
    return markdown(bundle)["SKILL.md"].removeprefix(HEAD)


def by_text(items: list[Item], text: str) -> Item:
    return next(item for item in items if item.text == text)


STEPS = ("Run `make build`.", "Run `git tag`.", "Run `git push`.")


def test_an_added_line_goes_to_the_section_of_its_kind_and_nothing_else_changes() -> None:
    bundle, items = skill()
    made, after = apply(
        bundle, items, [Edit(op="add", kind="pitfall", text="Avoid `git push -f`.", patterns=["p1"])], "Git"
    )
    assert body_of(made) == BODY.replace(
        "## Facts", "## What goes wrong\n\n- Avoid `git push -f`.\n\n## Facts"
    )
    assert by_text(after, "Avoid `git push -f`.").patterns == ["p1"]
    assert {i.id for i in items} < {i.id for i in after}


def test_a_step_between_others_renumbers_a_list_of_ours_only() -> None:
    new = "Run `make test`."
    for ours, expected in (
        (STEPS, "1. Run `make build`.\n2. Run `make test`.\n3. Run `git tag`.\n4. Run `git push`.\n"),
        (STEPS[:2], "1. Run `make build`.\n2. Run `make test`.\n2. Run `git tag`.\n3. Run `git push`.\n"),
    ):
        bundle, items = skill(BODY, *ours)
        anchor = by_text(items, STEPS[0]).id
        edit = Edit(op="add", kind="step", text=new, patterns=["p1"], after=anchor)
        made, after = apply(bundle, items, [edit], "Git")
        assert expected in body_of(made)
        assert [i.text for i in after if i.kind == "step"] == [STEPS[0], new, *STEPS[1:]]


def test_change_and_move_keep_the_identity_and_a_drop_takes_an_empty_heading_along() -> None:
    bundle, items = skill(BODY, *STEPS, "You push.")
    first, last = by_text(items, STEPS[0]), by_text(items, STEPS[2])
    edits = [
        Edit(op="change", item=first.id, text="Run `make all`.", patterns=["p2"]),
        Edit(op="move", item=first.id, after=last.id),
        Edit(op="drop", item=by_text(items, "You push.").id),
    ]
    made, after = apply(bundle, items, edits, "Git")
    assert "1. Run `git tag`.\n2. Run `git push`.\n3. Run `make all`.\n" in body_of(made)
    assert "## When to use" not in body_of(made)
    assert by_text(after, "Run `make all`.").id == first.id
    assert by_text(after, "Run `make all`.").patterns == ["p2"]


def test_additions_may_name_each_other_and_stand_in_the_order_given() -> None:
    bundle, items = skill("\n# Git\n")
    section = "Steps / Undo"
    edits = [
        Edit(op="add", item="a", kind="step", section=section, text="One.", patterns=["p"]),
        Edit(op="add", kind="step", section=section, text="Three.", patterns=["p"]),
        Edit(op="add", kind="step", section=section, text="Two.", patterns=["p"], after="a"),
        Edit(op="add", kind="step", section=section, text="Two and a half.", patterns=["p"], after="a"),
    ]
    made, _ = apply(bundle, items, edits, "Git")
    assert body_of(made) == (
        "\n# Git\n\n## Steps\n\n### Undo\n\n1. One.\n2. Two.\n3. Two and a half.\n4. Three.\n"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "own",
    [
        "| a | b |\n| - | - |\n| - x | y |",
        "```sh\n- not an item\n# no heading\n```",
        "<!--\n- not an item\n## no heading\n-->",
        "- mine\n  - nested\n\n      code\n- also mine\n\n  ```\n  - x\n  ```",
        "1) one\n7) seven\n\n\n\nDrei Größen, 三つ, и так далее.",
        "* * *\n\u00a0odd\u2028space\t\n- - -",
    ],
)
def test_what_a_person_wrote_stays_byte_for_byte(own: str, end: str) -> None:
    text = f"\n# Git\n\n{own}\n\n## Facts\n\n- old\n\n## Mine\n\n{own}".replace("\n", end)
    bundle, items = skill(text, "old")
    old = by_text(items, "old")
    edits = [
        Edit(op="drop", item=old.id),
        Edit(op="add", kind="fact", text="new", patterns=["p"]),
        Edit(op="add", kind="step", section="Steps / Do", text="Do it.", patterns=["p"]),
    ]
    made, after = apply(bundle, items, edits, "Git")
    mine = own.replace("\n", end)
    assert body_of(made).count(mine) == 2
    assert f"- new{end}" in body_of(made)
    assert "\n" not in body_of(made).replace("\r\n", "") or end == "\n"
    kept = [i for i in items if i.section in ("", "Mine")]
    assert [i for i in after if i.section in ("", "Mine")] == kept


def test_what_does_not_fit_goes_to_references_and_is_pointed_to_until_it_is_gone() -> None:
    bundle, items = skill("\n# Git\n")
    lines = [f"Word {n} " + "and more " * 20 + f"of `thing-{n}`." for n in range(80)]
    edits = [Edit(op="add", kind="fact", text=text, patterns=[f"p{n}"]) for n, text in enumerate(lines)]
    made, after = apply(bundle, items, edits, "Git")
    files = markdown(made)
    assert estimate(files["SKILL.md"]) <= SKILL_TOKENS
    assert "[references/more-facts.md](references/more-facts.md)" in files["SKILL.md"]
    facts = [i for i in after if i.section == "Facts"]
    assert sorted(i.text for i in facts) == sorted(lines)
    far = [i for i in facts if i.text in files["references/more-facts.md"]]
    pointer = next(i for i in after if i.section == "More")
    assert set(pointer.patterns) == {p for i in far for p in i.patterns}
    again, left = apply(made, after, [Edit(op="drop", item=i.id) for i in far], "Git")
    assert set(markdown(again)) == {"SKILL.md"}
    assert "references/" not in markdown(again)["SKILL.md"]
    assert not [i for i in left if i.section == "More"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "one\ntwo",
        "one\u2028two",
        "# Title",
        "- list",
        "12. list",
        "> quote",
        "``` code",
        "| table |",
        "---",
        "<!-- hidden -->",
        "x <!-- hidden -->",
        "<script>alert(1)</script>",
        "zero\u200bwidth",
        "\u202eright to left",
        "bell\x07",
        "\ud800",
        "tag \U000e0041",
        "x" * 5000,
    ],
)
def test_text_that_cannot_be_a_line_is_an_error(text: str) -> None:
    bundle, items = skill()
    with pytest.raises(EditError) as caught:
        apply(bundle, items, [Edit(op="add", kind="fact", text=text, patterns=["p"])], "Git")
    assert str(caught.value).isprintable()
    with pytest.raises(EditError):
        apply(bundle, items, [Edit(op="add", kind="step", section=f"Steps / {text}", text="x")], "Git")


def test_edits_that_name_nothing_are_errors() -> None:
    bundle, items = skill()
    one = by_text(items, "You push.")
    for edit in (
        Edit(op="drop", item="nobody"),
        Edit(op="drop", item=next(i.id for i in items if i.section == DESCRIPTION)),
        Edit(op="change", item="nobody", text="x"),
        Edit(op="add", kind="fact", text="x", after="nobody"),
        Edit(op="add", text="x"),
        Edit(op="add", kind="fact", section="A / B / C", text="x"),
        Edit(op="move", item=one.id, after=one.id),
        Edit(op="add", kind="fact", section="Facts", text="x", after=one.id),
        Edit(op="change", item=by_text(items, STEPS[0]).id, text=STEPS[1]),
    ):
        with pytest.raises(EditError):
            apply(bundle, items, [edit], "Git")


def test_a_line_that_is_there_gets_the_patterns_of_one_that_says_the_same() -> None:
    bundle, items = skill(BODY, "You push.")
    edit = Edit(op="add", kind="condition", text="You  push.", patterns=["p9"])
    made, after = apply(bundle, items, [edit], "Git")
    assert made == bundle
    assert by_text(after, "You push.").patterns == ["p0", "p9"]


WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "Größe", "三つ", "`x --y`"])
KINDS = st.sampled_from(["fact", "pitfall", "step", "condition", "example"])
ADDS = st.builds(
    lambda kind, words, label: Edit(op="add", kind=kind, text=" ".join(words), item=label, patterns=["p"]),
    KINDS,
    st.lists(WORDS, min_size=1, max_size=4),
    st.just(""),
)
OLD = by_text  # the lines of BODY, by their text
_, KNOWN = skill(BODY, *STEPS, "You push.")
IDS = [i.id for i in KNOWN if i.section != DESCRIPTION]
OTHERS = st.one_of(
    st.builds(lambda i: Edit(op="drop", item=i), st.sampled_from(IDS)),
    st.builds(
        lambda i, w: Edit(op="change", item=i, text=" ".join(w)),
        st.sampled_from(IDS),
        st.lists(WORDS, min_size=1, max_size=3),
    ),
    st.builds(lambda i, a: Edit(op="move", item=i, after=a), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.builds(
        lambda a, w: Edit(op="add", kind="fact", text=" ".join(w), after=a),
        st.sampled_from(IDS),
        st.lists(WORDS, min_size=1, max_size=3),
    ),
)
EDITS = st.lists(st.one_of(ADDS, OTHERS), max_size=6)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(ADDS, max_size=8), st.sampled_from([BODY, BODY.replace("\n", "\r\n"), BODY.rstrip("\n")]))
def test_what_was_added_is_parsed_again_and_the_old_lines_stand(edits: list[Edit], body: str) -> None:
    bundle, items = skill(body, *STEPS)
    made, after = apply(bundle, items, edits, "Git")
    sidecar = Sidecar(skill="git", version="", items=after)
    assert all_items(made, sidecar) == after
    wanted = {(e.kind, e.text) for e in edits}
    assert wanted <= {(i.kind, i.text) for i in after}
    assert [i for i in after if i.id in {k.id for k in items}] == items
    text, at = markdown(made)["SKILL.md"], 0
    for line in (HEAD + body).splitlines():
        at = text.index(line, at) + len(line)


@settings(max_examples=examples(60), deadline=None)
@given(EDITS, EDITS)
def test_merge_loses_nothing_and_does_not_care_who_came_first(ours: list[Edit], theirs: list[Edit]) -> None:
    together, lost = merge(ours, theirs)
    other, gone = merge(theirs, ours)
    if not lost and not gone:
        assert together == other
    else:
        assert lost and gone
    alone, none = merge(ours, [])
    assert not none
    for edit in alone:
        if edit.op == "add":
            assert any(e.op == "add" and e.text == edit.text for e in together)
        else:
            assert edit in together
    assert merge(together, [])[0] == together


@settings(max_examples=examples(60), deadline=None)
@given(EDITS, EDITS)
def test_what_was_merged_can_be_applied_where_both_could(ours: list[Edit], theirs: list[Edit]) -> None:
    bundle, items = skill(BODY, *STEPS, "You push.")
    try:
        apply(bundle, items, ours, "Git")
    except EditError:
        return
    together, _ = merge(ours, [])
    assert {i.text for i in apply(bundle, items, together, "Git")[1]} == {
        i.text for i in apply(bundle, items, ours, "Git")[1]
    }


def test_of_two_changes_of_one_line_the_later_stands() -> None:
    bundle, items = skill(BODY, *STEPS, "You push.")
    line = items[1].id
    ours = [Edit(op="change", item=line, text=text) for text in ("beta", "alpha", "beta")]
    together, _ = merge(ours, [])
    assert [edit.text for edit in together] == ["beta"]
    assert "beta" in {i.text for i in apply(bundle, items, together, "Git")[1]}


@given(st.text())
def test_blocks_of_any_text_are_the_text(text: str) -> None:
    assert join(blocks(text)) == text


def test_a_persons_edit_wins_over_an_engines() -> None:
    _, items = skill(BODY, *STEPS)
    one, two = by_text(items, STEPS[0]), by_text(items, STEPS[1])
    person = [Edit(op="change", item=one.id, text="Mine."), Edit(op="drop", item=two.id)]
    engine = [
        Edit(op="change", item=one.id, text="Theirs.", patterns=["p"]),
        Edit(op="move", item=one.id, section="Facts"),
        Edit(op="add", item="n", kind="step", text="Behind.", after=two.id, patterns=["p"]),
        Edit(op="add", kind="step", text="Behind that.", after="n", patterns=["p"]),
        Edit(op="add", kind="fact", text="Fine.", patterns=["p"]),
    ]
    together, lost = merge(person, engine)
    assert lost == [engine[0], engine[2], engine[3]]
    assert [(e.op, e.text) for e in together] == [
        ("drop", ""),
        ("change", "Mine."),
        ("move", ""),
        ("add", "Fine."),
    ]
