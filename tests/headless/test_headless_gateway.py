"""The gate to a model: what passes, whole; what the agent sees of an upstream that is not kind."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from skillclaw.headless import Endpoint
from skillclaw.headless.gateway import Gate, Way, gateway
from skillclaw.headless.keyholder import key_holder

KEY = "sk-" + "GateKeyOfSomebody" * 2


class _Odd(BaseHTTPRequestHandler):
    """Does what the request's field `stop` says; tells how many bytes came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        odd = None if self.headers["content-encoding"] else json.loads(body).get("stop")
        self.server.seen.append(self.headers["authorization"])  # type: ignore[attr-defined]
        shown = {"bytes": len(body), "headers": dict(self.headers), "path": self.path}
        status, data = 200, json.dumps(shown).encode()
        if odd == "echo key":
            status, data = 401, f"who is {self.headers['authorization']}?".encode()
        elif odd == "redirect":
            status = 302
        if odd == "cut key":
            self.send_response(200)
            self.end_headers()
            key = self.headers["authorization"].encode()
            for piece in (b"is it ", key[:20], key[20:], b" or ", key[:12]):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)
            return
        if odd == "short":
            self.send_response(200)
            self.send_header("content-length", "4000")
            self.end_headers()
            self.wfile.write(b'{"choices":')
            return
        if odd == "slow":
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for _ in range(400):
                self.wfile.write(b'data: {"choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n')
                self.wfile.flush()
                time.sleep(0.01)
            return
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

            status, text, headers = post(gate, {"stop": "echo key"})
            assert (status, text) == (401, "who is Bearer ***?")
            assert "set-cookie" not in {name.lower() for name in headers}
            assert meter.told[-1] == (0, 0, 0), "what was refused costs nothing"
            assert post(gate, {"stop": "redirect"})[0] == 302, "it is passed on, and not followed"

            assert post(gate, {}, authorization="Bearer wrong")[0] == 401
            assert post(gate, {}, path="/v1/responses")[0] == 404
            assert post(gate, {}, path="/v1/../admin")[0] == 404
            meter.enough = "3 requests"
            assert post(gate, {})[0] == 403
            assert KEY not in str([(one.request_headers, one.response_body) for one in gate.exchanges])
    assert not gate.socket.exists()
    assert KEY not in repr(way)


def test_a_credential_that_comes_in_two_pieces_is_hidden_too(tmp_path: Path) -> None:
    with odd() as (url, _):
        way = Way(base_url=url, speech="chat", headers=(("Authorization", f"Bearer {KEY}"),))
        with gateway(way, tmp_path, "hermes", "mine", Free()) as gate:
            text = post(gate, {"stop": "cut key"})[1]
            assert text == f"is it Bearer *** or Bearer {KEY[:5]}"
            assert KEY.encode() not in gate.exchanges[0].response_body


def plain_gate(url: str, folder: Path, meter: Free) -> AbstractContextManager[Gate]:
    return gateway(Way(base_url=url, speech="chat"), folder, "hermes", "m", meter)


def test_headers_that_lead_a_gateway_elsewhere_do_not_pass(tmp_path: Path) -> None:
    with (
        odd() as (url, _),
        gateway(Way(base_url=url, speech="chat"), tmp_path, "hermes", "m", Free()) as gate,
    ):
        forged = {
            "helicone-target-url": "https://example.org",
            "x-portkey-custom-host": "https://example.org",
            "openai-organization": "other",
            "anthropic-version": "2023-06-01",
        }
        told = json.loads(post(gate, {}, **forged)[1])
        sent = {name.lower() for name in told["headers"]}
        assert sent & forged.keys() == {"anthropic-version"}


def test_an_answer_that_the_agent_leaves_before_its_count_is_paid_for(tmp_path: Path) -> None:
    meter = Free()
    with odd() as (url, _), plain_gate(url, tmp_path, meter) as gate:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.connect(str(gate.socket))
            body = json.dumps({"stop": "slow", "max_tokens": 700}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-api-key: {gate.token}\r\n"
            left.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            assert left.recv(10)
        until = time.monotonic() + 10
        while not meter.told and time.monotonic() < until:
            time.sleep(0.01)
        [(size, _, tokens_out)] = meter.told
        assert (size > 0, tokens_out) == (True, 700)


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


def test_the_benchmarks_key_holder_passes_nothing_beside_the_api() -> None:
    with odd() as (url, seen), key_holder(Endpoint(base_url=url, model="m", key=KEY)) as endpoint:
        parts = urlsplit(endpoint.base_url)
        base = parts.path.removesuffix("/v1")
        beside = [
            f"{base}/{path}" for path in ("v1/../admin", "v1/%2e%2e/admin", "v1/./%2E%2E/keys", "admin")
        ]
        for path in (*beside, "/v1/chat/completions", "/x/v1/chat/completions"):
            client = http.client.HTTPConnection(parts.netloc, timeout=20)
            client.request("POST", path, b"{}")
            assert client.getresponse().status == 404, path
            client.close()
        assert seen == []


def test_an_answer_that_breaks_off_does_not_look_whole() -> None:
    with odd() as (url, _), key_holder(Endpoint(base_url=url, model="m", key=KEY)) as endpoint:
        parts = urlsplit(endpoint.base_url)
        client = http.client.HTTPConnection(parts.netloc, timeout=20)
        client.request("POST", f"{parts.path}/chat/completions", json.dumps({"stop": "short"}))
        answer = client.getresponse()
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
        assert broken.value.partial == b'{"choices":'


def test_a_packed_request_stays_packed() -> None:
    with odd() as (url, _), key_holder(Endpoint(base_url=url, model="m", key=KEY)) as endpoint:
        parts = urlsplit(endpoint.base_url)
        packed = gzip.compress(b"{}")
        client = http.client.HTTPConnection(parts.netloc, timeout=20)
        client.request("POST", f"{parts.path}/packed", packed, {"content-encoding": "gzip"})
        assert json.loads(client.getresponse().read())["bytes"] == len(packed)


@pytest.mark.parametrize(
    ("stop", "said"), [("echo key", "who is Bearer ***?"), ("cut key", "is it Bearer *** or ")]
)
def test_the_benchmarks_key_holder_tells_no_key_that_the_server_repeats(stop: str, said: str) -> None:
    with odd() as (url, _), key_holder(Endpoint(base_url=url, model="m", key=KEY)) as endpoint:
        parts = urlsplit(endpoint.base_url)
        client = http.client.HTTPConnection(parts.netloc, timeout=20)
        client.request("POST", f"{parts.path}/chat/completions", json.dumps({"stop": stop}))
        text = client.getresponse().read().decode()
    assert text.startswith(said)
    assert KEY not in text
