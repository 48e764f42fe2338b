"""The proxy as a process: start, configuration, health, drain, parent; and what it never writes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillclaw.errors import BadInputError, StorageError
from skillclaw.proxy import ProxyConfig, command, read_config, write_config

pytestmark = pytest.mark.live

GET = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def slow(seconds: float) -> Any:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            time.sleep(seconds / 5)
            sock.sendall(b"1\r\n%d\r\n" % number)
        sock.sendall(b"0\r\n\r\n")

    return script


def test_it_says_when_it_is_ready_and_ends_when_asked(tmp_path: Path, launcher: Any, finisher: Any) -> None:
    config = tmp_path / "proxy.json"
    write_config(config, ProxyConfig(port=0, home=str(tmp_path), upstreams={}))
    process, line = launcher(config)
    assert line.startswith("ready ")
    assert finisher(process) == b"" and process.returncode == 0


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; import skillclaw.proxy.serve;"
        "print([m for m in ('pydantic','atif','sklearn','scipy','numpy','detect_secrets','typer','rich',"
        "'skillclaw.cli','skillclaw.server','skillclaw.wire.decode','skillclaw.wire.translate')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_configuration_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "proxy.json"
    config = ProxyConfig(port=8787, home="/h", upstreams={"a": "http://x"}, journal_max_mb=3)
    write_config(path, config)
    assert read_config(path) == config and command(path)[-1] == str(path)
    assert [p.name for p in path.parent.iterdir()] == ["proxy.json"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{")
    with pytest.raises(BadInputError):
        read_config(path)
    with pytest.raises(StorageError):
        read_config(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_config(tmp_path / "file" / "x", config)


def test_a_taken_port_and_a_broken_configuration_are_told_in_one_line(
    tmp_path: Path, launcher: Any, finisher: Any
) -> None:
    config = tmp_path / "proxy.json"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_config(config, ProxyConfig(port=port, home=str(tmp_path), upstreams={}))
        process, line = launcher(config)
        assert line == f"port {port} is taken by another program\n"
        assert process.wait(5) == 1 and b"Traceback" not in finisher(process)
    config.write_text('{"port": "x"}')
    process, line = launcher(config)
    assert "is not a proxy configuration" in line and line.count("\n") == 1
    assert process.wait(5) == 1 and b"Traceback" not in finisher(process)


def test_health(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    proxy = make_proxy({"b": make_upstream(replying(b"x")).url, "a": "http://127.0.0.1:1"})
    proxy.ask(GET % b"/b/x")
    proxy.exchanges(1)
    health = proxy.health()
    assert (health["status"], health["agents"]) == ("ok", ["a", "b"]) and health["version"]
    journal = health["journal"]
    assert set(journal) == {"exchanges", "bytes", "dropped", "errors", "last_error", "queue", "segments"}
    assert (journal["exchanges"], journal["segments"], journal["errors"]) == (1, 1, 0)


def test_upstreams_are_read_again(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    one, two = make_upstream(replying(b"one")), make_upstream(replying(b"two"))
    proxy = make_proxy({"a": one.url})
    assert proxy.ask(GET % b"/a/x").endswith(b"one")
    write_config(
        proxy.config,
        msgspec.structs.replace(read_config(proxy.config), upstreams={"a": two.url, "n": one.url}),
    )
    time.sleep(1.1)
    assert proxy.ask(GET % b"/a/x").endswith(b"two")
    assert proxy.ask(GET % b"/n/x").endswith(b"one")
    proxy.config.write_text("broken")
    time.sleep(1.1)
    assert proxy.ask(GET % b"/a/x").endswith(b"two")


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_a_stop_lets_answers_finish(make_upstream: Any, make_proxy: Any) -> None:
    proxy = make_proxy({"a": make_upstream(slow(0.6)).url}, drain=5.0)
    idle = proxy.connect()
    idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert idle.recv(65536).startswith(b"HTTP/1.1 200")
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(proxy.ask(GET % b"/a/x"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    proxy.process.terminate()
    time.sleep(0.1)
    with pytest.raises(ConnectionRefusedError):
        proxy.connect()
    for thread in threads:
        thread.join()
    assert proxy.process.wait(5) == 0 and time.monotonic() - began < 4.5, "before the drain is over"
    assert all(answer.endswith(b"1\r\n4\r\n0\r\n\r\n") for answer in answers)
    assert idle.recv(1) == b""
    idle.close()
    assert [e.response_body for e in proxy.exchanges(3)] == [b"01234"] * 3


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_a_stop_does_not_wait_for_ever(make_upstream: Any, make_proxy: Any) -> None:
    proxy = make_proxy({"a": make_upstream(slow(30)).url}, drain=0.3)
    with proxy.connect() as sock:
        sock.sendall(GET % b"/a/x")
        assert sock.recv(65536)
        proxy.process.terminate()
        assert proxy.process.wait(5) == 0
    assert len(proxy.exchanges(1)) == 1


@pytest.mark.skipif(os.name != "posix", reason="orphans by parent id")
@pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")
def test_who_has_connected_as_a_stop_comes_is_answered(
    make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    """They wait to be taken while the process is at something else: here it is held still."""
    proxy = make_proxy({"a": make_upstream(replying(b"hi")).url})
    proxy.process.send_signal(signal.SIGSTOP)
    waiting = [proxy.connect() for _ in range(40)]
    for sock in waiting[:-1]:
        sock.sendall(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    proxy.process.terminate()
    proxy.process.send_signal(signal.SIGCONT)
    answers = [read_all(sock) for sock in waiting]
    assert all(b" 200 " in answer and answer.endswith(b"\r\n\r\nhi") for answer in answers[:-1]), answers
    assert answers[-1] == b"", "who asks nothing is let go"
    assert proxy.process.wait(10) == 0


def read_all(sock: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    with sock:
        data = b""
        while part := sock.recv(65536):
            data += part
        return data


def test_an_orphan_ends(tmp_path: Path) -> None:
    config = tmp_path / "proxy.json"
    write_config(config, ProxyConfig(port=0, home=str(tmp_path), upstreams={}))
    code = (
        "import subprocess,sys,time\n"
        f"p=subprocess.Popen({command(config)!r},stdout=subprocess.PIPE)\n"
        "print(p.pid, p.stdout.readline().decode(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid, _, port = parent.stdout.readline().split()[:3]
    parent.kill()
    parent.wait()
    until = time.monotonic() + 6
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
        except ConnectionRefusedError:
            break
        time.sleep(0.1)
    else:
        os.kill(int(pid), signal.SIGKILL)
        raise AssertionError("the orphan still listens")
    parent.stdout.close()


def test_no_credential_reaches_a_disk(make_upstream: Any, make_proxy: Any) -> None:
    keys = [
        f"{kind}-{os.urandom(12).hex()}"
        for kind in ("sk-ant-oat01", "cookie", "query", "custom", "setcookie")
    ]
    bearer, cookie, query, custom, set_cookie = keys
    body = json.dumps({"echo": bearer, "note": f"my key is {custom}", "session": "keep-this-id"}).encode()

    def script(sock: socket.socket, seen: Any) -> None:
        import gzip

        said = f"you sent {bearer} and {cookie} and {query}".encode()
        head = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=%b; Path=/\r\nX-Echo: %b\r\n" % (
            set_cookie.encode(),
            bearer.encode(),
        )
        if b"/gz" in seen.line:
            said = gzip.compress(said)
            head += b"Content-Encoding: gzip\r\n"
        sock.sendall(head + b"Content-Length: %d\r\n\r\n%b" % (len(said), said))

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    for path in ("plain", "gz"):
        head = (
            f"POST /a/{path}?key={query}&model=m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {bearer}\r\nCookie: a=b; sid={cookie}\r\nX-Acme-Token: {custom}\r\n"
            f"X-Claude-Code-Session-Id: 7b0c4a6e-session\r\nsession_id: s1\r\nx-codex-turn-metadata: t\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        proxy.ask(head.encode() + body)
    assert upstream.seen[0].get(b"authorization") == [b"Bearer " + bearer.encode()]
    assert upstream.seen[0].body == body
    kept = proxy.exchanges(2)
    text = repr(kept)
    for key in keys:
        assert key not in text
    for path in proxy.home.rglob("*"):
        if path.is_file():
            assert not any(key.encode() in path.read_bytes() for key in keys), path
    assert kept[0].path == "/plain?key=<secret:query>&model=m"
    headers = dict(kept[0].request_headers)
    assert headers["Authorization"] == "Bearer <secret:authorization>"
    assert headers["X-Claude-Code-Session-Id"] == "7b0c4a6e-session"
    assert (headers["session_id"], headers["x-codex-turn-metadata"]) == ("s1", "t")
    assert b"keep-this-id" in kept[0].request_body and b"you sent <secret:" in kept[1].response_body
    if os.name == "posix":
        for path in (proxy.home / "journal").iterdir():
            assert path.stat().st_mode & 0o077 == 0
        assert (proxy.home / "journal").stat().st_mode & 0o777 == 0o700
