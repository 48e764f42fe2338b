"""Each record is where the others take it to be, whatever fails or is put in its place meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_journal_erase import SHARED, exchange

from skillclaw.journal import segment
from skillclaw.journal.erase import closed, erase
from skillclaw.journal.reader import read
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    made = JournalWriter(tmp_path / "journal", max_mb=100)
    yield made
    made.close()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def recorded(writer: JournalWriter, one: Exchange) -> None:
    before = writer.stats()
    writer.put(one)
    until(lambda: writer.stats().exchanges + writer.stats().dropped > before.exchanges + before.dropped)


def test_a_record_that_could_not_be_made_gives_its_place_to_no_other_agent_s(
    tmp_path: Path, writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory ran out as it was packed; what a body is a difference to is another record by then."""
    talk = SHARED + b"words of the one talk " * 40
    first, other = exchange(1, talk, "codex"), exchange(2, SHARED + b"another's secret " * 60, "claude-code")
    later = exchange(3, talk + b"and more", "codex")
    recorded(writer, exchange(0, b'{"a": "short"}', "hermes"))  # the segment is there
    real, failing = segment.pack, [MemoryError()]

    def pack(*given: object) -> bytes:
        if failing:
            raise failing.pop()
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(segment, "pack", pack)
    recorded(writer, first)
    assert not failing and writer.stats().dropped == 1
    for one in (other, later):
        recorded(writer, one)
    skipped: list[str] = []
    found = [one for one, _ in read(tmp_path / "journal", on_skip=lambda *why: skipped.append(str(why)))]
    assert found[1:] == [other, later] and not skipped


def test_what_comes_while_another_is_erased_is_in_no_file_that_is_replaced(
    tmp_path: Path, writer: JournalWriter
) -> None:
    """An idle proxy has an empty segment, after an erasure or an hour: the session goes on in it."""
    folder = tmp_path / "journal"
    recorded(writer, exchange(1, b"a" * 900))
    with closed(folder):
        pass  # nothing was to be erased: the new segment is empty
    with closed(folder) as numbers:
        recorded(writer, exchange(2, b"b" * 900))
        ends = [place for one, place in read(folder) if one.id == exchange(2, b"").id]
        assert ends[0].segment not in numbers
        assert erase(folder, [place for one, place in read(folder) if place.segment in numbers]) == 1
    for number in range(3, 6):
        recorded(writer, exchange(number, b"c" * 900))
    assert [one.id for one, _ in read(folder)] == [exchange(number, b"").id for number in range(2, 6)]
    assert writer.stats().dropped == 0


@pytest.mark.parametrize("replaced", [False, True])
def test_what_is_recorded_after_the_open_segment_went_is_in_a_new_one(
    tmp_path: Path, writer: JournalWriter, replaced: bool
) -> None:
    folder = tmp_path / "journal"
    recorded(writer, exchange(1, b"a" * 900))
    path = segment.path_of(folder, segment.segments(folder)[-1])
    if replaced:
        copy = tmp_path / "copy"
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
    else:
        path.unlink()
    recorded(writer, exchange(2, b"b" * 900))
    recorded(writer, exchange(3, b"c" * 900))
    assert [one.id for one, _ in read(folder)][-2:] == [exchange(2, b"").id, exchange(3, b"").id]
