"""Bodies unpacked: whole ones, cut off ones, and such as were made to cost memory or time."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.wire.body import LAYERS, MEMBERS, json_stream, known_encoding, plain

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


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
NOISE = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(2000))
"""Bytes that do not pack well, so that a cut falls anywhere in them."""


@given(st.lists(st.sampled_from(sorted(PACKERS)), min_size=1, max_size=3), st.data())
def test_a_cut_body_in_any_encodings_gives_what_is_readable(names: list[str], data: st.DataObject) -> None:
    packed = NOISE
    for name in names:
        packed = PACKERS[name](packed)
    header = ", ".join(names)
    assert known_encoding(header) and plain(packed, header) == NOISE
    at = data.draw(st.integers(0, len(packed)))
    cut = plain(packed[:at], header)
    assert cut is None or NOISE.startswith(cut)
    if len(names) == 1 and at > len(packed) * 0.9 and names != ["br"]:
        assert cut


def test_what_comes_before_damage_is_kept() -> None:
    packed = bytearray(gzip.compress(NOISE * 8))
    packed[-100_000:-99_000] = bytes(1000)
    kept = plain(bytes(packed), "gzip")
    assert kept and (NOISE * 8)[: len(kept) // 2] == kept[: len(kept) // 2]
    assert plain(gzip.compress(TEXT) + b"trailing rubbish", "gzip") == TEXT


@pytest.mark.parametrize("pad", ["", " ", "\n  "])
def test_the_whole_elements_of_a_cut_array_are_read(pad: str) -> None:
    body = f'[{pad}{{"a": "é]"}},{pad}{{"b": [1, 2]}},{pad}{{"c": "cut'.encode()
    assert json_stream(body) == [{"a": "é]"}, {"b": [1, 2]}]
    assert json_stream(b"no array") == [] and json_stream(b"") == [] and json_stream(b'{"a": 1}') == []
