"""A real `up` that records, learns and installs, as Prometheus sees it."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from prometheus_client.parser import text_string_to_metric_families


def scraped(port: int) -> dict[str, float]:
    """Samples by name and the values of their labels, with spaces between."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        " ".join([sample.name.removeprefix("skillclaw_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.slow
def test_a_cycle_and_what_came_of_it_are_seen(tmp_path: Path) -> None:
    steps = [
        Ran("npm test", 1, "Error: Cannot find module 'x'"),
        Ran("npm ci", 0, ""),
        Ran("npm test", 0, "ok"),
    ]
    write(tmp_path / "s.jsonl", [session("a", n, "run the tests of this package", steps) for n in range(4)])
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    began = time.time()
    state = ok_json("up", "-d", "--yes", "--port", "0", home=tmp_path)
    try:
        found = scraped(state["port"])
        until = time.monotonic() + 150
        wanted = ("up_skills_installed", "up_cycles_total done")  # a cycle installs before it has ended
        while not all(found.get(name) for name in wanted) and time.monotonic() < until:
            time.sleep(0.5)
            found = scraped(state["port"])
        assert found["up_skills_installed"] == 1, ok("logs", home=tmp_path)
        assert (found["up_sessions"], found["up_agreed"]) == (4, 1)
        assert found["up_cycles_total done"] >= 1 and found["up_cycles_total failed"] == 0
        assert found["up_cycle_last_well"] == 1 and found["up_cycle_last_seconds"] >= began - 1
        assert 0 < found["up_cycle_last_duration_seconds"] < 150
        assert found["up_hub_age_seconds personal"] < 60 and found["up_hub_failures personal"] == 0
        assert found["up_part_last_seconds evolve"] >= began - 1
        assert not any(value for name, value in found.items() if name.startswith("up_part_failing "))
        assert abs(found["process_start_time_seconds up"] - psutil.Process(state["pid"]).create_time()) < 2
    finally:
        ok("stop", home=tmp_path)
