"""The gate to a model: what passes, whole; what the agent sees of an upstream that is not kind."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from skillclaw.headless import Endpoint
from skillclaw.headless.gateway import Gate, Way, gateway
from skillclaw.headless.keyholder import key_holder

KEY = "sk-" + "GateKeyOfSomebody" * 2


class _Odd(BaseHTTPRequestHandler):
    """Does what the request's field `odd` says; tells how many bytes came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        odd = json.loads(body).get("odd")
        self.server.seen.append(self.headers["authorization"])  # type: ignore[attr-defined]
        shown = {"bytes": len(body), "headers": dict(self.headers), "path": self.path}
        status, data = 200, json.dumps(shown).encode()
        if odd == "echo key":
            status, data = 401, f"who is {self.headers['authorization']}?".encode()
        elif odd == "redirect":
            status = 302
        self.send_response(status)
        self.send_header("location", "http://127.0.0.1:9/elsewhere")
        self.send_header("set-cookie", "a=b")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def odd() -> Iterator[tuple[str, list[str]]]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    server.seen = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.seen
    finally:
        server.shutdown()
        server.server_close()


class Free:
    """A meter without a limit that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None, int | None]] = []
        self.enough = ""

    def begin(self, size: int, most: int) -> str:
        return self.enough

    def end(self, size: int, tokens_in: int | None, tokens_out: int | None) -> None:
        self.told.append((size, tokens_in, tokens_out))


def post(gate: Gate, body: Any, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, str, Any]:
    """One request through the socket: status, body, headers."""
    connection = http.client.HTTPConnection("gate", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(gate.socket))
    given = {"authorization": f"Bearer {gate.token}", **headers}
    connection.request("POST", path, json.dumps(body), given)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def test_what_passes_is_whole_and_has_the_credential_of_the_way(tmp_path: Path) -> None:
    meter = Free()
    with odd() as (url, seen):
        way = Way(base_url=url, speech="chat", headers=(("Authorization", f"Bearer {KEY}"),), own="X-Own")
        with gateway(way, tmp_path, "hermes", "mine", meter) as gate:
            assert gate.socket.stat().st_mode & 0o777 == 0o600
            messages = [{"role": "user", "content": "x" * 3_000_000}]
            status, text, _ = post(gate, {"messages": messages}, cookie="c=d", **{"x-own": "forged"})
            told = json.loads(text)
            assert (status, told["path"]) == (200, "/v1/chat/completions")
            assert told["bytes"] > 3_000_000
            sent = {name.lower(): value for name, value in told["headers"].items()}
            assert seen[0] == f"Bearer {KEY}"
            assert sent["authorization"] == "Bearer ***", "an upstream that tells what it got tells no key"
            assert "cookie" not in sent
            assert gate.token not in text

            status, text, headers = post(gate, {"odd": "echo key"})
            assert (status, text) == (401, "who is Bearer ***?")
            assert "set-cookie" not in {name.lower() for name in headers}
            assert meter.told[-1] == (0, 0, 0), "what was refused costs nothing"
            assert post(gate, {"odd": "redirect"})[0] == 302, "it is passed on, and not followed"

            assert post(gate, {}, authorization="Bearer wrong")[0] == 401
            assert post(gate, {}, path="/v1/responses")[0] == 404
            assert post(gate, {}, path="/v1/../admin")[0] == 404
            meter.enough = "3 requests"
            assert post(gate, {})[0] == 403
            assert KEY not in str([(one.request_headers, one.response_body) for one in gate.exchanges])
    assert not gate.socket.exists()
    assert KEY not in repr(way)


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    way = Way(base_url="http://127.0.0.1:9/v1", speech="chat", headers=(("Authorization", KEY),))
    with gateway(way, tmp_path, "hermes", "mine", Free()) as gate:
        status, text, _ = post(gate, {})
    assert status == 502
    assert "could not be reached" in text
    assert KEY not in text


def test_the_benchmarks_key_holder_passes_large_requests_whole() -> None:
    with odd() as (url, _), key_holder(Endpoint(base_url=url, model="m", key=KEY)) as endpoint:
        body = json.dumps({"messages": "x" * 2_000_000}).encode()
        request = urllib.request.Request(f"{endpoint.base_url}/chat/completions", body)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            assert json.loads(answer.read())["bytes"] == len(body)
