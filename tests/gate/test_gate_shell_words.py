"""The words of a command as the gate reads them, beside what `shlex` and a shell make of them."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.gate.shell_words import FAR, quoted_by, tokens, within

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SHELLISH = st.lists(
    st.sampled_from([*"'\"\\$`(){}|&;<> \n\0#a", "$(", "$'", '$"', "<(", "${IFS}", "\\\n", "2>&1", "{a,b}"]),
    max_size=30,
).map("".join)


@settings(max_examples=examples(200))
@given(st.lists(ANY.filter(lambda word: "\0" not in word and "\1" not in word), max_size=6))
def test_words_in_quotation_marks_are_read_as_they_are(words: list[str]) -> None:
    read = list(tokens(shlex.join(words)))
    assert [token.text for token in read] == words
    assert {token.kind for token in read} <= {"word"}


@settings(max_examples=examples(400))
@given(SHELLISH | ANY)
def test_whatever_the_text_is_it_is_read_from_left_to_right(text: str) -> None:
    read = list(tokens(text))
    places = [token.at for token in read if token.kind != "cut" or token.raw]
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


@settings(max_examples=examples(200))
@given(SHELLISH, SHELLISH)
def test_what_stands_in_a_quotation_stays_where_it_is(before: str, text: str) -> None:
    mark = quoted_by(before + text, len(before))
    inner = within(before + text, len(before), mark)
    assert len(inner) <= min(len(text), FAR)
    if not mark:
        assert [one for one in inner if one not in "\0\1 "] == [one for one in text if one not in "\0\1 "]


@pytest.mark.parametrize("mark", ["'", '"'])
@settings(max_examples=examples(50))
@given(text=st.text("ab |'\"\\$;", max_size=20).filter(lambda text: not text.endswith("\\")))
def test_a_command_in_a_string_is_read_as_the_shell_within_gets_it(mark: str, text: str) -> None:
    written = (
        shlex.quote(text)
        if mark == "'"
        else '"' + "".join(f"\\{c}" if c in '"\\$`' else c for c in text) + '"'
    )
    if not written.startswith(mark):
        return  # what needs no quotation marks gets none
    line = f"sh -c {written}"
    at = line.index(mark) + 1
    assert quoted_by(line, at) == mark
    assert within(line, at, mark).replace("\0", "") == text


@settings(max_examples=examples(20), deadline=None)
@given(
    st.lists(st.text("ab'\"\\ $", min_size=1, max_size=8), min_size=1, max_size=4)
    .map(" ".join)
    .filter(lambda line: not line.endswith("\\"))  # a line that goes on
)
def test_a_real_shell_reads_the_same_words(line: str) -> None:
    shell = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' first {line}\n"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/bin"},
    )
    read = list(tokens(line))
    if shell.returncode or shell.stderr or any(token.kind == "cut" for token in read) or "$" in line:
        return  # no shell reads it, or it stands for something else
    assert [token.text for token in read] == shell.stdout.split("\0")[1:-1]
