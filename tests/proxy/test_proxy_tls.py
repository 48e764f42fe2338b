"""Upstreams with TLS, and the proxies of networks before them."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from behind import Behind, head_of
from raw_http import Reader, chunked

pytestmark = pytest.mark.live

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-made certificate with its key, for localhost."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command makes the test's certificate")
    path = tmp_path_factory.mktemp("tls") / "self-made.pem"
    argv = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += [
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,DNS:upstream.test",
    ]
    subprocess.run([*argv, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    with path.open("a") as file:
        file.write(Path(f"{path}.crt").read_text())
    return path


def serve_tls(certificate: Path, script: Any) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def one(sock: socket.socket) -> None:
        try:
            with context.wrap_socket(sock, server_side=True) as secure:
                while True:
                    script(secure, head_of(secure))
        except (OSError, AssertionError):
            sock.close()

    def accept() -> None:
        for number in itertools.count():
            sock, _ = listener.accept()
            threading.Thread(target=one, args=(sock,), daemon=True, name=f"tls {number}").start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def test_an_upstream_with_tls(certificate: Path, make_proxy: Any) -> None:
    def script(sock: ssl.SSLSocket, head: bytes) -> None:
        length = re.search(rb"Content-Length: (\d+)", head)
        size, got = int(length[1]) if length else 0, b""
        while len(got) < size:
            got += sock.recv(1 << 16)
        if b" /cut " in head:
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
            raise OSError("cut")
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        sock.sendall(chunked(got, [1000, 70_000]))

    base = f"https://localhost:{serve_tls(certificate, script)}"
    body = os.urandom(3_000_000)
    trusting = make_proxy({"a": base}, env={"SSL_CERT_FILE": f"{certificate}.crt"})
    with trusting.connect(10) as sock:
        reader = Reader(sock)
        for part in (body, body[:10], b""):
            sock.sendall(
                b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(part), part)
            )
            answer = reader.answer()
            same = answer.body == part
            assert answer.whole and same
        sock.sendall(b"GET /a/cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = reader.answer()
        assert not answer.whole and answer.body == b"part"
    wary = make_proxy({"a": base}, home=trusting.home.parent / "wary")
    with wary.connect(10) as sock:
        sock.sendall(b"GET /a/v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = Reader(sock).answer()
        assert answer.status == 502 and b"certificate" in answer.body and b"SSL_CERT_FILE" in answer.body


@pytest.mark.parametrize("allowed", (True, False))
def test_https_through_the_networks_proxy(
    allowed: bool, certificate: Path, make_proxy: Any, behind: Behind
) -> None:
    """HTTPS_PROXY: one CONNECT with its own credentials, then TLS with the upstream itself."""
    port = serve_tls(certificate, lambda sock, head: sock.sendall(OK))
    asked: list[bytes] = []

    def gateway() -> None:
        sock = behind.next()
        asked.append(head_of(sock))
        if not allowed:
            sock.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there = socket.create_connection(("127.0.0.1", port))

        def pump(source: socket.socket, sink: socket.socket) -> None:
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
            except OSError:
                pass

        threading.Thread(target=pump, args=(there, sock), daemon=True).start()
        pump(sock, there)

    threading.Thread(target=gateway, daemon=True).start()
    named = behind.url.replace("http://", "http://user:pass@")
    env = {"HTTPS_PROXY": named, "https_proxy": named, "SSL_CERT_FILE": f"{certificate}.crt", "NO_PROXY": ""}
    proxy = make_proxy({"a": f"https://upstream.test:{port}"}, env=env | {"no_proxy": ""})
    with proxy.connect(10) as sock:
        sock.sendall(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: secret-of-the-agent\r\n\r\n")
        answer = Reader(sock).answer()
    lines = asked[0].split(b"\r\n")
    assert lines[0] == b"CONNECT upstream.test:%d HTTP/1.1" % port
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in lines
    assert b"secret-of-the-agent" not in asked[0]
    if allowed:
        assert answer.body == b"ok"
    else:
        assert answer.status == 502 and b"407 Who are you" in answer.body
