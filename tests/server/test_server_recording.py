"""From the journal to sessions: each conversation once, however long it lasts, however often it is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillclaw.journal import decoding
from skillclaw.journal.reader import read
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
from skillclaw.server.machine import Machine
from skillclaw.server.sessions import reached, recording
from skillclaw.server.sessions.following import Following
from skillclaw.server.sessions.reached import last_exchanges
from skillclaw.trajectory.model import step_meta, text_of

BEGIN = 1_795_444_690.0
HOUR = 3600.0


class Clock:
    """The time that recording sees."""

    def __init__(self) -> None:
        self.now = BEGIN

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(reached, "time", clock)
    monkeypatch.setattr(recording, "time", clock)
    return clock


def turn(name: str, number: int, at: float, session: str = "") -> Exchange:
    """Turn `number` (from 0) of a chat; an agent without ids tells its past anew, one with an id need not."""
    past = 0 if not session else max(0, number - 1)
    messages = []
    for one in range(past, number):
        messages += [{"role": "user", "content": f"{name} ask {one}"}]
        messages += [{"role": "assistant", "content": f"{name} answer {one}"}]
    messages.append({"role": "user", "content": f"{name} ask {number}"})
    answer = {"role": "assistant", "content": f"{name} answer {number}"}
    reply = {"choices": [{"message": answer, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
    return Exchange(
        id=f"{int(at):016x}",
        agent="generic",
        method="POST",
        path="/v1/chat/completions",
        started=at,
        finished=at + 1,
        request_headers=[("x-session-id", session)] if session else [],
        request_body=json.dumps({"model": "m", "messages": messages}).encode(),
        status=200,
        response_headers=[("content-type", "application/json")],
        response_body=json.dumps(reply).encode(),
    )


def write(home: Path, *exchanges: Exchange) -> None:
    writer = JournalWriter(home / "journal", max_mb=100)
    for one in exchanges:
        writer.put(one)
    writer.close()


def test_a_conversation_without_id_is_one_session_however_old_it_gets(tmp_path: Path, clock: Clock) -> None:
    machine = Machine(tmp_path)
    write(tmp_path, *(turn("long", n, BEGIN + 600 * n) for n in range(6)))
    clock.now = BEGIN + HOUR
    assert recording.assemble_recorded(machine) == 1
    for n in range(8):
        # Other traffic, while the line behind which nothing is read again passes over the conversation.
        clock.now = BEGIN + recording.SETTLED + 600 * n + 60
        write(tmp_path, turn(f"other {n}", 0, clock.now - 10))
        recording.assemble_recorded(machine)
    rows = machine.sessions.rows()
    assert len(rows) == 9
    clock.now += recording.SETTLED + HOUR
    write(tmp_path, turn("last", 0, clock.now - 10))
    assert recording.assemble_recorded(machine) == 1, "what is settled is not read again"


def test_a_session_that_never_rests_keeps_its_beginning(tmp_path: Path, clock: Clock) -> None:
    machine = Machine(tmp_path)
    for n in range(30):
        clock.now = BEGIN + HOUR * n + 60
        write(tmp_path, turn("busy", n, BEGIN + HOUR * n, session="one-that-never-rests"))
        assert recording.assemble_recorded(machine, idle=2 * HOUR) == 0
    clock.now += 3 * HOUR
    assert recording.assemble_recorded(machine, idle=2 * HOUR) == 1
    (row,) = machine.sessions.rows()
    steps = [s for s in machine.sessions.get(row.id).steps if step_meta(s).kind == "turn"]
    assert [text_of(s.message) for s in steps if s.source == "user"] == [f"busy ask {n}" for n in range(30)]
    assert all(step.timestamp for step in steps)


def test_the_journal_is_not_read_again_while_nothing_can_be_idle(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    whole = recording.assemble_placed
    monkeypatch.setattr(recording, "assemble_placed", lambda *given: passes.append(1) or whole(*given))
    machine = Machine(tmp_path)
    for second in range(0, 300, 5):
        clock.now = BEGIN + second + 2
        write(tmp_path, turn("at work", second // 5, BEGIN + second, session="s"))
        assert recording.assemble_recorded(machine, idle=300) == 0
    assert passes == []
    clock.now = BEGIN + 302
    assert recording.assemble_recorded(machine, idle=300) == 0, "its last exchange is 6 seconds old"
    clock.now = BEGIN + 600
    assert recording.assemble_recorded(machine, idle=300) == 1
    assert len(passes) == 2


def test_a_look_decodes_what_is_new_since_the_last(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    usual = decoding.read
    monkeypatch.setattr(decoding, "read", lambda call: decoded.append(call.path) or usual(call))
    machine = Machine(tmp_path)
    following = Following(machine)
    for n in range(4):
        clock.now = BEGIN + HOUR * (n + 1)
        write(
            tmp_path, *(turn("day", at, BEGIN + HOUR * n + 60 * at) for at in (3 * n, 3 * n + 1, 3 * n + 2))
        )
        decoded.clear()
        assert following.record()
        assert len(decoded) == 3
    (row,) = machine.sessions.rows()
    steps = [s for s in machine.sessions.get(row.id).steps if step_meta(s).kind == "turn"]
    assert len(steps) == 24


@pytest.mark.parametrize("left", ["nothing", "an empty segment"])
def test_what_is_written_in_the_place_of_what_a_power_cut_took_is_read(
    tmp_path: Path, clock: Clock, left: str
) -> None:
    machine = Machine(tmp_path)
    write(tmp_path, *(turn("lost", n, BEGIN + n) for n in range(6)))
    clock.now = BEGIN + 60
    assert recording.assemble_recorded(machine) == 1
    (segment,) = (tmp_path / "journal").glob("*.seg")
    if left == "nothing":
        segment.unlink()
    else:
        segment.write_bytes(segment.read_bytes()[:8])
    write(tmp_path, turn("later", 0, BEGIN + 70))
    clock.now = BEGIN + 90
    assert last_exchanges(machine, 60) == {"generic": BEGIN + 71}
    assert recording.assemble_recorded(machine) == 1
    assert len(machine.sessions.rows()) == 2
    assert recording.assemble_recorded(machine) == 0


def test_a_clock_that_was_set_back_keeps_no_session_waiting(tmp_path: Path, clock: Clock) -> None:
    machine = Machine(tmp_path)
    write(tmp_path, turn("ahead", 0, BEGIN - 10))
    assert recording.assemble_recorded(machine, idle=300) == 0, "it may go on"
    clock.now = BEGIN - 365 * 24 * HOUR
    assert recording.assemble_recorded(machine, idle=300) == 1
    # and what the clock called the future is not read again and again until that has come
    write(tmp_path, turn("later", 0, clock.now - 400))
    assert recording.assemble_recorded(machine, idle=300) == 1
    clock.now += 2 * recording.SETTLED
    write(tmp_path, turn("last", 0, clock.now - 400))
    assert recording.assemble_recorded(machine, idle=300) == 1
    mark = reached.reached(machine)
    first = next(iter(read(tmp_path / "journal")))[1]
    assert mark.settled > first
