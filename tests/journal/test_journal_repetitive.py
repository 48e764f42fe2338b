"""Conversations that say the same again and again are put together once, in time that their size explains."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.assemble import assemble
from skillclaw.journal.records import Exchange
from skillclaw.trajectory.model import Step
from skillclaw.wire.align import TABLE, align

Json = dict[str, Any]
START = 1_800_000_000.0


def exchange(number: int, messages: list[Json], answer: str) -> Exchange:
    told = {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": answer}}]}
    return Exchange(
        id=f"{number:016x}",
        agent="hermes",
        method="POST",
        path="/v1/chat/completions",
        started=START + number * 10,
        finished=START + number * 10 + 1,
        request_headers=[("content-type", "application/json"), ("x-session-id", "s1")],
        request_body=json.dumps({"model": "m", "messages": messages}).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(told).encode(),
    )


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def polled(number: int) -> list[Json]:
    call_id = f"call_AbCdEfGh{number:06d}"
    function = {"name": "job_status", "arguments": "{}"}
    return [
        {"role": "assistant", "content": None, "tool_calls": [{"id": call_id, "function": function}]},
        {"role": "tool", "tool_call_id": call_id, "content": "pending" if number % 7 else "queued"},
    ]


def steps(exchanges: list[Exchange]) -> list[Step]:
    (found,) = assemble(exchanges)
    return found.steps


@pytest.mark.timeout(30)
def test_a_polled_job_whose_history_was_trimmed_stays_one() -> None:
    numbers = range(4000)
    whole = [message for number in numbers for message in polled(number)]
    trimmed = [message for number in numbers if number % 5 for message in polled(number)]
    found = steps(
        [
            exchange(0, [user("watch the job"), *whole], "wait"),
            exchange(1, [user("watch the job (trimmed)"), *trimmed], "done"),
        ]
    )
    calls = [call.tool_call_id for step in found for call in step.tool_calls or []]
    assert len(calls) == len(set(calls)) == len(numbers)
    assert [step.message for step in found if step.message][-2:] == ["watch the job (trimmed)", "done"]


@pytest.mark.timeout(30)
def test_words_that_are_told_again_and_again_are_matched() -> None:
    before = [user("x" if number % 2 else "y") for number in range(6000)]
    found = steps([exchange(0, before, "a"), exchange(1, [user("z"), *before[1:], user("x")], "b")])
    # What the second brings: its first words, its last, and the answer to the one before was left out.
    said = [line for step in found for line in str(step.message).split("\n")]
    assert len(said) == len(before) + len(["a", "z", "x", "b"])


prints = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=9)


def in_order(matched: dict[int, int], old: list[bytes], new: list[bytes]) -> bool:
    pairs = sorted(matched.items())
    rising = all(one[1] < two[1] for one, two in pairwise(pairs))
    return rising and all(new[at] == old[known] for at, known in pairs)


@given(prints, prints, st.sampled_from([1, 200, 2500]))
def test_what_is_matched_is_equal_and_in_order(old: list[bytes], new: list[bytes], times: int) -> None:
    """However long both are: by blocks, by a longest common subsequence, or by the first of its like."""
    first, second = old * times, [*new, b"d"] * times
    matched = align(first, second)
    assert in_order(matched, first, second)
    assert align(first, first) == {at: at for at in range(len(first))}
    assert len(align([b"e", *first], [b"f", *first])) == len(first)


def test_a_long_conversation_of_others_takes_no_more_room_than_the_table() -> None:
    """What only one side has makes no row of the table: these would be 60,000 of 60,000 bits."""
    old = [b"o%d" % number for number in range(60_000)]
    new = [b"n%d" % number for number in range(2_000)]
    for at in range(0, 2_000, 7):
        new[at] = old[at * 29]
    tracemalloc.start()
    try:
        found = align(old[1:], new[1:])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == {at - 1: at * 29 - 1 for at in range(7, 2_000, 7)}
    assert peak < 3 * (TABLE >> 3)
