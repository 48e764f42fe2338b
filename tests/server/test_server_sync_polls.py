"""When hubs are asked: spread, backed off, woken; and what a running `up` makes of it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli import ok, ok_json
from hubs_at_hand import Hubs, bundle, counted
from hypothesis import given
from hypothesis import strategies as st

from skillclaw import settings
from skillclaw.errors import SkillClawError
from skillclaw.library.pace import LONGEST, Schedule, delay
from skillclaw.server.hubs import syncing
from skillclaw.server.hubs.polling import network_mark, read_polls, wake, woken
from skillclaw.server.hubs.syncing import Syncing


class Clock:
    """A monotonic clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(interval=st.floats(0.1, 3000), failures=st.integers(0, 10_000), draw=st.floats(0, 1))
def test_a_wait_is_at_most_the_interval_and_doubles_up_to_an_hour(
    interval: float, failures: int, draw: float
) -> None:
    wait = delay(interval, failures, draw)
    whole = min(LONGEST, interval * 2.0 ** min(failures, 30))
    assert whole * 2 / 3 - 1e-9 <= wait <= whole
    assert delay(interval, failures + 1, draw) >= wait


def test_hubs_are_due_each_by_itself_and_hurried() -> None:
    clock = Clock()
    schedule = Schedule(clock=clock, draw=lambda: 1.0)
    assert schedule.due(["a", "b"]) == ["a", "b"]
    assert schedule.asked("a", 60, failed=False) == (0, 60)
    assert schedule.asked("b", 60, failed=True) == (1, 120)
    assert schedule.failing
    clock.now += 60
    assert schedule.due(["a", "b"]) == ["a"]
    schedule.hurry(failing_only=True)
    assert schedule.due(["a", "b"]) == ["a", "b"]
    assert schedule.asked("b", 60, failed=True) == (2, 240)
    assert schedule.asked("b", 60, failed=False) == (0, 60)
    assert not schedule.failing
    schedule.asked("a", 60, failed=False)
    assert schedule.due(["a", "b"]) == []
    schedule.hurry(failing_only=False)
    assert schedule.due(["a", "b", "new"]) == ["a", "b", "new"]


def test_many_clients_spread_out() -> None:
    schedule = Schedule(clock=Clock())
    waits = [schedule.asked(str(number), 60, failed=False)[1] for number in range(2000)]
    assert 40 <= min(waits) < 41
    assert 59 < max(waits) <= 60
    assert 49 < sum(waits) / len(waits) < 51


def test_a_wish_to_wake_is_heard_once(tmp_path: Path) -> None:
    wake(tmp_path)  # no folder: nothing runs, and nothing breaks
    assert not woken(tmp_path)
    (tmp_path / "run").mkdir()
    wake(tmp_path)
    assert woken(tmp_path)
    assert not woken(tmp_path)


def test_the_mark_of_the_network_stays_while_nothing_changes() -> None:
    assert network_mark() == network_mark() != ""


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hubs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Hubs(tmp_path)


def test_a_running_sync_tells_of_a_hub_once_and_asks_it_less_often(
    hubs: Hubs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="skillclaw.up")
    monkeypatch.setattr(syncing, "NETWORK", 1e9)
    clock = Clock()
    hubs.release(hubs.machine.hub, bundle("git", "personal way"))
    hubs.release(hubs.team, bundle("git", "team way"))
    work = Syncing(hubs.machine, Schedule(clock=clock, draw=lambda: 1.0))
    assert work.step()
    assert hubs.text("git") == "personal way"
    assert sum("shadowed by personal" in record.message for record in caplog.records) == 1
    with counted() as seen:
        assert not work.step()
        assert seen.gets == []
        clock.now += 60
        assert not work.step()
        assert len(seen.gets) == 2
    assert sum("shadowed by personal" in record.message for record in caplog.records) == 1
    # away: the same words until it is back; the other hub goes on
    away = hubs.team_folder.rename(hubs.place / "away")
    clock.now += 60
    with pytest.raises(SkillClawError, match="hub team: The hub at"):
        work.step()
    hubs.release(hubs.machine.hub, bundle("review", "look twice"))
    told = []
    for _ in range(30):
        clock.now += 60
        with pytest.raises(SkillClawError) as again:
            work.step()
        told.append(str(again.value))
    assert len(set(told[2:])) == 1
    assert hubs.text("review") == "look twice"
    polls = read_polls(hubs.machine.home)
    assert polls["personal"].error == ""
    assert 4 <= polls["team"].failures <= 6, "2, 4, 8, 16 minutes"
    assert polls["team"].last
    assert polls["team"].next
    # back: as soon as another process says so
    away.rename(hubs.team_folder)
    hubs.release(hubs.team, bundle("deploy", "first"))
    wake(hubs.machine.home)
    assert work.step()
    assert hubs.text("deploy") == "first"
    assert read_polls(hubs.machine.home)["team"].failures == 0


