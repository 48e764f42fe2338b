"""Upstreams whose TLS does not hold: bad certificates, handshakes that stall or break."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from behind import head_of
from raw_http import Answer, Reader

pytestmark = pytest.mark.live

KEY = b"sk-ant-api03-" + b"not-a-key-" * 4
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LIMIT = 2.0
"""Seconds to reach an upstream."""
STATUS = {"stall": 504}
WORDS = {
    "expired": "expired",
    "strange": "self-signed",
    "other": "localhost",
    "old": "TLS",
    "plain": "TLS cannot be spoken with it",
    "stall": "within 2 s",
    "cut": "",
    "reset": "reset",
}
"""What an upstream does wrong, and what is said of it."""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates: `good`, `expired`, `other` (for another host), `strange` (nobody's)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command makes the test's certificates")
    folder = tmp_path_factory.mktemp("papers")
    for name, host in (("good", "localhost"), ("expired", "localhost"), ("other", "elsewhere.example")):
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n")
    new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    sign = "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial"
    for command in (
        f"req -x509 {new} -days 2 -subj /CN=CA -keyout ca.key -out ca.pem",
        f"req {new} -subj /CN=here -keyout key.pem -out csr",
        f"{sign} -days 2 -extfile good.ext -out good.pem",
        f"{sign} -days -1 -extfile expired.ext -out expired.pem",
        f"{sign} -days 2 -extfile other.ext -out other.pem",
        "req -x509 -key key.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
        "-out strange.pem",
    ):
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


@dataclass
class Servers:
    """Listening sockets by what they do, each with a thread."""

    papers: Path
    listeners: list[socket.socket] = field(default_factory=list)
    held: list[socket.socket] = field(default_factory=list)

    def url(self, name: str) -> str:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listeners.append(listener)
        doing: Callable[[socket.socket], None] = getattr(self, f"_{name}", None) or self._tls(name)

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self._one, args=(doing, sock), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"https://localhost:{listener.getsockname()[1]}"

    def _one(self, doing: Callable[[socket.socket], None], sock: socket.socket) -> None:
        try:
            doing(sock)
        except (OSError, AssertionError):
            sock.close()

    def _tls(self, name: str) -> Callable[[socket.socket], None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        paper = "good" if name == "old" else name
        context.load_cert_chain(self.papers / f"{paper}.pem", self.papers / "key.pem")
        if name == "old":
            context.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning):
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1

        def serve(sock: socket.socket) -> None:
            with context.wrap_socket(sock, server_side=True) as secure:
                while True:
                    head_of(secure)
                    secure.sendall(OK)

        return serve

    def _plain(self, sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def _stall(self, sock: socket.socket) -> None:
        self.held.append(sock)

    def _cut(self, sock: socket.socket) -> None:
        sock.recv(1000)
        sock.close()

    def _reset(self, sock: socket.socket) -> None:
        sock.recv(1000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()


@pytest.fixture
def servers(papers: Path) -> Iterator[Servers]:
    made = Servers(papers)
    yield made
    for sock in (*made.listeners, *made.held):
        sock.close()


def asked(proxy: Any, agent: str, path: bytes = b"v1/messages") -> tuple[Answer, float]:
    began = time.monotonic()
    with proxy.connect(20) as sock:
        sock.sendall(
            b"GET /%b/%b HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %b\r\n\r\n" % (agent.encode(), path, KEY)
        )
        return Reader(sock).answer(), time.monotonic() - began


def test_tls_that_does_not_hold_is_told_and_spoils_nothing(servers: Servers, make_proxy: Any) -> None:
    urls = {name: servers.url(name) for name in ("good", *WORDS)}
    env = {"SSL_CERT_FILE": str(servers.papers / "ca.pem")}
    proxy = make_proxy(urls, env=env, connect_timeout=LIMIT)
    process = psutil.Process(proxy.process.pid)
    assert asked(proxy, "good")[0].body == b"ok"
    files = process.num_fds()
    count = 1
    for name, words in WORDS.items():
        again = 1 if name == "stall" else 5
        for _ in range(again):
            answer, seconds = asked(proxy, name)
            said = json.loads(answer.body)
            assert answer.status == STATUS.get(name, 502), (name, said)
            assert said["type"] == "error" and words in said["error"]["message"], said
            assert KEY.decode() not in answer.body.decode()
            assert seconds < LIMIT + 4
        assert asked(proxy, "good")[0].body == b"ok", name
        count += again + 1
    assert process.num_fds() <= files + 2
    failed = [one for one in proxy.exchanges(count) if not one.complete]
    assert len(failed) == count - 1 - len(WORDS)
    assert all(one.error and (one.status, one.response_body) == (0, b"") for one in failed)
    assert proxy.health()["under_way"] == 0
    assert KEY not in b"".join(path.read_bytes() for path in proxy.home.rglob("*") if path.is_file())
