"""Bodies unpacked: whole ones, cut off ones, and such as were made to cost memory or time."""

from __future__ import annotations

import gzip
import tracemalloc

import brotli
import pytest

from skillclaw.wire.body import LAYERS, MEMBERS, plain

TEXT = b'{"text": "' + b"some words, and more of them; " * 5000 + b'"}'


def test_brotli_comes_back_whole_and_cut_off() -> None:
    packed = brotli.compress(TEXT)
    assert plain(packed, "br") == TEXT
    cut = plain(packed[: len(packed) // 2], "br")
    assert cut is not None
    assert TEXT.startswith(cut)
    assert plain(packed, "br", 100) == TEXT[:100]
    assert plain(b"no brotli at all", "br") is None


def test_a_brotli_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = brotli.compress(b"\0" * (128 << 20), quality=1)
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        found = plain(bomb, "br", 4 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == b"\0" * (4 << 20)
    assert peak < 24 << 20


@pytest.mark.timeout(30)
def test_many_empty_gzip_members_take_no_time() -> None:
    assert plain(gzip.compress(b"") * 400_000, "gzip") == b""
    assert plain(gzip.compress(b"a") * MEMBERS, "gzip") == b"a" * MEMBERS


@pytest.mark.parametrize("times", [1, LAYERS])
def test_encodings_in_encodings_are_undone(times: int) -> None:
    body = TEXT
    for _ in range(times):
        body = gzip.compress(body)
    assert plain(body, ", ".join(["gzip"] * times)) == TEXT
    assert plain(body, ", ".join(["gzip"] * (LAYERS + 1))) is None
