"""Two of SkillClaw in one home: started in the same instant, beside each other, and after one that died.

`FAULT_ROUNDS` says how often two are started at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from atif_sessions import Ran, session, write
from attacks import ANSWER, provider, request, say, status, up
from cli import ok, ok_json, skillclaw

from skillclaw.server.up import runfile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def begun(home: Path, *args: str) -> subprocess.Popen[str]:
    env = {**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")}
    argv = [sys.executable, "-m", "skillclaw", *args]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def two_at_once(home: Path, rounds: int) -> None:
    for number in range(rounds):
        both = [begun(home, "up", "--json", "--port", "0") for _ in range(2)]
        end = time.monotonic() + 60
        while all(one.poll() is None for one in both) and time.monotonic() < end:
            time.sleep(0.05)
        loser = next(one for one in both if one.poll() is not None)
        winner = next(one for one in both if one is not loser)
        _, said = loser.communicate()
        assert loser.returncode == 1, (number, said)
        assert said.startswith("error: ") and len(said.strip().splitlines()) <= 3, said
        assert "runs already" in said or "is at work" in said, said
        assert winner.stdout is not None
        told = json.loads("".join(iter(winner.stdout.readline, "}\n")) + "}")
        assert told["pid"] == winner.pid
        now = ok_json("status", home=home)
        assert (now["running"], now["pid"], now["port"]) == (True, winner.pid, told["port"])
        stopping = begun(home, "stop")  # which waits until this process has seen the end of its child
        winner.communicate(timeout=60)
        assert winner.returncode == 0
        stopping.communicate(timeout=60)
        assert not ok_json("status", home=home)["running"]


@pytest.mark.e2e
def test_of_two_that_start_at_once_one_runs(tmp_path: Path) -> None:
    two_at_once(tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_two_that_start_at_once_one_runs_many_times(tmp_path: Path) -> None:
    two_at_once(tmp_path, ROUNDS)


@pytest.mark.e2e
def test_what_died_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    with provider(ANSWER) as (url, _):
        with up(tmp_path, url):
            pid = ok_json("status", home=tmp_path)["pid"]
            os.kill(pid, signal.SIGKILL)
            psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 10)
            again = ok_json("up", "-d", "--port", "0", home=tmp_path)
            sent = request("POST /generic/v1/x HTTP/1.1", body=b"{}")
            assert status(say(again["port"], sent)) == 200
        # its number is another process's by now
        run = tmp_path / ".skillclaw" / "run"
        left = runfile.Running(
            pid=os.getpid(),
            created=runfile.born(os.getpid()) - 77,
            port=1,
            started="",
            version="",
            agreed=True,
        )
        runfile.write_running(tmp_path / ".skillclaw", left)
        (run / "stop").touch()
        (run / "up.lock").write_text("12345", "utf-8")
        (run / "evolve.lock").write_text("12345", "utf-8")
        assert not ok_json("status", home=tmp_path)["running"]
        with up(tmp_path, url) as port:
            assert status(say(port, sent)) == 200
            ok("evolve", home=tmp_path)


@pytest.mark.e2e
def test_beside_up_there_is_room_for_commands_and_for_a_server(tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl", [session("ada", n, "run the tests of this project", FIX) for n in range(5)])
    ok("hub", "init", str(tmp_path / "group"), "--name", "team", "--evolver", home=tmp_path)
    with provider(ANSWER) as (url, _), up(tmp_path, url) as port:
        ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
        all_ = [begun(tmp_path, "evolve"), begun(tmp_path, "evolve"), begun(tmp_path, "serve", "--once")]
        ended = [(one.communicate(timeout=100), one.returncode) for one in all_]
        for (_, said), code in ended[:2]:
            assert code == 0 or ("is at work" in said and "Traceback" not in said), said
        assert 0 in (ended[0][1], ended[1][1])
        assert ended[2][1] == 0, ended[2]
        assert status(say(port, request("POST /generic/v1/x HTTP/1.1", body=b"{}"))) == 200
        assert len(ok_json("skills", "list", home=tmp_path)) == 1
        ok("hub", "verify", home=tmp_path)
        ok("hub", "verify", "--hub", "team", home=tmp_path)
    assert skillclaw("status", home=tmp_path).returncode == 0
