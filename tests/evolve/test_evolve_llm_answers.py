"""Answers as models write them become drafts: markers go, commands get their backticks, labels are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from npm_house import context, house, pattern, skill, target

from skillclaw.evolve.dossier import dossier
from skillclaw.evolve.engines.llm_answers import as_draft, bare_line, ticked
from skillclaw.evolve.engines.llm_records import Change, NewLine, NewSkill, Revision

EXACT = ["npm test", "CI=1 npm test", "git tag <value>", "zip", "order_id"]


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [
        ("If npm test fails, run CI=1 npm test.", "If `npm test` fails, run `CI=1 npm test`."),
        ("If `npm test` fails, run CI=1 npm test.", "If `npm test` fails, run `CI=1 npm test`."),
        ('Run "CI=1 npm test".', "Run `CI=1 npm test`."),
        ("Run 'CI=1 npm test' first.", "Run `CI=1 npm test` first."),
        ("Run git tag <value> then.", "Run `git tag <value>` then."),
        ("Give the zip code and the order_id.", "Give the zip code and the `order_id`."),
        ('Give "zip" too.', "Give `zip` too."),
        ("xnpm test and npm tests stay.", "xnpm test and npm tests stay."),
        ("", ""),
    ],
)
def test_what_may_be_written_exactly_gets_its_backticks(given_text: str, wanted: str) -> None:
    assert ticked(given_text, EXACT) == wanted


@given(st.text(alphabet="npm test`CI=1 <>value'\"“”ga.", max_size=60))
def test_backticks_are_put_once_and_no_word_changes(text: str) -> None:
    once = ticked(text, EXACT)
    assert ticked(once, EXACT) == once
    marks = str.maketrans("", "", "`\"'“”")
    assert once.translate(marks) == text.translate(marks)


@given(st.text(max_size=80))
def test_a_line_has_no_marker_and_no_line_break(text: str) -> None:
    line = bare_line(text)
    assert "\n" not in line
    assert bare_line(line) == line
    assert not line.startswith(("- ", "* ", "# ", "1. "))


def test_labels_are_found_in_what_models_write_around_them() -> None:
    sessions = house()
    base = skill()
    one = target(pattern(sessions), base=base)
    view = dossier(one, context(sessions), tokens=4000)
    items = {item.id: item for item in base.sidecar.items}
    answer = Revision(
        why="w",
        action="refine",
        changes=[
            Change(op="change", item="[L1]", text="1. Run npm test.", evidence=["P1 (6 sessions)"]),
            Change(op="add", text="- Fine.", evidence=["p1", "P1", "P7"]),
            Change(op="add", text="No pattern.", evidence=["S1", "the first"]),
            Change(op="drop", item="L9", evidence=["P1"]),
            Change(op="move", item="L1", after="L7"),
        ],
    )
    draft, faults = as_draft(answer, view, items)
    assert [(edit.op, edit.item, edit.text, edit.patterns) for edit in draft.edits] == [
        ("change", "i-1", "Run `npm test`.", ["id-npm"]),
        ("add", "", "Fine.", ["id-npm"]),
    ]
    assert [fault.split(" ")[1] for fault in faults] == ["3", "4", "5"]


def test_steps_go_below_their_task_and_a_description_holds_no_markup() -> None:
    sessions = house()
    view = dossier(target(pattern(sessions)), context(sessions), tokens=4000)
    answer = NewSkill(
        why="w",
        action="create",
        title="# Testing",
        description="Run `npm test` in <folder>. Use when it fails <script>",
        lines=[
            NewLine(kind="step", text="Run npm test.", evidence=["P1"]),
            NewLine(kind="step", text="Run CI=1 npm test.", evidence=["P1"], task="run the tests / now."),
            NewLine(kind="step", text="Run npm test.", evidence=["P1"]),
        ],
    )
    draft, faults = as_draft(answer, view, {})
    assert [edit.section for edit in draft.edits] == ["Steps / Run the tests now"] * 2
    assert faults == ["Line 1 is a step and names no task."]
    assert draft.title == "Testing"
    assert draft.description == "Run npm test in folder. Use when it fails script"
