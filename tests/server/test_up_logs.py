"""Logs of `up` for machines and for people: the fields of those of `serve`, and nothing of what was read."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli import ok, ok_json, skillclaw
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.log_format import JsonFormatter, as_text, parsed
from skillclaw.server.deep.running import logs
from skillclaw.server.machine import Machine
from skillclaw.server.up.daemon import Daemon
from skillclaw.server.up.runfile import Running


def wait_for_line(path: Path, word: str) -> dict[str, object]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            if word in line:
                return dict(json.loads(line))
        time.sleep(0.1)
    raise AssertionError(f"no {word!r} in {path}")


@pytest.mark.slow
def test_json_lines_of_up_and_its_proxy_are_read_by_logs(tmp_path: Path) -> None:
    own = tmp_path / ".skillclaw"
    (own / "logs").mkdir(mode=0o700, parents=True)
    (own / "logs" / "proxy.log").write_bytes(b"old\n" * 1_250_001)
    state = ok_json("up", "-d", "--port", "0", "--log-format", "json", home=tmp_path)
    try:
        first = wait_for_line(own / "logs" / "up.log", "process")
        assert set(first) == {"time", "level", "event", "port", "process", "version"}
        assert (first["level"], first["port"], first["process"]) == ("info", state["port"], state["pid"])
        (own / "run" / "proxy.json").write_text("{")
        line = wait_for_line(own / "logs" / "proxy.log", "is not a proxy configuration")
        assert (line["level"], set(line)) == ("error", {"time", "level", "event"})
        assert (own / "logs" / "proxy.log.1").stat().st_size > 5_000_000, "the old one is kept beside"
        assert ok("status", "--ready", home=tmp_path) == "Ready.\n"
        (own / "journal").rename(own / "away")
        (own / "journal").write_text("")
        time.sleep(0.3)  # so long an answer holds
        told = skillclaw("status", "--ready", "--json", home=tmp_path)
        assert told.returncode == 1 and "Not a directory" in json.loads(told.stdout)["checks"]["journal"]
        (own / "journal").unlink()
    finally:
        ok("stop", home=tmp_path)
    told = skillclaw("status", "--ready", home=tmp_path)
    assert (told.returncode, told.stdout) == (1, "Not ready.\nup: It does not run: skillclaw up -d.\n")
    assert "process=" in ok("logs", home=tmp_path) and "INFO down" in ok("logs", home=tmp_path)
    assert '{"' not in ok("logs", home=tmp_path)
    assert json.loads(ok_json("logs", home=tmp_path)["lines"][-1])["event"] == "down"
    assert "is not a proxy configuration" in ok("logs", "proxy", home=tmp_path)
    assert '"event"' not in (own / "logs" / "up.out").read_text(), "in the background nobody reads them there"


def test_doctor_counts_them_by_level_and_kind(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    lines = [
        {"time": "t", "level": "info", "event": "ValueError"},
        {"time": "t", "level": "error", "event": "x", "places": "  File y\nStorageError\nafter OSError"},
        {"time": "t", "level": "warning", "event": "sk-live-1"},
    ]
    (tmp_path / "logs" / "serve.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (one,) = logs(tmp_path)
    assert one.text == "1 error, 1 warning; kinds: OSError 1, StorageError 1"


def test_each_log_that_doctor_names_is_one_that_logs_shows(tmp_path: Path) -> None:
    folder = tmp_path / ".skillclaw" / "logs"
    folder.mkdir(mode=0o700, parents=True)
    for name in ("up", "proxy", "evolve", "serve", "dashboard", "votes"):
        (folder / f"{name}.log").write_text(f"2026-01-01 00:00:00,000 ERROR {name} failed\n")
    found = logs(folder.parent)
    assert len(found) == 6
    for one in found:
        assert " failed" in ok(*one.mend.split()[1:], home=tmp_path)


@pytest.mark.slow
def test_in_the_foreground_they_are_on_standard_error_too_from_the_level_that_is_set(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "HOME": str(tmp_path),
        "SKILLCLAW_HOME": str(tmp_path / "s"),
        "SKILLCLAW_USER": "u",
    }
    for key, value in (("log.level", "error"), ("dashboard.enabled", "false")):
        ok("config", "set", key, value, home=tmp_path, environ={"SKILLCLAW_HOME": str(tmp_path / "s")})
    for more, told in ((["--log-level", "info"], ["up", "down"]), ([], [])):
        process = subprocess.Popen(
            [sys.executable, "-m", "skillclaw", "up", "--json", "--port", "0", "--log-format", "json", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )
        assert process.stdout is not None
        while line := process.stdout.readline():
            if line.startswith("}"):
                break
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert [json.loads(line)["event"].partition(":")[0] for line in said.splitlines()] == told


def test_a_word_that_is_none_is_told(tmp_path: Path) -> None:
    for option, known in (("--log-format", "text, json"), ("--log-level", "debug, info, warning, error")):
        for command in ("up", "serve"):
            told = skillclaw(command, option, "xml", home=tmp_path)
            assert told.returncode == 2 and known in told.stderr, told.stderr


def test_what_an_unexpected_error_says_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`ValueError: invalid literal ...: '<a piece of a session>'` stays with `status`, which only you see."""
    daemon = Daemon(Machine(tmp_path / "s"))
    daemon.machine.prepare()
    daemon._running = Running(pid=1, created=0.0, port=0, started="", version="", agreed=False)

    def part() -> bool:
        return bool(int("-".join(("sk", "live", "0123456789"))))

    with caplog.at_level(logging.INFO, "skillclaw"):
        daemon._try("follow", part)
    told = [JsonFormatter().format(record) for record in caplog.records]
    assert any('"part": "follow"' in line and "ValueError" in line for line in told)
    assert not any("sk-live" in line for line in told)
    assert "sk-live" in daemon._running.errors["follow"]


@settings(max_examples=examples(40))
@given(st.text(), st.dictionaries(st.sampled_from(["hub", "seconds"]), st.text() | st.integers()))
def test_one_event_is_one_line_and_reads_back(event: str, facts: dict[str, object]) -> None:
    record = logging.LogRecord("skillclaw", logging.WARNING, "", 0, "%s", (event,), None)
    record.facts = facts
    line = JsonFormatter().format(record)
    assert "\n" not in line and "\r" not in line
    told = parsed(line)
    assert told is not None and told.pop("time").endswith("Z")
    assert told == {"level": "warning", "event": event, **facts}
    assert f" WARNING {event}" in as_text(line)


@settings(max_examples=examples(40))
@given(st.text() | st.text().map(lambda text: "{" + text) | st.just("{" * 100_000))
def test_other_lines_stay_as_they_are(line: str) -> None:
    if parsed(line) is None:
        assert as_text(line) == line
