"""A cycle of the evolve server on a real Ray of two workers: its progress shows, and it comes to the same."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from lessons import LESSONS, lesson_session
from log_facts import content, doubles
from servers import make, until

from skillclaw import settings
from skillclaw.hub import Hub
from skillclaw.server.serving.records import CycleLine
from skillclaw.server.serving.service import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra `cluster` is not installed"),
    pytest.mark.timeout(400),
]


def served(home: Path, executor: str) -> tuple[CycleLine, list[dict[str, object]], set[str]]:
    """One cycle of the server of this home: its line, what was told of it meanwhile, and who worked."""
    settings.set_value(home, "evolve.executor", executor)
    settings.set_value(home, "evolve.workers", "2")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    environ = kept | {"HOME": str(home.parent), "SKILLCLAW_HOME": str(home)}
    service = Service(home, settings.load(home, environ).serve, environ, by_itself=False)
    workers: set[str] = set()
    service.start()
    try:
        service.looked(60, threading.Event())
        cycle = service.run_now("team")

        def over() -> bool:
            workers.update(_names())
            line = service.find(cycle)
            return line is not None and line.outcome not in ("running",)

        until(over, lambda: str(service.find(cycle)), 240)
        told = [event.data for event in service.events(0, 0) if event.kind == "cycle"]
        line = service.find(cycle)
    finally:
        service.stop(5)
    assert line is not None
    return line, told, workers


def _names() -> Iterator[str]:
    """What the processes that run now are called."""
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            yield one.name()


def test_a_cycle_on_ray_shows_its_progress_and_comes_to_the_same(tmp_path: Path) -> None:
    sessions = [lesson_session(lesson, number) for lesson in range(len(LESSONS)) for number in range(40)]
    made = make(tmp_path / "made", sessions)
    ends = {}
    for executor in ("local", "ray"):
        with made.copied(tmp_path / executor, str(tmp_path / executor / "hub"), {}) as site:
            line, told, workers = served(site.homes["north"], executor)
            assert (line.outcome, line.error, line.new) == ("done", "", len(sessions))
            stages = [str(one["stage"]) for one in told]
            assert [one for one in dict.fromkeys(stages) if one != "queued"][:2] == ["collect", "read"]
            assert {"mine", "judge"} <= set(stages)
            # how far it is, where that takes longer than a moment: a Ray starts first
            far = [(one["stage"], one["done"], one["total"]) for one in told if one["total"]]
            assert executor == "local" or ("read", len(sessions)) in {(far_[0], far_[2]) for far_ in far}, far
            assert any("ray::" in name for name in workers) == (executor == "ray"), workers
            hub: Hub = site.hub("north")
            assert doubles(hub) == []
            ends[executor] = content(hub)
            assert line.released == len(ends[executor]["skills"]) > 0
    assert ends["local"] == ends["ray"]
