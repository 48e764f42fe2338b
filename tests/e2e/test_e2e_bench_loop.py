"""Days and nights with the real CLIs: in rooms, through the users' proxies, against a scripted provider."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clients import binary
from scripted import Script, Shell, Upstream
from small_house import write_small_house

from skillclaw.bench.suites.house import House
from skillclaw.sandbox import why_no_room

no_room = why_no_room()
pytestmark = pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}")
TEMPLATE = "01_Productivity_Flow_task_first"


@pytest.mark.parametrize(
    ("agent", "program", "version"),
    [("claude-code", "claude", "/v1"), pytest.param("codex", "codex", "", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(300)
def test_a_real_client_works_by_day_and_is_learned_from_by_night(
    agent: str, program: str, version: str, tmp_path: Path
) -> None:
    suite = House(write_small_house(tmp_path / "house"))
    tasks = [suite.draw(TEMPLATE, number) for number in range(suite.combinations(TEMPLATE))]
    scripts = {
        task.instruction: Script(steps=(Shell(suite.script(task, "solve").splitlines()[0]),), final="Done.")
        for task in tasks
    }
    home = tmp_path / "home"
    home.mkdir()
    environ = os.environ | {"HOME": str(home), "PATH": f"{Path(binary(program)).parent}:{os.environ['PATH']}"}
    options = ["--days", "2", "--users", "2", "--stream", "1", "--held-out", "1", "--screen", "0"]
    with Upstream(scripts) as upstream:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "skillclaw", "bench", "loop", str(tmp_path / "run")),
                *("--source", str(tmp_path / "house"), "--agent", agent, "--only", TEMPLATE),
                *(
                    "--model-url",
                    upstream.url + version,
                    "--model",
                    "m",
                    "--arms",
                    "evolving",
                    *options,
                    "--json",
                ),
            ],
            capture_output=True,
            env=environ,
            timeout=280,
        )
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    whole = [row for row in result["days"] if row["category"] is None and row["variant"] is None]
    assert [(row["day"], row["success"], row["n"], row["errors"]) for row in whole] == [
        (1, 1.0, 1, 0),
        (2, 1.0, 1, 0),
    ]
    assert all(row["steps"] >= 1 and row["tokens"] > 0 for row in whole)
    # What the users' clients did went through their proxies, and nothing that was measured did so.
    assert result["nights"][0]["sessions"] == 2
