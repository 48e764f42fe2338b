"""QwenPaw, as its users have it: the app, talked to by its HTTP API as its own console does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from clients import Person
from live import Client, Live, environ_of, prove, start
from scripted import Seen

CLIENT = Client(name="qwenpaw", version="2.2.2", package="qwenpaw", kind="pip")
SESSION = "1795685165197"


def settings(person: Person, url: str) -> list[Path]:
    start(person, LIVE, ["qwenpaw", "init", "--defaults", "--accept-security"])
    start(person, LIVE, ["qwenpaw", "models", "add-provider", "mine", "-n", "Mine", "-u", f"{url}/v1"])
    start(person, LIVE, ["qwenpaw", "models", "add-model", "mine", "-m", "scripted", "-n", "Scripted"])
    providers = person.home / ".qwenpaw.secret/providers"
    own = providers / "custom/mine.json"
    held = json.loads(own.read_text("utf-8"))
    own.write_text(json.dumps({**held, "api_key": "own-key-0123456789"}), "utf-8")
    chosen = providers / "active_model.json"
    chosen.write_text(json.dumps({"provider_id": "mine", "model": "scripted"}), "utf-8")
    return [chosen]


def run(person: Person, prompt: str, again: bool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (person.home / f"app-{port}.log").open("wb")
    app = subprocess.Popen(
        [str(CLIENT.bin() / "qwenpaw"), "app", "--host", "127.0.0.1", "--port", str(port)],
        cwd=person.project,
        env=environ_of(person, LIVE),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        answer(port, "version", None)
        said = {"role": "user", "type": "message", "content": [{"type": "text", "text": prompt}]}
        body = {
            "input": [said],
            "session_id": SESSION,
            "user_id": "ada",
            "channel": "console",
            "stream": True,
        }
        told = answer(port, "console/chat", body)
        assert "Sorted it is." in told or "Counted: two." in told, told[-2000:]
    finally:
        os.killpg(app.pid, signal.SIGTERM)
        try:
            app.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(app.pid, signal.SIGKILL)
            app.wait()
        log.close()


def answer(port: int, path: str, body: object) -> str:
    """What the app answers, once it is up."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/{path}", data, {"content-type": "application/json"}
    )
    end = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(request, timeout=120) as got:
                return got.read().decode()
        except ConnectionError:
            pass
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
        assert time.monotonic() < end, "the app did not start"
        time.sleep(0.5)


def native(seen: list[Seen]) -> str:
    assert any(f"Session ID: {SESSION}" in one.body.decode() for one in seen)
    return SESSION


LIVE = Live(
    agent="qwenpaw", client=CLIENT, settings=settings, run=run, native=native, skill="invoked_step", placed=""
)


def test_qwenpaw(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
    own = tmp_path / "ada/home/.qwenpaw.secret/providers/custom/mine.json"
    held = json.loads(own.read_text("utf-8"))
    assert "/qwenpaw" not in held["base_url"] and held["api_key"].startswith("ENC:"), held["base_url"]