def test_a_network_that_changed_wakes_the_hubs_that_failed(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    marks = ["none"]
    monkeypatch.setattr(syncing, "NETWORK", 0.0)
    monkeypatch.setattr(syncing, "network_mark", lambda: marks[-1])
    work = Syncing(hubs.machine, Schedule(clock=clock, draw=lambda: 1.0))
    away = hubs.team_folder.rename(hubs.place / "away")
    for _ in range(3):
        with pytest.raises(SkillClawError):
            work.step()
    away.rename(hubs.team_folder)
    with pytest.raises(SkillClawError):
        work.step()
    marks.append("a cable")
    work.step()
    assert read_polls(hubs.machine.home)["team"].error == ""


def test_a_broken_book_is_told_until_it_is_mended_and_settings_are_read_anew(hubs: Hubs) -> None:
    clock = Clock()
    hubs.release(hubs.machine.hub, bundle("git", "personal way"))
    hubs.machine.prepare()
    (hubs.machine.home / "library.json").write_text("{")
    work = Syncing(hubs.machine, Schedule(clock=clock, draw=lambda: 1.0))
    for _ in range(3):
        with pytest.raises(SkillClawError, match=r"library\.json does not hold"):
            work.step()
    (hubs.machine.home / "library.json").unlink()
    clock.now += 60
    assert work.step()
    settings.set_value(hubs.machine.home, "hubs.team.url", "")
    clock.now += 60
    work.step()
    assert set(read_polls(hubs.machine.home)) == {"personal"}


@pytest.mark.slow
def test_up_brings_a_groups_release_and_status_tells_of_the_hubs(hubs: Hubs) -> None:
    environ = {**hubs.environ, "SKILLCLAW_SYNC__INTERVAL": "1", "PATH": os.environ["PATH"]}
    ok("up", "-d", "--yes", "--history-only", home=hubs.home, environ=environ)
    try:
        hubs.release(hubs.team, bundle("deploy", "first"))
        _until(lambda: hubs.text("deploy") == "first")
        hubs.release(hubs.team, bundle("deploy", "second"))
        _until(lambda: hubs.text("deploy") == "second")
        (personal, team) = ok_json("status", home=hubs.home, environ=environ)["hubs"]
        assert (personal["hub"], team["hub"], team["error"]) == ("personal", "team", "")
        assert team["next"] >= team["last"] > ""
        away = hubs.team_folder.rename(hubs.place / "away")
        _until(
            lambda: "hub team" in ok_json("status", home=hubs.home, environ=environ)["errors"].get("sync", "")
        )
        away.rename(hubs.team_folder)
        hubs.release(hubs.team, bundle("deploy", "third"))
        ok("sync", home=hubs.home, environ=environ)
        assert hubs.text("deploy") == "third"
        _until(lambda: "sync" not in ok_json("status", home=hubs.home, environ=environ)["errors"])
        log = (hubs.machine.home / "logs" / "up.log").read_text("utf-8")
        assert sum("There is no hub at" in line for line in log.splitlines()) <= 1, "told once"
    finally:
        ok("stop", home=hubs.home, environ=environ)


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
