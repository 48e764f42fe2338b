"""`skillclaw doctor --deep` where what it looks at is somebody else's, half there, or closed to it."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli import ok, skillclaw

from skillclaw.journal import segment
from skillclaw.server.deep import files, running
from skillclaw.server.machine import Machine
from skillclaw.server.up import runfile

pytestmark = pytest.mark.live

EVIL = (
    "<img src=https://evil.example/t.png>\x1b[2J\n- [ok] all: is well\n@everyone ![x](https://evil.example)"
)


def looked(home: Path, **environ: str) -> dict[str, dict[str, Any]]:
    """The checks of the report by group and subject."""
    done = skillclaw("doctor", "--deep", "--json", home=home, environ=environ)
    assert "evil" not in done.stdout and "Traceback" not in done.stderr, done.stdout + done.stderr
    return {f"{one['group']} {one['subject']}": one for one in json.loads(done.stdout)["checks"]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ok("config", "set", "proxy.port", "18787", home=tmp_path)
    return tmp_path


@pytest.fixture(params=["refused", "dropped", "queue", "journal", "connections", "list"])
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of another program, which answers for the proxy that is gone."""
    said: Any = {
        "refused": {"journal": {}, "connections": {"refused": EVIL}},
        "dropped": {"journal": {"dropped": EVIL, "last_error": "", "queue": 0}},
        "queue": {"journal": {"dropped": 1, "last_error": "x", "queue": EVIL}},
        "journal": {"journal": EVIL},
        "connections": {"journal": {"dropped": 0}, "connections": [EVIL]},
        "list": [EVIL],
    }[request.param]

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Says)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_whoever_answers_on_the_proxy_s_port_says_nothing_in_the_report(home: Path, stranger: int) -> None:
    (home / ".skillclaw/run").mkdir(exist_ok=True)
    pid, created = runfile.pid_of_self()
    told = runfile.Running(pid=pid, created=created, port=stranger, started="", version="", agreed=False)
    runfile.write_running(home / ".skillclaw", told)
    found = looked(home)["running proxy"]
    assert (found["level"], found["text"]) == ("fail", "does not answer on its port as SkillClaw's does")
    assert "evil" not in skillclaw("status", home=home).stdout


@pytest.mark.parametrize("metadata", [None, "", "Name: pynacl\n"])
def test_a_package_that_is_half_installed_takes_no_report_away(
    home: Path, tmp_path: Path, metadata: str | None
) -> None:
    info = tmp_path / "packages" / "pynacl-9.0.dist-info"
    info.mkdir(parents=True)
    if metadata is not None:
        (info / "METADATA").write_text(metadata, "utf-8")
    path = os.pathsep.join([str(info.parent), os.environ.get("PYTHONPATH", "")])
    assert looked(home, PYTHONPATH=path)["settings settings"]["level"] == "ok"


def test_a_lock_that_cannot_be_opened_is_no_process_that_hangs(home: Path) -> None:
    (home / ".skillclaw/run").mkdir(exist_ok=True)
    (home / ".skillclaw/run/up.lock").symlink_to("up.lock")
    found = looked(home)["running locks"]
    assert found["level"] == "fail" and found["text"].startswith("1 cannot be opened")
    assert "process" not in found["mend"]


def test_a_segment_of_a_newer_version_is_not_called_damaged(home: Path) -> None:
    path = segment.path_of(home / ".skillclaw/journal", 1)
    path.parent.mkdir()
    path.write_bytes(segment.MAGIC[:-1] + bytes([segment.MAGIC[-1] + 1]) + b"whole")
    found = looked(home)["data journal"]
    assert found["level"] == "fail" and "1 segments are of a newer format" in found["text"]
    assert "Upgrade" in found["mend"]


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("tokens.json", '{"v": 2, "codex": {}}'),
        ("tokens.json", "{{{"),
        ("votes/book.json", '{"v": 2}'),
        ("model-spending.json", "[1"),
    ],
)
def test_every_file_that_something_stops_at_is_looked_at(home: Path, file: str, data: str) -> None:
    path = home / ".skillclaw" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(data, "utf-8")
    found = looked(home)[f"formats {file}"]
    assert found["level"] == "fail" and found["mend"]


def test_one_hub_hides_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skillclaw.server.deep.hubs import hubs
    from skillclaw.server.sharing import view

    for name in ("one", "two"):
        ok("config", "set", f"hubs.{name}.url", str(home / name), home=home)
    monkeypatch.setattr(view, "open_hub", lambda *_: 1 // 0)
    found = hubs(Machine(home / ".skillclaw", {}))
    assert [one.text for one in found if one.subject.startswith("group")] == [
        "cannot be read (ZeroDivisionError)"
    ] * 2


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_what_is_closed_to_this_user_is_told() -> None:
    """As after a `sudo skillclaw`. Who is root is another user for this look."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        place = Path(name, "home")
        (place / "logs").mkdir(parents=True)
        (place / "votes").mkdir(mode=0o700)
        (place / "logs/up.log").write_text("2026-11-27 10:00:00,000 ERROR no\n", "utf-8")
        other = 65534 if os.getuid() == 0 else os.getuid()
        for path in (place, place / "logs"):
            os.chown(path, other, -1)
            path.chmod(0o700)
        Path(name).chmod(0o711)
        (place / "votes").chmod(0o000)
        (place / "logs/up.log").chmod(0o000)
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if os.getuid() != other:
                    os.setuid(other)
                told = [*files.modes(place), *running.logs(place)]
                os.write(writes, json.dumps([[one.subject, one.level, one.text] for one in told]).encode())
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, encoding="utf-8") as said:
            found = {subject: (level, text) for subject, level, text in json.loads(said.read())}
        os.waitpid(pid, 0)
        (place / "votes").chmod(0o700)
    assert found["folders"] == ("fail", "1 cannot be looked into (PermissionError)")
    assert found["log up"] == ("fail", "cannot be read (PermissionError)")
    if other != os.getuid():
        assert found["owners"] == ("fail", "2 of 4 belong to somebody else")
