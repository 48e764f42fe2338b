"""Recorded answers on disk, and the form that answers must have."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from skillclaw.evolve.models import check_forgotten, forget_answers
from skillclaw.evolve.models.answers import Answers, Recorded, answers_folder, prune
from skillclaw.evolve.models.shapes import Unfit, read_answer, schema_of
from skillclaw.trajectory.model import Record

ANSWER = Recorded(model="openai:m", stage="draft", tokens_in=1, tokens_out=2, response={"kind": "response"})


def key(number: int) -> str:
    return f"{number:064x}"


def test_what_is_kept_is_found_and_what_is_damaged_is_none(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.put(key(1), ANSWER)
    assert answers.get(key(1)) == ANSWER
    assert answers.get(key(2)) is None
    (answers_folder(tmp_path) / f"{key(1)}.json").write_text("{")
    assert answers.get(key(1)) is None


def test_a_folder_to_replay_from_that_somebody_made_to_hurt_answers_nothing(tmp_path: Path) -> None:
    good = tmp_path / "elsewhere.json"
    good.write_bytes(msgspec.json.encode(ANSWER))
    folder = tmp_path / "replay"
    folder.mkdir()
    os.mkfifo(folder / f"{key(1)}.json")
    (folder / f"{key(2)}.json").symlink_to("/dev/zero")
    (folder / f"{key(3)}.json").symlink_to(good)
    deep = b'{"model":"m","stage":"s","response":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001
    (folder / f"{key(4)}.json").write_bytes(deep)
    (folder / f"{key(5)}.json").mkdir()
    (folder / f"{key(6)}.json").write_bytes(b" " * (9 << 20) + good.read_bytes())
    answers = Answers(None, replay=folder)
    assert [answers.get(key(number)) for number in range(1, 7)] == [None] * 6


def test_without_a_home_nothing_is_kept(tmp_path: Path) -> None:
    answers = Answers(None, record=tmp_path / "record")
    answers.put(key(1), ANSWER)
    assert answers.get(key(1)) is None
    assert Answers(None, replay=tmp_path / "record").get(key(1)) == ANSWER


def test_the_oldest_records_go_when_there_are_too_many_or_nobody_uses_them(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    for number in range(4):
        answers.put(key(number), ANSWER)
        path = answers_folder(tmp_path) / f"{key(number)}.json"
        old = time.time() - (100 - number) * 86400
        os.utime(path, (old, old))
    (answers_folder(tmp_path) / "notes.txt").write_text("somebody's own")
    answers.get(key(0))  # used again, so it is the youngest
    size = path.stat().st_size
    prune(answers_folder(tmp_path), most_bytes=3 * size, most_days=99.5)
    left = {number for number in range(4) if answers.get(key(number)) is not None}
    assert left == {0, 2, 3}
    prune(answers_folder(tmp_path), most_bytes=size)
    assert sum(answers.get(key(number)) is not None for number in range(4)) == 1
    assert (answers_folder(tmp_path) / "notes.txt").exists()


def test_forgetting_a_session_deletes_all_answers_also_where_another_machine_forgot_it(
    tmp_path: Path,
) -> None:
    answers = Answers(tmp_path)
    answers.put(key(1), ANSWER)
    check_forgotten(tmp_path, set())
    assert answers.get(key(1)) == ANSWER
    check_forgotten(tmp_path, {"a session"})
    assert answers.get(key(1)) is None
    answers.put(key(2), ANSWER)
    check_forgotten(tmp_path, {"a session"})
    assert answers.get(key(2)) == ANSWER, "what was made since is of other sessions"
    forget_answers(tmp_path)
    assert not answers_folder(tmp_path).exists()
    forget_answers(tmp_path)


class Line(Record, frozen=True, kw_only=True):
    """A line."""

    text: str
    kind: Literal["step", "fact"] = "step"
    weight: int | None = None


class Draft(Record, frozen=True, kw_only=True):
    """A draft."""

    title: str
    lines: list[Line] = []


class Endless(Record, frozen=True, kw_only=True):
    """It holds itself."""

    parts: list[Endless] = []


lines = st.builds(
    Line,
    text=st.text(),
    kind=st.sampled_from(["step", "fact"]),
    weight=st.none() | st.integers(-(2**53), 2**53),
)
drafts = st.builds(Draft, title=st.text(), lines=st.lists(lines, max_size=4))


SCHEMA = Draft202012Validator(schema_of(Draft))


@settings(max_examples=examples(30))
@given(drafts)
def test_every_record_fits_the_schema_that_a_model_is_told_and_is_read_back(draft: Draft) -> None:
    SCHEMA.validate(msgspec.to_builtins(draft))
    text = msgspec.json.encode(draft).decode()
    assert read_answer(text, Draft) == draft
    assert read_answer(f"Here:\n```json\n{text}\n```\nDone.", Draft) == draft


@settings(max_examples=examples(60))
@given(st.text() | st.recursive(st.none() | st.text(), st.lists, max_leaves=5).map(str))
def test_whatever_a_model_writes_is_a_record_or_unfit_with_a_reason(text: str) -> None:
    try:
        assert isinstance(read_answer(text, Draft), Draft)
    except Unfit as error:
        assert str(error).endswith(".")


def test_a_schema_is_one_piece_and_takes_no_other_keys() -> None:
    schema = schema_of(Draft)
    assert "$ref" not in str(schema) and "$defs" not in str(schema)
    bad = {"title": "x", "lines": [{"text": "a", "more": 1}]}
    assert not Draft202012Validator(schema).is_valid(bad)
    with pytest.raises(TypeError, match="Endless"):
        schema_of(Endless)


def test_an_answer_that_is_nested_without_end_is_unfit() -> None:
    with pytest.raises(Unfit):
        read_answer('{"title": ' + "[" * 100_000, Draft)
