"""Merging two changes of a skill: what neither side may lose, and `git merge-file` as the judge of lines."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.skills.records import Bundle, File
from skillclaw.skills.threeway import Prefer, merge, merge_lines

LINES = st.lists(st.sampled_from("abcdefg").map(lambda line: line + "\n"), max_size=9)
PATHS = st.sampled_from(["SKILL.md", "references/a.md", "scripts/run.sh"])
FILES = st.dictionaries(
    PATHS,
    st.tuples(
        LINES.map(lambda lines: "".join(lines).encode()) | st.sampled_from([b"\0", b"\xff\n"]), st.booleans()
    ),
)
BUNDLES = FILES.map(
    lambda files: Bundle(
        name="git",
        files=[File(path=path, data=data, executable=x) for path, (data, x) in sorted(files.items())],
    )
)


def bundle(**texts: str) -> Bundle:
    files = [File(path=path, data=text.encode()) for path, text in sorted(texts.items())]
    return Bundle(name="git", files=files)


@given(base=BUNDLES, mine=BUNDLES, theirs=BUNDLES)
def test_who_changed_nothing_gets_the_others_and_equal_changes_are_one(
    base: Bundle, mine: Bundle, theirs: Bundle
) -> None:
    for one, other, wanted in ((base, theirs, theirs), (mine, base, mine), (mine, mine, mine)):
        merged = merge(base, one, other)
        assert merged.conflicts == []
        assert merged.bundle == wanted


@given(base=BUNDLES, mine=BUNDLES, theirs=BUNDLES)
def test_a_conflict_is_one_from_either_side_and_a_preference_leaves_none(
    base: Bundle, mine: Bundle, theirs: Bundle
) -> None:
    one, other = merge(base, mine, theirs), merge(base, theirs, mine)
    assert len(one.conflicts) == len(other.conflicts)
    if not one.conflicts:
        assert one.bundle == other.bundle
    prefer: Prefer
    for prefer in ("ours", "theirs"):
        assert merge(base, mine, theirs, prefer=prefer).conflicts == []


@given(base=BUNDLES, mine=BUNDLES, theirs=BUNDLES)
def test_merging_the_result_again_changes_nothing(base: Bundle, mine: Bundle, theirs: Bundle) -> None:
    merged = merge(base, mine, theirs)
    lines = [file.data.splitlines() for one in (mine, theirs, merged.bundle) for file in one.files]
    # where a line stands twice, nothing tells which of the two a release added
    if not merged.conflicts and all(len(set(text)) == len(text) for text in lines):
        again = merge(base, merged.bundle, theirs)
        # what was merged may touch what the release changed; but never is anything else made of it
        assert again.conflicts or again.bundle == merged.bundle


@given(base=LINES, mine=LINES, theirs=LINES)
def test_no_line_comes_from_nowhere_and_a_conflict_says_where_it_is(
    base: list[str], mine: list[str], theirs: list[str]
) -> None:
    merged, conflicts = merge_lines(base, mine, theirs)
    assert set(merged) <= {*mine, *theirs}
    for at, my_part, _ in conflicts:
        assert mine[at : at + len(my_part)] == my_part


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@settings(max_examples=examples(25), deadline=None)
@given(data=st.data())
def test_what_merges_cleanly_is_what_git_makes_of_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Changes that lie apart, where every diff finds the same lines: each line of the base is unlike all
    others."""
    base = [f"line {number}\n" for number in range(12)]
    sides = []
    for name in ("mine", "theirs"):
        side = list(base)
        for at in sorted(data.draw(st.sets(st.integers(0, 11), max_size=3), label=name), reverse=True):
            side[at : at + 1] = data.draw(
                st.sampled_from([[], [f"{name} {at}\n"], [base[at], f"{name} after {at}\n"]])
            )
        sides.append(side)
    merged, conflicts = merge_lines(base, *sides)
    place = tmp_path_factory.mktemp("merge")
    for name, lines in zip(("mine", "base", "theirs"), (sides[0], base, sides[1]), strict=True):
        (place / name).write_text("".join(lines))
    done = subprocess.run(
        ["git", "merge-file", "-p", "mine", "base", "theirs"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    if not conflicts:
        assert done.returncode == 0
        assert done.stdout == "".join(merged)


ENDS = st.sampled_from(["\n", "\r\n"])


def saved(lines: list[str], end: str, closed: bool) -> Bundle:
    """As an editor saves it: with these line ends, with or without one after the last line."""
    text = "".join(line.replace("\n", end) for line in lines)
    return bundle(**{"SKILL.md": text if closed else text.removesuffix(end)})


def said(merged: Bundle) -> list[str]:
    (file,) = merged.files
    text = file.data.decode().replace("\r\n", "\n")
    return [line + "\n" for line in text.removesuffix("\n").split("\n")] if text else []


BEGINNINGS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "\n"]), max_size=8)
TEXT = BEGINNINGS.map(lambda lines: [*lines, "end\n"])


