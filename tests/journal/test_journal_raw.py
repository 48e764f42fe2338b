"""The raw journal: what is written is read, also while it is written, whatever happens to the files."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillclaw.journal import appender, segment
from skillclaw.journal import writer as writing
from skillclaw.journal.reader import START, Position, expire, read, stats
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter

pytestmark = pytest.mark.live


def exchange(number: int, body: bytes = b"{}", **more: object) -> Exchange:
    values: dict[str, object] = {
        "id": f"{number:016x}",
        "agent": "a",
        "method": "POST",
        "path": "/v1/messages",
        "started": 1e9 + number,
        "request_body": body,
        "response_body": b"answer %d" % number,
        "status": 200,
    }
    return Exchange(**(values | more))  # type: ignore[arg-type]


def write(folder: Path, exchanges: list[Exchange], max_mb: int = 100) -> JournalWriter:
    writer = JournalWriter(folder, max_mb=max_mb)
    for one in exchanges:
        writer.put(one)
    writer.close()
    return writer


def ids(folder: Path, after: Position = START) -> list[str]:
    return [one.id for one, _ in read(folder, after)]


def wait(condition: Callable[[], bool], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def conversation(turns: int, seed: int = 1) -> list[bytes]:
    """Bodies as an agent sends them: the history grows in the middle, the system prompt stays at the end."""
    rnd = random.Random(seed)

    def text(size: int) -> str:
        return rnd.randbytes(size // 2).hex()

    system, messages, bodies = text(20_000), [], []
    for _ in range(turns):
        messages.append({"role": "user", "content": text(1500)})
        bodies.append(json.dumps({"model": "m", "messages": messages, "system": system}).encode())
        messages.append({"role": "assistant", "content": text(500)})
    return bodies


def test_what_is_written_is_read(tmp_path: Path) -> None:
    sent = [
        exchange(
            n,
            os.urandom(n * 100),
            request_headers=[("A", "é"), ("a", "")],
            response_headers=[("X", "1")],
            first_byte=0.5,
            complete=n % 2 == 0,
            error="why" if n % 2 else "",
            finished=2e9,
        )
        for n in range(30)
    ]
    writer = write(tmp_path / "j", sent)
    assert [one for one, _ in read(tmp_path / "j")] == sent
    told = writer.stats()
    assert (told.exchanges, told.dropped, told.errors, told.queue, told.segments) == (30, 0, 0, 0, 1)
    assert stats(tmp_path / "j").bytes == told.bytes + len(segment.MAGIC)
    assert list(read(tmp_path / "nothing")) == [] and stats(tmp_path / "nothing").segments == 0


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    bodies = conversation(30)
    write(tmp_path, [exchange(n, body) for n, body in enumerate(bodies)])
    places = [place for _, place in read(tmp_path)]
    assert places == sorted(places) and places[0] > START
    for at in (0, 7, 28):
        rest = [one.request_body for one, _ in read(tmp_path, places[at])]
        assert rest == bodies[at + 1 :]
    assert list(read(tmp_path, places[-1])) == []


def test_a_session_grows_linearly_with_its_turns(tmp_path: Path) -> None:
    bodies = conversation(100)
    writer = JournalWriter(tmp_path, max_mb=100)
    sizes = []
    for number, body in enumerate(bodies):
        writer.put(exchange(number, body))
        if number in (24, 49, 99):
            assert wait(lambda count=number + 1: writer.stats().exchanges == count)  # type: ignore[misc]
            sizes.append(writer.stats().bytes)
    writer.close()
    assert [one.request_body for one, _ in read(tmp_path)] == bodies
    naive = sum(map(len, bodies))
    assert sizes[2] < naive / 15
    assert sizes[2] - sizes[1] < 2.5 * (sizes[1] - sizes[0])


def test_conversations_side_by_side_and_forks(tmp_path: Path) -> None:
    talks = [conversation(15, seed) for seed in range(4)]
    turns = [body for bodies in zip(*talks, strict=True) for body in bodies]
    turns += [talks[0][9], talks[0][14], talks[0][14]]
    write(tmp_path, [exchange(n, body, agent=f"a{n % 2}") for n, body in enumerate(turns)])
    assert [one.request_body for one, _ in read(tmp_path)] == turns
    assert stats(tmp_path).bytes < sum(map(len, turns)) / 5


def test_references_never_leave_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "SEGMENT", 30_000)
    bodies = conversation(60)
    writer = JournalWriter(tmp_path, max_mb=100)
    for number, body in enumerate(bodies):
        writer.put(exchange(number, body))
        assert wait(lambda count=number + 1: writer.stats().exchanges == count)  # type: ignore[misc]
    writer.close()
    numbers = segment.segments(tmp_path)
    assert len(numbers) >= 3
    assert [one.request_body for one, _ in read(tmp_path)] == bodies
    segment.path_of(tmp_path, numbers[0]).unlink()
    left = [one.request_body for one, _ in read(tmp_path)]
    assert left and left == bodies[-len(left) :]


def test_reading_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "SEGMENT", 40_000)
    bodies = [os.urandom(700) + b"x" * 2000 for _ in range(400)]
    writer = JournalWriter(tmp_path, max_mb=100)
    found: list[bytes] = []

    def follow() -> None:
        after = START
        until = time.monotonic() + 20
        while len(found) < len(bodies) and time.monotonic() < until:
            for one, place in read(tmp_path, after):
                found.append(one.request_body)
                after = place

    reader = threading.Thread(target=follow)
    reader.start()
    for number, body in enumerate(bodies):
        writer.put(exchange(number, body))
        time.sleep(0.001)
    reader.join()
    writer.close()
    assert found == bodies and len(segment.segments(tmp_path)) > 3


def test_it_is_on_the_system_without_another_word(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, max_mb=10)
    assert wait(lambda: (tmp_path / "writer.lock").exists())
    writer.put(exchange(0))
    assert wait(lambda: len(ids(tmp_path)) == 1)
    for number in range(1, 11):
        writer.put(exchange(number))
        assert wait(lambda count=number + 1: writer.stats().exchanges == count)  # type: ignore[misc]
    writer.close()


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(cut=st.floats(0, 1), noise=st.binary(max_size=40))
def test_a_torn_tail_is_cut_at_the_next_start(
    tmp_path_factory: pytest.TempPathFactory, cut: float, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("j")
    write(folder, [exchange(n, body) for n, body in enumerate(conversation(6))])
    path = segment.path_of(folder, 1)
    data = path.read_bytes()
    ends = [place.offset for _, place in read(folder)]
    keep = int(len(data) * cut)
    path.write_bytes(data[:keep] + noise)
    whole = sum(1 for end in ends if end <= keep)
    before = [place for _, place in read(folder)]
    assert len(before) >= whole and before[:whole] == [Position(segment=1, offset=e) for e in ends[:whole]]
    write(folder, [exchange(100)])
    skipped: list[str] = []
    after = list(read(folder, on_skip=lambda path, at, why: skipped.append(why)))
    assert [one.id for one, _ in after][-1] == exchange(100).id
    assert len(after) >= whole + 1
    if keep >= len(segment.MAGIC):
        assert skipped == []  # cut, so that nothing is damaged any more


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.data())
def test_garbage_is_skipped_and_never_raises(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("j")
    write(folder, [exchange(n, body) for n, body in enumerate(conversation(4))])
    write(folder, [exchange(50)])
    path = segment.path_of(folder, 1)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(raw))
    (folder / "notes.txt").write_text("no segment")
    skipped: list[int] = []
    found = [one.id for one, _ in read(folder, on_skip=lambda path, at, why: skipped.append(at))]
    assert found[-1] == exchange(50).id
    assert len(found) == 5 or len(skipped) >= 1


def test_a_full_journal_drops_what_is_new_and_says_so(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, max_mb=1)
    for number in range(6):
        writer.put(exchange(number, os.urandom(400_000)))
        assert wait(lambda count=number + 1: writer.stats().exchanges + writer.stats().dropped == count)  # type: ignore[misc]
    told = writer.stats()
    assert told.exchanges == 3 and told.dropped == 3 and "full" in told.last_error
    # When old segments are deleted by another process, it goes on by itself.
    old = time.time() - 10 * 86400
    os.utime(segment.path_of(tmp_path, 1), (old, old))
    writer.close()
    again = JournalWriter(tmp_path, max_mb=1)
    assert wait(lambda: (tmp_path / "writer.lock").exists())
    again.put(exchange(10))
    assert wait(lambda: again.stats().dropped == 1)
    segment.path_of(tmp_path, 1).unlink()
    time.sleep(1.1)
    again.put(exchange(11))
    assert wait(lambda: again.stats().exchanges == 1) and again.stats().last_error == ""
    again.close()
    assert ids(tmp_path) == [exchange(11).id]


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    lock = appender.lock_of(tmp_path)
    with lock:
        writer = JournalWriter(tmp_path, max_mb=1000)
        for number in range(16):
            writer.put(exchange(number, b"x" * (8 << 20)))
        large = writer.stats().queue
        for number in range(16, 66):
            writer.put(exchange(number, b"x" * (1 << 19)))
        assert wait(lambda: "another process" in writer.stats().last_error)
        told = writer.stats()
        assert told.exchanges == 0 and told.queue + told.dropped == 66
        assert large == 7, "64 MB of large ones"
        assert told.queue - large == 47, "24 MB of others, which large ones do not crowd out"
    assert wait(lambda: writer.stats().queue == 0)
    writer.close()
    assert len(ids(tmp_path)) == 66 - writer.stats().dropped


def test_what_cannot_be_recorded_costs_only_itself(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, max_mb=10)

    def bad() -> Exchange:
        raise ValueError("no")

    writer.put(exchange(1))
    writer.put(bad, 0)
    writer.put(exchange(2, request_headers=[("X", "\udce4")]))
    writer.put(lambda: exchange(3), 10)
    writer.close()
    assert ids(tmp_path) == [exchange(1).id, exchange(3).id]
    told = writer.stats()
    assert (told.exchanges, told.dropped, told.errors) == (
        2,
        2,
        2,
    ) and "could not be recorded" in told.last_error


def test_expiry_deletes_whole_old_segments(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, [exchange(number)])
    old = time.time() - 8 * 86400
    for number in (1, 2):
        os.utime(segment.path_of(tmp_path, number), (old, old))
    last = list(read(tmp_path))[-1][1]
    assert expire(tmp_path, 7) == 2
    assert ids(tmp_path) == [exchange(2).id, exchange(3).id]
    # The newest goes when nobody writes, and an empty one of the next number stands for it.
    writer = JournalWriter(tmp_path, max_mb=10)
    assert wait(lambda: writer.stats().segments == 2)
    os.utime(segment.path_of(tmp_path, 4), (old, old))
    assert expire(tmp_path, 7) == 0
    writer.close()
    assert expire(tmp_path, 7) == 1 and ids(tmp_path) == [exchange(2).id]
    assert segment.segments(tmp_path)[-1] == 5
    assert last.segment == 4
    write(tmp_path, [exchange(9), exchange(10, b"y" * 3000)])
    assert [one.id for one, _ in read(tmp_path, last)] == [exchange(9).id, exchange(10).id]
    assert expire(tmp_path / "nothing", 7) == 0


BEGINS = """
import os, resource, signal, sys, time
from pathlib import Path
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
writer = JournalWriter(Path(sys.argv[1]), max_mb=10)
for n in range(3):
    writer.put(Exchange(id=f"{n:016x}", agent="a", method="POST", path="/", started=1e9, status=200))
