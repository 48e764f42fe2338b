"""A relay between a client and its storage (HTTP on loopback) that does to requests what networks do.

It passes each request on as it came, signature and all, except where a fault of its list says otherwise. It
writes down what passed, with the bytes on the wire.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the storage said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Fault:
    """`does` to the next `count` requests with this method whose path and query have `where` in them.

    What it can do:
    refuse   answer `status` with an S3 error `code`, the request not passed on
    fail     the same, after the storage has done it
    reset    break the connection, the request not passed on
    drop     the same, after the storage has done it
    hang     say nothing for `seconds`, then break the connection
    slow     pass it on after `seconds`
    late     answer at once with 500, and pass it on after `seconds` or at `settle`: stuck on its way
    twice    pass it on twice, answer with the second answer
    torn     send half of the body and break the connection
    short    send half of the body as if it were all
    wrong    flip a bit of the body
    stale    answer 404 NoSuchKey
    lost     leave the last key out of a list
    blank    leave all keys out of a list
    double   have each key of a list in it twice
    lie      say that it is done, and do nothing
    portal   answer with the page of a network that wants a login first
    skew     say that the clocks are too far apart
    """

    does: str
    method: str = ""
    where: str = ""
    count: int = 1
    status: int = 500
    code: str = "InternalError"
    seconds: float = 0.0
    skip: int = 0


@dataclass
class Passed:
    """One request that came by, the bytes of it and of its answer on the wire, and what was done to it."""

    method: str
    path: str
    status: int
    sent: int
    received: int
    at: float
    fault: str = ""


@dataclass
class Faults:
    """A running relay."""

    upstream: int
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: list[threading.Thread] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    watch: Callable[[str, str, str], None] = lambda when, method, path: None
    """Told of each request `before` it is passed on, and `after`, when its answer is not on the way yet."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, *faults: Fault) -> None:
        """These from now on, the first that fits."""
        with self.lock:
            self.faults[:] = list(faults)

    def take(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method in ("", method) and re.search(fault.where, path):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    if fault.count:
                        fault.count -= 1
                        return fault
        return None

    def settle(self) -> None:
        """Let go of the requests that are late, and wait for them."""
        self.released.set()
        for thread in list(self.running):
            thread.join(30)


@contextmanager
def faulty(upstream: int) -> Iterator[Faults]:
    """A relay to the storage on loopback's port `upstream`."""
    relay = Faults(upstream)
    handler = type("Handler", (_Handler,), {"relay": relay})
    server = _Server(("127.0.0.1", 0), handler)
    relay.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        relay.settle()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    relay: Faults
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.relay.watch("before", self.command, self.path)
        fault = self.relay.take(self.command, self.path) or Fault("")
        done = getattr(self, f"do_{fault.does}", None) if fault.does else None
        answer: Answer | None
        if done is None:
            answer = self.passed_on(body)
            if fault.does in _CHANGES:
                answer = _CHANGES[fault.does](answer)
        else:
            answer = done(fault, body)
        head = len(self.raw_requestline) + sum(len(k) + len(v) + 4 for k, v in self.headers.items()) + 2
        data = b"" if answer is None else self.framed(answer, half=fault.does == "torn")
        status = answer.status if answer is not None else 0
        with self.relay.lock:
            now = time.monotonic()
            passed = Passed(self.command, self.path, status, head + len(body), len(data), now, fault.does)
            self.relay.passed.append(passed)
        self.relay.watch("after", self.command, self.path)
        self.wfile.write(data)
        if answer is None:
            self.cut()
        elif fault.does == "torn":
            self.close_connection = True

    def do_GET(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def do_DELETE(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_HEAD(self) -> None:
        self.serve()

    def do_refuse(self, fault: Fault, _: bytes) -> Answer:
        return _error(fault)

    def do_fail(self, fault: Fault, body: bytes) -> Answer:
        self.passed_on(body)
        return _error(fault)

    def do_reset(self, _: Fault, __: bytes) -> None:
        return None

    def do_drop(self, _: Fault, body: bytes) -> None:
        self.passed_on(body)

    def do_hang(self, fault: Fault, _: bytes) -> None:
        time.sleep(fault.seconds)

    def do_slow(self, fault: Fault, body: bytes) -> Answer:
        time.sleep(fault.seconds)
        return self.passed_on(body)

    def do_late(self, fault: Fault, body: bytes) -> Answer:
        # the handler goes on to the connection's next request meanwhile
        command, path, headers = self.command, self.path, list(self.headers.items())

        def later() -> None:
            self.relay.released.wait(fault.seconds)
            _pass(self.relay.upstream, command, path, headers, body)

        thread = threading.Thread(target=later, daemon=True)
        self.relay.running.append(thread)
        thread.start()
        return _error(fault)

    def do_twice(self, _: Fault, body: bytes) -> Answer:
        self.passed_on(body)
        return self.passed_on(body)

    def do_lie(self, _: Fault, body: bytes) -> Answer:
        if self.command not in ("PUT", "DELETE"):
            return self.passed_on(body)
        return Answer(200 if self.command == "PUT" else 204, [("ETag", _etag(body))], b"")

    def do_portal(self, _: Fault, __: bytes) -> Answer:
        return Answer(200, [("Content-Type", "text/html")], PORTAL)

    def do_skew(self, _: Fault, __: bytes) -> Answer:
        return _error(Fault("", status=403, code="RequestTimeTooSkewed"))

    def do_stale(self, _: Fault, __: bytes) -> Answer:
        return _error(Fault("", status=404, code="NoSuchKey"))

    def passed_on(self, body: bytes) -> Answer:
        return _pass(self.relay.upstream, self.command, self.path, list(self.headers.items()), body)

    def framed(self, answer: Answer, *, half: bool) -> bytes:
        headers = [
            (k, v)
            for k, v in answer.headers
            if k.lower() not in ("content-length", "transfer-encoding", "connection")
        ]
        if answer.status != 204:
            length = len(answer.body)
            if self.command == "HEAD":
                length = int(next((v for k, v in answer.headers if k.lower() == "content-length"), 0))
            headers.append(("Content-Length", str(length)))
        reason = http.client.responses.get(answer.status, "")
        head = "".join(f"{k}: {v}\r\n" for k, v in headers)
        data = f"HTTP/1.1 {answer.status} {reason}\r\n{head}\r\n".encode()
        if self.command != "HEAD":
            data += answer.body[: len(answer.body) // 2] if half else answer.body
        return data

    def cut(self) -> None:
        """Break the connection so that the client sees a reset, not an end."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *args: object) -> None:
        """Quiet."""


def _pass(port: int, command: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        # Host is signed, so it goes on as it came
        connection.putrequest(command, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in ("connection", "expect"):
                connection.putheader(name, value)
        connection.endheaders(body if body or command in ("PUT", "POST") else None)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def _error(fault: Fault) -> Answer:
    body = f"<Error><Code>{fault.code}</Code><Message>Injected.</Message></Error>"
    return Answer(fault.status, [("Content-Type", "application/xml")], body.encode())


def _short(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def _wrong(answer: Answer) -> Answer:
    if answer.status != 200 or not answer.body:
        return answer
    middle = len(answer.body) // 2
    body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
    return Answer(answer.status, answer.headers, body)


def _lost(answer: Answer) -> Answer:
    rows = list(_ROWS.finditer(answer.body))
    if not rows:
        return answer
    return Answer(
        answer.status, answer.headers, answer.body[: rows[-1].start()] + answer.body[rows[-1].end() :]
    )


def _blank(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, _ROWS.sub(b"", answer.body))


def _double(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, _ROWS.sub(rb"\g<0>\g<0>", answer.body))


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


_ROWS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
PORTAL = b"<!doctype html><html><title>Log in</title><p>Welcome to the hotel.</p></html>"
_CHANGES: dict[str, Callable[[Answer], Answer]] = {
    "short": _short,
    "wrong": _wrong,
    "lost": _lost,
    "blank": _blank,
    "double": _double,
    "torn": lambda answer: answer,
}
