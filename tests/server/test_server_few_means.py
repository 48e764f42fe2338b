"""Little memory, few files: what a command and the server then say, and that nothing waits for ever."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from broken_disk import LIMITED
from cli import ok
from hubs_at_hand import Hubs, bundle

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS does not limit memory, Windows has no ulimit"
)


def limited(home: Path, which: int, number: int, *args: str) -> subprocess.CompletedProcess[str]:
    """A command that may have so much of `which` (RLIMIT_..) from where it begins, for a minute at most."""
    around = {"HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw"), "PATH": os.environ["PATH"]}
    argv = [sys.executable, "-c", LIMITED.format({which: number}), *args]
    return subprocess.run(argv, env=around, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("mib", [44, 50, 56, 60, 80, 150])
def test_a_server_without_memory_ends_and_says_why(tmp_path: Path, mib: int) -> None:
    """It waited for ever: for a cycle that nobody heard, and for a look that nobody took."""
    ok("hub", "init", str(tmp_path / "group"), "--name", "team", "--evolver", home=tmp_path)
    done = limited(tmp_path, resource.RLIMIT_AS, mib << 20, "serve", "--once")
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert any(words in told for words in ("not enough memory", "new thread", "Cannot allocate")), told
    assert ok("serve", "--once", home=tmp_path)


def test_doctor_has_nobody_mend_what_only_could_not_be_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "past.jsonl", [session("", 1, "Test it.", [Ran("npm test", 0, "ok")])])
    ok("import", str(path), home=tmp_path)
    ok("hub", "init", str(tmp_path / "group"), "--name", "team", "--evolver", home=tmp_path)
    seen = set()
    for files in range(4, 10):
        done = limited(tmp_path, resource.RLIMIT_NOFILE, files, "doctor", "--deep", "--json")
        if not done.stdout:
            assert "Too many open files" in done.stderr, "it could not even begin"
            continue
        wrong = [one for one in json.loads(done.stdout)["checks"] if one["level"] == "fail"]
        assert all("ulimit -n" in one["mend"] for one in wrong), wrong
        seen |= {one["subject"] for one in wrong}
    assert "sessions.db" in seen


@pytest.mark.parametrize("command", ["archive", "rollback"])
def test_with_too_few_files_a_decision_is_made_and_told_or_not_made(tmp_path: Path, command: str) -> None:
    hubs = Hubs(tmp_path)
    hubs.release(hubs.machine.hub, bundle("deploy", "- Do it."))
    hubs.sync()
    for files in range(4, 20):
        done = limited(hubs.home, resource.RLIMIT_NOFILE, files, "skills", command, "deploy")
        assert "Traceback" not in done.stderr, done.stderr
        decided = hubs.machine.hub.state().skills["deploy"].current is None
        assert decided == ("deploy is" in done.stdout + done.stderr), (files, done)
        if decided:
            return
    pytest.fail("it was never done")


def test_a_skill_that_could_not_be_looked_for_is_told_with_the_cause(tmp_path: Path) -> None:
    hubs = Hubs(tmp_path)
    hubs.admit()
    hubs.release(hubs.machine.hub, bundle("deploy", "- Do it."))
    entry = next((hubs.home / ".skillclaw" / "hub" / "log").glob("*1.json"))
    entry.write_text("{")
    done = limited(hubs.home, resource.RLIMIT_NOFILE, 100, "skills", "pin", "deploy")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and "There is no skill named 'deploy'" in lines[0], done.stderr
    assert "Not looked into: " in lines[1] and len(lines) <= 3
    assert "skills list" not in lines[2], "what to do is of the hub that could not be read"