while not writer.stats().last_error:
    time.sleep(0.01)
time.sleep(1.2)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
while writer.stats().queue:
    time.sleep(0.01)
writer.close()
stats = writer.stats()
assert (stats.exchanges, stats.dropped, stats.last_error) == (3, 0, ""), stats
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
@pytest.mark.parametrize("room", [0, 3, 40])
def test_a_segment_that_could_not_be_begun_loses_nothing(tmp_path: Path, room: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGINS, str(tmp_path), str(room)], timeout=60, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(ids(tmp_path)) == 3
    assert len(segment.segments(tmp_path)) == 1


def test_a_disk_that_fails_to_sync_has_nothing_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failing = os.fsync, [True]

    def fsync(fd: int) -> None:
        if failing:
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(appender, "SYNC", 0.0)
    writer = JournalWriter(tmp_path, max_mb=10)
    for number in range(6):
        writer.put(exchange(number))
        time.sleep(0.05)
    assert wait(lambda: writer.stats().errors > 0)
    failing.clear()
    writer.put(exchange(6))
    writer.close()
    assert ids(tmp_path) == [exchange(number).id for number in range(7)]


def test_a_disk_that_turns_read_only_keeps_what_it_has_and_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open segment, too, takes nothing; what the queue cannot hold is lost, counted and told."""
    read_only: list[bool] = []

    def guarded(name: str, writes: Callable[..., object]) -> None:
        real = getattr(os, name)

        def call(*given: object, **more: object) -> object:
            if read_only and threading.current_thread().name == "journal" and writes(*given):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return real(*given, **more)

        monkeypatch.setattr(os, name, call)

    guarded("write", lambda *_: True)
    guarded("ftruncate", lambda *_: True)
    guarded("open", lambda path, flags, *_: flags & (os.O_WRONLY | os.O_RDWR))
    monkeypatch.setattr(writing, "QUEUE", 20_000)
    monkeypatch.setattr(writing, "RETRY", 0.02)
    writer = JournalWriter(tmp_path, max_mb=10)
    for number in range(3):
        writer.put(exchange(number))
    assert wait(lambda: writer.stats().exchanges == 3)
    kept = segment.path_of(tmp_path, 1).read_bytes()
    read_only.append(True)
    for number in range(3, 23):
        writer.put(exchange(number, os.urandom(1000)))
    assert wait(lambda: writer.stats().errors > 2)
    told = writer.stats()
    assert "Read-only file system" in told.last_error
    assert told.queue + told.dropped == 20 and told.queue >= 5 and told.dropped >= 10
    assert segment.path_of(tmp_path, 1).read_bytes() == kept
    assert ids(tmp_path) == [exchange(number).id for number in range(3)]
    read_only.clear()
    assert wait(lambda: writer.stats().queue == 0)
    writer.put(exchange(23))
    writer.close()
    now = writer.stats()
    assert (now.exchanges, now.dropped, now.last_error) == (3 + told.queue + 1, told.dropped, "")
    assert ids(tmp_path) == [exchange(number).id for number in (*range(3 + told.queue), 23)]


def test_a_segment_from_the_future_has_its_days_from_now_on(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, [exchange(number)])
    ahead = time.time() + 3650 * 86400
    os.utime(segment.path_of(tmp_path, 1), (ahead, ahead))
    assert expire(tmp_path, 7) == 0
    assert abs(segment.path_of(tmp_path, 1).stat().st_mtime - time.time()) < 60
    assert len(ids(tmp_path)) == 3


def test_an_old_segment_ends_also_without_traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender, "SEGMENT_AGE", 0.2)
    writer = JournalWriter(tmp_path, max_mb=10)
    writer.put(exchange(1))
    assert wait(lambda: len(segment.segments(tmp_path)) == 2, 4)
    time.sleep(1.2)
    assert len(segment.segments(tmp_path)) == 2  # an empty one has nothing to end
    writer.close()
