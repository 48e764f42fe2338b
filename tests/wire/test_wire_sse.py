"""The SSE parser gives the same events for every chunking, line end and comment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.wire.sse import Event, Parser, parse

line = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]), max_size=12)
event = st.tuples(st.sampled_from(["", "message_start", "ping"]), st.lists(line, min_size=1, max_size=3))


def wire(events: list[tuple[str, list[str]]], end: str, comment: str) -> bytes:
    out = ""
    for kind, lines in events:
        out += f":{comment}{end}" + (f"event: {kind}{end}" if kind else "")
        out += "".join(f"data: {text}{end}" for text in lines) + end
    return out.encode("utf-8")


@given(st.lists(event, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), line, st.data())
def test_any_chunking_gives_the_same_events(events, end, comment, data):
    body = wire(events, end, comment)
    expected = [Event(kind or "message", "\n".join(lines)) for kind, lines in events]
    assert parse(body) == expected
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    parser = Parser()
    got: list[Event] = []
    for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True):
        got += parser.feed(body[start:stop])
    assert got + parser.close() == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body):
    whole = parse(body)
    parser = Parser()
    got = [e for i in range(len(body)) for e in parser.feed(body[i : i + 1])] + parser.close()
    assert got == whole


def test_an_event_that_the_end_cut_off_is_kept():
    assert parse(b"data: one\n\ndata: two") == [Event("message", "one"), Event("message", "two")]


def test_mark_and_fields_without_a_blank():
    assert parse(b"\xef\xbb\xbfevent:x\ndata:a\nid: 7\nretry: 5\ndata:b\n\n") == [Event("x", "a\nb")]


@pytest.mark.timeout(30)
def test_a_long_line_in_small_chunks_is_looked_through_once():
    parser = Parser()
    chunk = b"x" * 1000
    assert parser.feed(b"data: ") == []
    for _ in range(50_000):
        assert parser.feed(chunk) == []
    assert parser.feed(b"\r") + parser.feed(b"\n\r\n") == [Event("message", "x" * 50_000_000)]


@pytest.mark.parametrize("piece", [b"xxxx", b"\ndata:xx"])
def test_an_event_above_the_limit_ends_the_stream(piece):
    parser = Parser(limit=100)
    assert parser.feed(b"data: " + b"y" * 80 + b"\n\n") == [Event("message", "y" * 80)]
    assert parser.feed(b"data: one\n\ndata: ") == [Event("message", "one")]
    for _ in range(20):
        assert parser.feed(piece) == []
    assert not parser.overrun
    assert parser.feed(piece * 20) == [] and parser.overrun
    assert parser.feed(b"\n\ndata: two\n\n") + parser.close() == []


def test_comments_without_end_are_no_event():
    parser = Parser(limit=100)
    assert parser.feed(b": here\n" * 100 + b"data: one\n\n") == [Event("message", "one")]
