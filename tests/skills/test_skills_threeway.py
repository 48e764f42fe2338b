"""Merging two changes of a skill: what neither side may lose, and `git merge-file` as the judge of lines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
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
    if not merged.conflicts:
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
@settings(max_examples=25, deadline=None)
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
