"""A unified diff as two columns: nothing of either version is lost, and no line passes for a head."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillclaw.skills.diff import unified
from skillclaw.skills.records import Bundle, File
from skillclaw.web.diffs import FileChange, Row, side_by_side

LINES = st.lists(
    st.sampled_from(
        ["", "a", "b", "- x", "--- a/SKILL.md", "+++ b/SKILL.md", "@@ -1,2 +1,2 @@", "\\ No", " c"]
    )
    | st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=6),
    max_size=14,
)


def bundle(lines: list[str], end: str = "\n") -> Bundle:
    text = "\n".join(lines) + (end if lines else "")
    return Bundle(name="s", files=[File(path="SKILL.md", data=text.encode())])


def columns(changes: list[FileChange]) -> tuple[dict[int, str], dict[int, str]]:
    rows = [row for file in changes for row in file.rows]
    left = {row.left_number: row.left or "" for row in rows if row.left_number is not None}
    right = {row.right_number: row.right or "" for row in rows if row.right_number is not None}
    return left, right


@given(LINES, LINES, st.sampled_from(["\n", ""]))
def test_each_column_holds_the_lines_of_its_version(old: list[str], new: list[str], end: str) -> None:
    before, after = bundle(old, end), bundle(new, end)
    changes, cut = side_by_side(unified(before, after))
    assert not cut
    left, right = columns(changes)
    for given_, version in ((left, before), (right, after)):
        lines = version.files[0].data.decode().split("\n")
        for number, text in given_.items():
            assert lines[number - 1] == text
    if old and new and before != after:
        changed_left = {row.left_number for f in changes for row in f.rows if row.kind in ("gone", "changed")}
        kept = [text for n, text in enumerate(old, 1) if n not in changed_left]
        changed_right = {
            row.right_number for f in changes for row in f.rows if row.kind in ("new", "changed")
        }
        same = [text for n, text in enumerate(new, 1) if n not in changed_right]
        if end:
            assert kept == same, "what is not marked as changed is in both"


def test_a_change_stands_beside_what_it_replaces_and_more_lines_beside_nothing() -> None:
    changes, _ = side_by_side(unified(bundle(["one", "two", "three"]), bundle(["one", "TWO", "2b", "three"])))
    (file,) = changes
    assert (file.path, file.how) == ("SKILL.md", "changed")
    assert file.rows == [
        Row("same", 1, "one", 1, "one"),
        Row("changed", 2, "two", 2, "TWO"),
        Row("new", None, None, 3, "2b"),
        Row("same", 3, "three", 4, "three"),
    ]


def test_files_that_come_and_go_and_far_changes_are_told() -> None:
    old = Bundle(name="s", files=[File(path="a.md", data=b"x\n"), File(path="run.bin", data=b"\0")])
    new = Bundle(name="s", files=[File(path="b.md", data=b"y\n"), File(path="run.bin", data=b"\0\1")])
    changes, _ = side_by_side(unified(old, new))
    assert [(one.path, one.how) for one in changes] == [
        ("a.md", "removed"),
        ("b.md", "added"),
        ("", "changed"),
    ]
    assert changes[2].rows[0].left == "binary file run.bin differs"
    lines = [str(n) for n in range(40)]
    changes, _ = side_by_side(unified(bundle(lines), bundle(["x", *lines[1:-1], "y"])))
    assert [row.kind for row in changes[0].rows].count("gap") == 1


def test_no_more_rows_than_asked_for() -> None:
    changes, cut = side_by_side(unified(bundle([]), bundle([str(n) for n in range(100)])), 10)
    assert cut
    assert sum(len(one.rows) for one in changes) == 10
