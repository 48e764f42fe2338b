"""A replay that is killed or interrupted: no process, no folder stays, and the next one clears up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_model import ChatModel, call
from replay_house import write_case

from skillclaw.evolve.replay.executable_rooms import workroom
from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=why_no_room())
REPLAY = """\
import sys
from pathlib import Path
from replay_house import ledger, minimal, proposal
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.folder_cases import read_cases
cases, _ = read_cases(Path(sys.argv[1]))
executable_scores(proposal("Reports are sealed."), cases, current_skills={}, agent=minimal(sys.argv[2]),
    repeats=1, seed=1, limits=Limits(), ledger=ledger(), home=Path(sys.argv[3]))
"""


def running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        found += [line] if line.startswith(f"sleep {mark}") else []
    return found


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@needs_sandbox
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_replay_that_ends_in_the_middle_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    write_case(tmp_path / "cases", "May")
    mark = f"{7000 + how}.{os.getpid()}"  # no other test of this machine has it
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    temporary.mkdir()
    support = Path(__file__).parent.parent / "support"
    environ = {**os.environ, "TMPDIR": str(temporary)}
    environ["PYTHONPATH"] = os.pathsep.join([str(support), *sys.path])
    with ChatModel(lambda _: call("bash", command=f"sleep {mark} & sleep {mark}")) as model:
        process = subprocess.Popen(
            [sys.executable, "-c", REPLAY, str(tmp_path / "cases"), model.url, str(home)],
            env=environ,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert until(lambda: len(running(mark)) >= 2), "the agent's command runs"
            process.send_signal(how)
            process.wait(60)
        finally:
            process.kill()
            process.wait()
    assert until(lambda: not running(mark)), "its processes end with it"
    assert list(temporary.iterdir()) == []
    left = sorted(path.name for path in (home / "replay").glob("run-*"))
    assert bool(left) == (how == signal.SIGKILL), "what was not killed outright cleared up itself"
    with workroom(home) as folder:
        there = [path.name for path in (home / "replay").iterdir() if path.is_dir()]
        assert there == [folder.name], "the next replay clears up what a killed one left"
        with workroom(home) as other:
            assert folder.is_dir() and other.is_dir(), "one that goes on is left alone"
    assert not list((home / "replay").glob("run-*"))
