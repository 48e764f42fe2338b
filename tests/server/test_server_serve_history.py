"""What a server remembers of its cycles: over restarts and kills, bounded, for its user alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest

from skillclaw.errors import StorageError
from skillclaw.server.serving import history as history_module
from skillclaw.server.serving.events import Events
from skillclaw.server.serving.history import History, new_id
from skillclaw.server.serving.records import CycleLine

GROUP = "ab" * 16
KEEP, REPORTS = 12, 4


def line(number: int = 0, **more: object) -> CycleLine:
    """A cycle of the group."""
    own = {"id": new_id(), "started": f"2026-11-01T00:00:{number % 60:02}Z.{number:06}"}
    return CycleLine(group=GROUP, hub="team", trigger="interval", **{**own, **more})  # type: ignore[arg-type]


def ended(one: CycleLine, **more: object) -> CycleLine:
    """The cycle when it is over."""
    return msgspec.structs.replace(one, outcome="done", **more)


def test_cycles_are_known_after_a_restart(tmp_path: Path) -> None:
    history = History(tmp_path)
    first, second = line(1), line(2)
    for one in (first, second):
        history.note(one)
        history.note(ended(one, sessions=7))
    again = History(tmp_path)
    assert [one.id for one in again.cycles(GROUP)] == [second.id, first.id]
    assert again.cycles(GROUP, 1) == [ended(second, sessions=7)]
    assert again.find(first.id) == ended(first, sessions=7)
    assert again.find("nothing") is None and again.cycles("cd" * 16) == []
    for path in (tmp_path / "serve").rglob("*"):
        assert path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0, path


def test_a_cycle_that_ran_when_its_server_was_killed_is_lost(tmp_path: Path) -> None:
    history = History(tmp_path)
    done, cut = line(1), line(2)
    history.note(ended(done))
    history.note(cut)
    again = History(tmp_path)
    (lost,) = again.cut_off()
    assert (lost.id, lost.outcome) == (cut.id, "lost") and lost.error
    assert [one.outcome for one in History(tmp_path).cycles(GROUP)] == ["lost", "done"]


def test_what_was_half_written_at_a_kill_goes(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.note(ended(line(1)))
    (kept,) = (tmp_path / "serve" / "cycles" / GROUP).glob("*.json")
    torn = [
        kept.with_name(f".{kept.name}.0123456789ab.new"),
        tmp_path / "serve" / "reports" / ".x.json.0.new",
    ]
    for path in torn:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{")
    History(tmp_path).cut_off()
    assert kept.exists() and not any(path.exists() for path in torn)


def test_old_cycles_and_reports_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "KEEP", KEEP)
    monkeypatch.setattr(history_module, "REPORTS", REPORTS)
    history = History(tmp_path)
    for number in range(KEEP + 5):
        one = line(number)
        history.report_path(one.id).write_text("{}")
        history.note(ended(one))
    assert len(history.cycles(GROUP)) == len(list((tmp_path / "serve" / "cycles" / GROUP).iterdir())) == KEEP
    assert len(list((tmp_path / "serve" / "reports").iterdir())) == REPORTS
    newest = history.cycles(GROUP, 1)[0]
    assert history.report(newest.id) == {}


@pytest.mark.parametrize("name", ["../paused", "..", "", "x" * 300, "20261126T223006-c181334a/../../token"])
def test_a_report_is_asked_for_by_an_id_and_nothing_else(tmp_path: Path, name: str) -> None:
    history = History(tmp_path)
    history.pause("team", True)
    assert history.report(name) is None


def test_what_is_damaged_on_the_disk_is_left_out(tmp_path: Path) -> None:
    history = History(tmp_path)
    good, bad = line(1), line(2)
    for one in (good, bad):
        history.note(ended(one))
    folder = tmp_path / "serve" / "cycles" / GROUP
    (folder / f"{bad.id}.json").write_bytes(b'{"id": "2026')
    (folder / "20260101T000000-00000000.json").write_bytes(msgspec.json.encode(good))  # another's name
    history.report_path(good.id).write_bytes(b"[1, 2")
    again = History(tmp_path)
    assert [one.id for one in again.cycles(GROUP)] == [good.id]
    assert again.report(good.id) is None


def test_paused_is_remembered_and_a_damaged_note_of_it_pauses_all(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.pause("team", True)
    assert history.paused("team") and not history.paused("other") and not history.paused()
    assert History(tmp_path).paused("team")
    history.pause(None, True)
    history.pause("team", False)
    assert History(tmp_path).paused("team"), "all are paused"
    history.pause(None, False)
    assert not History(tmp_path).paused("team")
    (tmp_path / "serve" / "paused.json").write_bytes(b"\0")
    assert History(tmp_path).paused("team")


def test_reports_go_when_a_member_takes_something_back(tmp_path: Path) -> None:
    history = History(tmp_path)
    old, new = line(1), line(2)
    for one in (old, new):
        history.report_path(one.id).write_text(json.dumps({"id": one.id}))
        history.note(ended(one))
    assert not history.withdrawn(GROUP, 0)
    assert history.withdrawn(GROUP, 2) and not History(tmp_path).withdrawn(GROUP, 2)
    history.drop_reports(GROUP, but=new.id)
    assert history.report(old.id) is None and history.report(new.id) == {"id": new.id}


def test_a_disk_that_takes_nothing_is_an_error_that_says_so(tmp_path: Path) -> None:
    history = History(tmp_path)
    (tmp_path / "serve" / "cycles" / GROUP).write_text("a file in its place")
    with pytest.raises(StorageError, match="Cannot keep"):
        history.note(line())


def test_events_have_ids_that_grow_over_restarts(tmp_path: Path) -> None:
    events = Events(tmp_path)
    for number in range(3):
        events.add("server", "", {"number": number})
    found = events.after(0, 0)
    assert [event.data["number"] for event in found] == [0, 1, 2]
    assert events.after(found[0].id, 0) == found[1:]
    assert events.after(found[2].id, 0.01) == []
    again = Events(tmp_path)
    again.add("server", "", {})
    (after,) = again.after(found[2].id, 0)
    assert after.id > found[2].id