@given(
    base=TEXT,
    mine=TEXT,
    theirs=TEXT,
    ends=st.tuples(ENDS, ENDS, ENDS),
    closed=st.tuples(*[st.booleans()] * 3),
)
def test_line_ends_and_the_last_newline_make_no_conflict_and_are_those_of_the_users_copy(
    base: list[str],
    mine: list[str],
    theirs: list[str],
    ends: tuple[str, str, str],
    closed: tuple[bool, bool, bool],
) -> None:
    sides = [saved(lines, *how) for lines, *how in zip((base, mine, theirs), ends, closed, strict=True)]
    prefer: Prefer
    for prefer in ("", "ours", "theirs"):
        lines, conflicts = merge_lines(base, mine, theirs, prefer)
        merged = merge(*sides, prefer=prefer)
        assert len(merged.conflicts) == len(conflicts)
        assert said(merged.bundle) == lines
        (file,) = merged.bundle.files
        if sides[1] not in (sides[0], sides[2]) and len(mine) > 1:
            assert set(re.findall(rb"\r?\n", file.data)) <= {ends[1].encode()}
        if closed[1] != closed[0]:
            assert file.data.endswith(b"\n") == closed[1]


def test_a_conflict_of_a_copy_with_other_line_ends_is_of_the_lines_that_differ() -> None:
    merged = merge(
        bundle(**{"SKILL.md": "a\nb\nc\n"}),
        bundle(**{"SKILL.md": "a\r\nmine\r\nc\r\n"}),
        bundle(**{"SKILL.md": "a\nnew\nc\nd\n"}),
    )
    (conflict,) = merged.conflicts
    assert conflict.text().splitlines()[1:] == [
        "<<<<<<< yours",
        "mine",
        "=======",
        "new",
        ">>>>>>> the release",
    ]
    assert "\r" not in conflict.text()


def test_mixed_line_ends_of_a_copy_stay_and_what_is_no_line_end_does_too() -> None:
    merged = merge(
        bundle(**{"SKILL.md": "a\nb\nc\rd"}),
        bundle(**{"SKILL.md": "a\r\nb\nmine\r\nc\rd\r"}),
        bundle(**{"SKILL.md": "new\na\nb\nc\rd"}),
    )
    assert merged.conflicts == []
    assert merged.bundle.files[0].data == b"new\na\r\nb\nmine\r\nc\rd\r"


def test_files_that_come_and_go() -> None:
    base = bundle(**{"SKILL.md": "x\n", "a.md": "a\n", "b.md": "b\n"})
    mine = bundle(**{"SKILL.md": "x\n", "a.md": "a\n", "mine.md": "m\n"})
    theirs = bundle(**{"SKILL.md": "y\n", "b.md": "b\n", "theirs.md": "t\n"})
    merged = merge(base, mine, theirs)
    assert merged.conflicts == []
    assert [file.path for file in merged.bundle.files] == ["SKILL.md", "mine.md", "theirs.md"]
    changed = bundle(**{"SKILL.md": "x\n", "a.md": "a\n", "b.md": "changed\n"})
    (conflict,) = merge(base, mine, changed).conflicts
    assert conflict.text() == "b.md: you removed it, the release changed it"
    (conflict,) = merge(base, changed, theirs.__class__(name="git", files=mine.files)).conflicts
    assert conflict.text() == "b.md: the release removed it, you changed it"


def test_names_that_cannot_lie_in_one_folder_are_a_conflict_that_nobody_wins() -> None:
    base = bundle(**{"SKILL.md": "x\n"})
    mine = bundle(**{"SKILL.md": "x\n", "Notes.md": "m\n"})
    theirs = bundle(**{"SKILL.md": "x\n", "notes.md": "t\n"})
    for prefer in ("", "ours", "theirs"):
        (conflict,) = merge(base, mine, theirs, prefer=prefer).conflicts  # type: ignore[arg-type]
        assert "cannot lie in one folder" in conflict.reason


def test_what_is_no_text_is_not_merged_by_lines() -> None:
    sides = [
        Bundle(name="git", files=[File(path="logo.png", data=data)]) for data in (b"\0a", b"\0b", b"\0c")
    ]
    (conflict,) = merge(*sides).conflicts
    assert conflict.text() == "logo.png: both changed it, and it is not text"
    assert merge(*sides, prefer="theirs").bundle == sides[2]


def test_line_ends_and_separators_stay_as_they_are() -> None:
    base = bundle(**{"SKILL.md": "a\r\nb\x0cstill b\u2028too\nc\nd"})
    mine = bundle(**{"SKILL.md": "A\r\nb\x0cstill b\u2028too\nc\nd"})
    theirs = bundle(**{"SKILL.md": "a\r\nb\x0cstill b\u2028too\nc\nd\n"})
    merged = merge(base, mine, theirs)
    assert merged.conflicts == []
    assert merged.bundle.files[0].data == "A\r\nb\x0cstill b\u2028too\nc\nd\n".encode()


def test_a_conflict_is_shown_as_git_shows_it() -> None:
    (conflict,) = merge(
        bundle(**{"SKILL.md": "a\nb\nc\n"}),
        bundle(**{"SKILL.md": "a\nmine\nc\n"}),
        bundle(**{"SKILL.md": "a\nnew\nc\n"}),
    ).conflicts
    assert conflict.text() == "\n".join(
        ["SKILL.md line 2:", "<<<<<<< yours", "mine", "=======", "new", ">>>>>>> the release"]
    )


def test_a_huge_file_that_both_changed_is_one_conflict_and_quick(tmp_path: Path) -> None:
    lines = [f"{number}\n" for number in range(30_000)]
    merged, conflicts = merge_lines(lines, ["mine\n", *lines], [*lines, "theirs\n"])
    assert len(conflicts) == 1
    assert merged[0] == "mine\n"
