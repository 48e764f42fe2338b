"""The proxy under a minute of mixed load with faults, as anyone can run it (`make soak` takes an hour)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli import skillclaw

BLOWN_UP = 400.0
"""MB: more than two and a half times the peak of an hour (docs/reliability.md)."""
MINUTES = float(os.environ.get("E2E_SOAK_MINUTES", "1"))


@pytest.mark.timeout(MINUTES * 60 + 240)
def test_a_soak_loses_and_leaks_nothing(tmp_path: Path) -> None:
    done = skillclaw(
        "bench", "soak", "--minutes", str(MINUTES), "--json", home=tmp_path, timeout=MINUTES * 60 + 220
    )
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    failed = [check for check in result["checks"] if check["holds"] is False]
    assert done.returncode == 0 and not failed, (failed, result["failures"], result["rss_mb"], result["log"])
    assert result["rss_mb"]["peak"] < BLOWN_UP, "growth is judged in longer runs"
    assert result["requests"] > MINUTES * 60 * result["rate"] * 0.5, "the machine was too slow to tell"
