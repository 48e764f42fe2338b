"""Erased exchanges are gone from the journal's files; all others are as before, at their places."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import zstandard
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.errors import BusyError
from skillclaw.journal import erase as erase_module
from skillclaw.journal import segment
from skillclaw.journal.erase import closed, erase
from skillclaw.journal.reader import read
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter


def exchange(number: int, body: bytes, agent: str = "codex") -> Exchange:
    return Exchange(
        id=f"{number:016x}",
        agent=agent,
        method="POST",
        path="/v1/responses",
        started=1000.0 + number,
        request_headers=[("x-number", str(number))],
        request_body=body,
        status=200,
        response_body=b"answer %d" % number,
    )


def written(folder: Path, exchanges: list[Exchange]) -> None:
    writer = JournalWriter(folder, max_mb=100)
    for one in exchanges:
        writer.put(one)
    writer.close()


def plain(folder: Path) -> bytes:
    """All that the segments hold, unpacked; and the packed bytes themselves."""
    found = []
    for number in segment.segments(folder):
        path = segment.path_of(folder, number)
        found.append(path.read_bytes())
        with path.open("rb") as file:
            for frame in segment.frames(file):
                assert not isinstance(frame, str), "no record is torn"
                found.append(zstandard.ZstdDecompressor().decompress(frame.payload))
    return b"".join(found)


SHARED = (
    b'{"instructions": "'
    + b"be good, and do what the system prompt of this agent says. " * 20
    + b'", "input": '
)


@settings(deadline=None, max_examples=examples(40))
@given(st.data())
def test_only_what_is_erased_goes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("j") / "journal"
    talks: dict[int, bytes] = {}
    made = []
    for number in range(data.draw(st.integers(1, 14))):
        talk = data.draw(st.integers(0, 3))
        new = b"[talk%d word%d %s]" % (talk, number, data.draw(st.binary(max_size=60)))
        talks[talk] = talks.get(talk, b"") + new
        tail = data.draw(st.sampled_from([b"", b"}" * 700]))
        made.append((talk, exchange(number, SHARED + talks[talk] + tail)))
    written(folder, [one for _, one in made])
    before = list(read(folder))
    assert [one for one, _ in before] == [one for _, one in made]
    gone = data.draw(st.sets(st.sampled_from(range(4))))
    chosen = [position for (talk, _), (_, position) in zip(made, before, strict=True) if talk in gone]
    with closed(folder):
        assert erase(folder, chosen) == len(chosen)
        assert erase(folder, chosen) == 0, "twice is once"
    after = list(read(folder))
    assert after == [one for one, (talk, _) in zip(before, made, strict=True) if talk not in gone]
    left = plain(folder)
    for talk, one in made:
        if talk in gone:
            assert (
                one.response_body not in left.replace(b"answer 1" + b"0", b"") or one.id.encode() not in left
            )
            assert b"[talk%d word" % talk not in left
            assert one.id.encode() not in left


def test_a_running_writer_goes_on_and_refers_to_nothing_erased(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    writer = JournalWriter(folder, max_mb=100)
    try:
        writer.put(exchange(1, SHARED + b"secret words of a forgotten talk" * 30))
        until(lambda: len(list(read(folder))) == 1)
        with closed(folder) as numbers:
            ((_, position),) = read(folder)
            assert position.segment in numbers
            assert erase(folder, [position]) == 1
        kept = exchange(2, SHARED + b"secret words of a forgotten talk" * 29 + b"and others")
        writer.put(kept)
        until(lambda: len(list(read(folder))) == 1)
        ((found, behind),) = read(folder)
        assert found == kept
        assert behind > position
        assert not (folder / "rotate").exists()
    finally:
        writer.close()
    assert sorted(path.stat().st_mode & 0o077 for path in folder.iterdir())[-1] == 0


def test_a_writer_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "journal"
    written(folder, [exchange(1, b"x")])
    monkeypatch.setattr(erase_module, "WAIT", 0.2)
    from skillclaw.journal.appender import lock_of

    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        with lock_of(folder):
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(BusyError), closed(folder):
            pass
    finally:
        done.set()
        thread.join()
    assert not (folder / "rotate").exists()


def test_segments_still_expire_at_their_time(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    written(folder, [exchange(1, b"x" * 900), exchange(2, b"y" * 900)])
    path = segment.path_of(folder, segment.segments(folder)[0])
    before = path.stat().st_mtime_ns
    with closed(folder):
        erase(folder, [position for _, position in read(folder)][:1])
    assert path.stat().st_mtime_ns == before
    assert path.stat().st_mode & 0o077 == 0


def until(what: object) -> None:
    end = time.monotonic() + 10
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)
