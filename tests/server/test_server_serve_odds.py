"""A server whose clock is set back, whose disk takes nothing any more, whose cycle hangs: it goes on."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from skillclaw.errors import StorageError
from skillclaw.server.serving import events as events_module
from skillclaw.server.serving import history as history_module
from skillclaw.server.serving.children import Child
from skillclaw.server.serving.events import Events
from skillclaw.server.serving.history import History
from skillclaw.server.serving.records import CycleLine
from skillclaw.server.serving.worker import Order, Result

GROUP = "ab" * 16
KEEP = 8


def line(number: int, year: int) -> CycleLine:
    return CycleLine(
        id=f"{year}0101T000000-{number:08x}",
        group=GROUP,
        hub="team",
        trigger="interval",
        started=f"{year}-01-01T00:00:00Z",
        outcome="done",
    )


def test_a_clock_that_was_set_back_makes_no_cycle_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "KEEP", KEEP)
    history = History(tmp_path)
    for number in range(KEEP):
        history.note(line(number, 2030))
    new = line(KEEP, 2026)
    history.report_path(new.id).write_text("{}")
    history.note(new)
    assert history.find(new.id) == new and history.cycles(GROUP, 1) == [new]
    assert history.report(new.id) == {}
    assert history.find(line(0, 2030).id) is None


def test_events_go_on_where_the_disk_takes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "BLOCK", 2)
    folder = tmp_path / "serve"
    folder.mkdir()
    events = Events(folder)
    (folder / "events").unlink()
    folder.rmdir()
    for number in range(5):
        events.add("server", "", {"number": number})
    ids = [one.id for one in events.after(0, 0)]
    assert len(ids) == 5 and ids == sorted(set(ids))
    with pytest.raises(StorageError, match="events"):
        Events(folder)


def test_a_process_that_hangs_is_ended_and_told(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    order = Order(home=str(tmp_path), hub="team", cycle="c", report=str(tmp_path / "report"))
    told, over = list[Result](), threading.Event()

    def ended(result: Result) -> None:
        told.append(result)
        over.set()

    child = Child(order, os.environ, heard=lambda said: None, ended=ended, silent=0.4)
    try:
        os.kill(child.pid, signal.SIGSTOP)
        assert over.wait(20)
        assert (told[0].outcome, told[0].kind) == ("lost", "Hung") and "said nothing" in told[0].error
    finally:
        child.kill()
        child.wait(20)
