"""Commands whose power is cut, and which are killed, at any change of the disk: nothing is lost that was
there, all is old or new, whole, and what a command said is done stays done. Scenes: powercut_scenes.py.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from powercut import Recording, environment, needs_strace, put, seed, times
from powercut_scenes import SCENES, Scene
from powercut_world import again, facts, problems

pytestmark = [needs_strace, pytest.mark.timeout(3000), pytest.mark.flaky(reruns=0)]
PARAMS = [
    pytest.param(scene, id=scene.name, marks=pytest.mark.e2e if scene.daily else pytest.mark.slow)
    for scene in SCENES
]


def told(scene: Scene, **figures: object) -> None:
    """Keep the figures for docs/reliability.md, where somebody asks for them."""
    if place := os.environ.get("POWERCUT_REPORT"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"command": scene.name, **figures}) + "\n")


@pytest.mark.parametrize("scene", PARAMS)
def test_a_cut_or_a_kill_at_any_moment_loses_nothing(tmp_path: Path, scene: Scene) -> None:
    place = tmp_path / "world"
    place.mkdir()
    args = scene.ready(place)
    home = place / scene.who
    before = facts(home)
    command = [sys.executable, "-m", "skillclaw", *args]
    with ExitStack() as held:
        if scene.held:  # as `up` does: who closes the file last flushes all of it
            db = held.enter_context(closing(sqlite3.connect(home / ".skillclaw" / "sessions.db")))
            db.execute("SELECT count(*) FROM sessions").fetchone()
        recording = Recording.of(place, command, environment(home))
    assert recording.done is not None and recording.done.returncode == 0, recording.done
    after = facts(home)
    beside = {path: path.read_bytes() for path in place.glob("*.skillclaw")}
    found: Counter[str] = Counter()
    tried = Counter({"cut": 0, "killed": 0})
    most = times(scene.states)
    for state in (*recording.states(seed(), most), *recording.kills(seed(), max(1, most // 4))):
        tried["killed" if state.kill else "cut"] += 1
        put(state, place)
        wrong = problems(home, before, after, over=state.over)
        for path, whole in beside.items():
            if (path.exists() and path.read_bytes() != whole) or (state.over and not path.exists()):
                wrong.append(f"{path.name} is not whole")
        wrong += again(home, *(scene.again or args))
        found.update(f"{state.label}: {problem}" for problem in wrong)
    told(
        scene,
        changes=len(recording.disk.changes),
        flushes=len(recording.disk.syncs),
        **tried,
        wrong=len(found),
    )
    assert not found, "\n".join(list(found)[:20])
    assert tried["cut"] >= min(most, 3)
