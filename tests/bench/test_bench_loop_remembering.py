"""The model is asked nothing twice: over real HTTP, and again after a stop in the middle of a line."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from skillclaw.bench.loop.remembering import remembering
from skillclaw.headless.agents import Endpoint


class Model(BaseHTTPRequestHandler):
    """Counts, and says how often it was asked; refuses the word `broken`. It notes the keys it got."""

    asked = 0
    keys: list[str | None] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        Model.asked += 1
        Model.keys.append(self.headers.get("authorization"))
        data = json.dumps({"asked": Model.asked}).encode()
        self.send_response(500 if b"broken" in body else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[Endpoint]:
    Model.asked, Model.keys = 0, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Endpoint(base_url=f"http://127.0.0.1:{server.server_port}/v1", model="m", key="secret-key")
    server.shutdown()
    server.server_close()
    thread.join()


def ask(base: str, said: str) -> tuple[int, int]:
    """The status, and how often the model had been asked when it answered so."""
    request = urllib.request.Request(f"{base}/chat/completions", data=said.encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)["asked"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["asked"]


def test_the_same_question_is_answered_from_the_file(model: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    with remembering(model, file) as known:
        assert [ask(known.base_url, said) for said in ("one", "two", "one")] == [(200, 1), (200, 2), (200, 1)]
        assert known.key == "" and set(Model.keys) == {"Bearer secret-key"}
    file.write_bytes(file.read_bytes() + b'{"key": "torn')
    with remembering(model, file) as known:
        assert ask(known.base_url, "two") == (200, 2)
        assert ask(known.base_url, "three") == (200, 3)
    with remembering(model, file) as known:
        assert ask(known.base_url, "three") == (200, 3)
    assert b"secret-key" not in file.read_bytes()


def test_what_failed_is_asked_again(model: Endpoint, tmp_path: Path) -> None:
    with remembering(model, tmp_path / "answers.jsonl") as known:
        assert [ask(known.base_url, "broken") for _ in range(2)] == [(500, 1), (500, 2)]


def test_a_model_that_is_gone_is_an_error_of_its_server(tmp_path: Path) -> None:
    gone = Endpoint(base_url="http://127.0.0.1:9/v1", model="m")
    request_error = pytest.raises(urllib.error.HTTPError, match="502")
    with remembering(gone, tmp_path / "answers.jsonl") as known, request_error:
        urllib.request.urlopen(f"{known.base_url}/models", timeout=20)
