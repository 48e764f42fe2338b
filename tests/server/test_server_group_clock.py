"""An evolver takes from a group what it keeps no longer, when its clock jumps and when it is paused too."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from team import found, home, hub, joined, machine
from test_server_group_cycle import claimed as made
from test_server_group_cycle import posted

from skillclaw.hub.inbox import send
from skillclaw.hub.sealed import list_sessions
from skillclaw.server.groups import claiming, collecting
from skillclaw.server.groups.cycle import group_cycle
from skillclaw.server.serving.records import CycleLine
from skillclaw.server.serving.service import Service
from skillclaw.settings_serve import ServeSettings


class Ahead(datetime):
    """A clock that is two years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=730)


def test_a_clock_that_jumped_ahead_deletes_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    new = posted(tmp_path, "bob", made("0123456789abcdef"), 1, day=today)
    old = posted(tmp_path, "bob", made("0123456789abcdee", 2), 2, day="2020-01-01")
    for module in (claiming, collecting):
        monkeypatch.setattr(module, "datetime", Ahead)
    ada, group = machine(tmp_path, "ada"), hub(tmp_path)
    with claiming.claimed(ada, group, ttl=60) as claim:
        group_cycle(ada, group, engine="extractive", claim=claim)
    left = list_sessions(hub(tmp_path))
    assert new in left and old not in left


def test_what_a_member_takes_back_leaves_the_reports_of_a_server_that_is_paused(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")
    service = Service(home(tmp_path, "ada"), ServeSettings(interval=0.5, grace=0.0), {"HOME": str(tmp_path)})
    service.pause(None)
    cycle = CycleLine(
        id="20261101T000000-00000000",
        group=hub(tmp_path).info.group,
        hub="team",
        trigger="interval",
        started="2026-11-01T00:00:00Z",
        outcome="done",
    )
    service.history.report_path(cycle.id).write_text('{"patterns": []}', "utf-8")
    service.history.note(cycle)
    service.start()
    try:
        assert service.looked(60, threading.Event())
        assert service.report(cycle.id) is not None
        send(hub(tmp_path, "bob"), "tombstone", {"keys": ["a"]})
        until = time.monotonic() + 30
        while service.report(cycle.id) is not None:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        service.stop(0.0)
