"""A decoder that serves pass after pass gives what a new one would, and keeps what the last pass read."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import FIXTURES, recorded

from skillclaw.journal import decoding
from skillclaw.journal.assemble import assemble_placed
from skillclaw.journal.decoding import Decoder
from skillclaw.journal.records import OWN_HEADER, Exchange
from skillclaw.trajectory.model import encode
from skillclaw.wire.records import Unread


def _journal() -> list[Exchange]:
    """What every client's fixture has, turn by turn, as one journal of many agents at work."""
    files = [recorded(path.name) for path in sorted(FIXTURES.glob("*.json"))]
    turns = [one for turn in itertools.zip_longest(*files) for one in turn if one is not None]
    return [msgspec.structs.replace(one, id=f"{place:016x}") for place, one in enumerate(turns)]


JOURNAL = _journal()


def told(exchanges: list[Exchange], decoder: Decoder | None) -> tuple[list[object], list[object]]:
    unread: list[object] = []

    def note(place: int, exchange: Exchange, found: Unread) -> None:
        unread.append((place, exchange.id, found))

    found = assemble_placed(exchanges, note, decoder)
    return [(encode(one.trajectory), *one[1:]) for one in found], unread


@settings(max_examples=examples(12), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(JOURNAL)), st.integers(0, 60), st.sets(st.integers(0, 60), max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_pass_after_pass_as_if_each_were_the_first(passes: list[tuple[int, int, set[int]]]) -> None:
    decoder = Decoder()
    for begin, length, erased in passes:
        window = [one for n, one in enumerate(JOURNAL[begin : begin + length]) if n not in erased]
        assert told(window, decoder) == told(window, None)


def test_the_whole_journal_twice_and_what_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    before, after = JOURNAL[:-9], JOURNAL
    assert told(before, decoder) == told(before, None)
    decoded = []
    usual = decoding.read
    monkeypatch.setattr(decoding, "read", lambda call: decoded.append(call) or usual(call))
    found = told(after, decoder)
    assert len(decoded) == 9
    assert found == told(after, None)


def test_what_is_erased_is_not_in_memory_once_the_journal_was_read_again() -> None:
    secret = "what was to be forgotten"
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": secret}]})
    of_it = msgspec.structs.replace(
        JOURNAL[0], id="f" * 16, agent="generic", path="/v1/chat/completions", request_body=body
    )
    decoder = Decoder()
    with_it = list(decoder.decoded([*JOURNAL[:20], of_it]))
    assert any(secret in str(found) for _, _, found in with_it)
    del with_it
    list(decoder.decoded(JOURNAL[:20]))
    assert secret not in f"{decoder._known} {vars(decoder._shared)} {decoder.prints._known}"


def test_a_pass_that_came_to_no_end_leaves_nothing_behind_the_next() -> None:
    decoder = Decoder()
    found = decoder.decoded(JOURNAL[:30])
    for _ in range(20):
        next(found)
    found.close()
    assert told(JOURNAL[40:60], decoder) == told(JOURNAL[40:60], None)
    fresh = Decoder()
    list(fresh.decoded(JOURNAL[40:60]))
    assert decoder._shared.weight == fresh._shared.weight
    assert len(decoder._shared._pieces) == len(fresh._shared._pieces)


def test_a_piece_is_told_as_the_exchange_has_it_whatever_was_before() -> None:
    def chat(number: int, text: str) -> Exchange:
        body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})
        return msgspec.structs.replace(
            JOURNAL[0], id=f"{number:016x}", agent="generic", path="/v1/chat/completions", request_body=body
        )

    one, other = chat(1, "  Hello there friend  \n"), chat(2, "Hello there friend")
    decoder = Decoder()
    told([one, other], decoder)
    assert told([other], decoder) == told([other], None)


def test_what_calls_hold_counts() -> None:
    function = {"name": "write", "arguments": msgspec.json.encode({"t": "x" * 9000}).decode()}
    call = {"id": "c", "type": "function", "function": function}
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [call]}]
    body = msgspec.json.encode({"model": "m", "messages": messages})
    path = "/v1/chat/completions"
    decoder = Decoder()
    list(decoder.decoded([msgspec.structs.replace(JOURNAL[0], path=path, request_body=body)]))
    assert decoder._shared.weight > 9000


def test_too_much_is_not_kept_from_one_pass_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST", 10_000)
    decoder = Decoder()
    assert told(JOURNAL, decoder) == told(JOURNAL, None)
    assert not decoder._known
    assert not decoder._shared._pieces
    assert told(JOURNAL, decoder) == told(JOURNAL, None)


def test_a_decoder_is_not_asked_for_the_projects_own() -> None:
    own = msgspec.structs.replace(JOURNAL[0], request_headers=[(OWN_HEADER, "evolve")])
    assert list(Decoder().decoded([own])) == []
