"""zstd as SkillClaw uses it, held against `zstandard`: the same bytes, bounds, torn and damaged streams."""

from __future__ import annotations

import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from skillclaw import zstd

DATA = st.binary(max_size=5000) | st.builds(
    lambda part, often: part * often, st.binary(max_size=40), st.integers(0, 9000)
)
LEVEL = st.integers(1, 12)


def _cut(data: bytes, size: int) -> bytes:
    """A frame that does not say its size, as streams are written."""
    made = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join(made.compress(data[at : at + size]) for at in range(0, len(data), size)) + made.flush()


@given(DATA, LEVEL)
def test_a_frame_has_the_bytes_that_zstandard_gives_it(data: bytes, level: int) -> None:
    """Names of objects are hashes of these bytes: they may not depend on the package."""
    packed = zstd.compress(data, level)
    assert packed == zstandard.ZstdCompressor(level=level).compress(data)
    pack = zstd.compressor(level)
    assert [pack(data), pack(b"between"), pack(data)] == [packed, zstd.compress(b"between", level), packed]
    assert zstd.size_of(packed) == len(data)
    assert zstd.decompress(packed + b"what follows") == data


@given(DATA, DATA, st.integers(1, 3000))
def test_readers_give_as_many_frames_as_are_asked_for(one: bytes, two: bytes, size: int) -> None:
    frames = _cut(one, size) + zstandard.ZstdCompressor().compress(two) + _cut(one, 1 + size // 2)
    for count, whole in ((1, one), (2, one + two), (None, one + two + one)):
        assert zstd.reader(io.BytesIO(frames), frames=count).read() == whole
        stream, pieces = zstd.reader(io.BytesIO(frames), frames=count), []
        while piece := stream.read(size):
            pieces.append(piece)
        assert b"".join(pieces) == whole
        assert all(len(piece) == size for piece in pieces[:-1]), "short only at the end"


@given(DATA, st.integers(1, 400), st.booleans())
def test_what_is_written_bit_by_bit_is_read(data: bytes, size: int, checksum: bool) -> None:
    file = io.BytesIO()
    with zstd.Writer(file, 6, checksum=checksum) as out:
        assert sum(out.write(data[at : at + size]) for at in range(0, len(data), size)) == len(data)
    packed = file.getvalue()
    assert zstandard.ZstdDecompressor().stream_reader(packed).read() == data
    assert zstd.size_of(packed) is None or not data
    if checksum and data:
        with pytest.raises(zstd.Damaged):
            zstd.reader(io.BytesIO(packed[:-1] + bytes([packed[-1] ^ 1]))).read()


@given(DATA, st.data())
def test_what_is_cut_off_is_read_as_far_as_it_goes_and_is_no_whole_frame(
    data: bytes, draw: st.DataObject
) -> None:
    packed = _cut(data, 500)
    part = packed[: draw.draw(st.integers(0, len(packed) - 1))]
    assert data.startswith(zstd.reader(io.BytesIO(part)).read())
    with pytest.raises(zstd.Damaged, match="cut off"):
        zstd.decompress(part)


@given(st.binary(max_size=300))
def test_what_is_no_zstd_is_damaged(data: bytes) -> None:
    for read in (
        zstd.decompress,
        zstd.size_of,
        lambda body: zstd.reader(io.BytesIO(body), frames=None).read(),
    ):
        try:
            read(data)
        except zstd.Damaged:
            continue


def test_a_bomb_ends_at_the_limit() -> None:
    bomb = zstd.compress(bytes(1 << 28), 3)
    with pytest.raises(zstd.Damaged, match="more than 1000 bytes"):
        zstd.decompress(bomb, 1000)
    assert zstd.reader(io.BytesIO(bomb)).read(1000) == bytes(1000)
    assert zstd.decompress(zstd.compress(bytes(1000), 3), 1000) == bytes(1000)


def test_a_writer_that_is_dropped_or_fails_ends_no_frame() -> None:
    file = io.BytesIO()
    out = zstd.Writer(file, 3)
    out.write(b"begun")
    del out
    with pytest.raises(KeyError), zstd.Writer(file, 3) as out:
        out.write(b"begun")
        raise KeyError
    assert file.getvalue() == b""
