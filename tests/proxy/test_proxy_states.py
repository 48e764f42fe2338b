"""States between two events: who holds whom, what a stop says, what must not take the proxy down."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from behind import Behind, head_of
from raw_http import Reader

from skillclaw.journal.credentials import Masker
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ProxyConfig, write_config
from skillclaw.proxy.counts import Counts
from skillclaw.proxy.front import Front
from skillclaw.proxy.http1 import RequestHead
from skillclaw.proxy.passage import Passage
from skillclaw.proxy.routing import Proxy
from skillclaw.proxy.upstream import Back

GET = b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
CONFIG = ProxyConfig(port=8787, home="", upstreams={})


class Wire:
    """A transport that only notes what it is told."""

    def __init__(self) -> None:
        self.written = b""
        self.reading = True
        self.waiting = 0
        self.ended = ""

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_protocol(self, protocol: Any) -> None:
        pass

    def is_closing(self) -> bool:
        return self.ended in ("close", "abort")

    def close(self) -> None:
        self.ended = self.ended or "close"

    def abort(self) -> None:
        self.ended = "abort"

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = "eof"

    def get_extra_info(self, name: str) -> None:
        return None


class Link:
    """An upstream's connection: full once `room` bytes were written."""

    def __init__(self, room: int) -> None:
        self.transport = self
        self.room = room
        self.reader: Any = None
        self.withheld = False
        self.used = 1
        self.closed = False

    def write(self, data: bytes) -> None:
        self.room -= len(data)
        if self.room < 0 and not self.withheld:
            self.withheld = True
            self.reader.hold()

    def close(self) -> None:
        self.closed = True


class Far:
    """An upstream with these connections."""

    host, proxy_auth, shown, connect_timeout = b"h", b"", "http://h", 1.0

    def __init__(self, *links: Link) -> None:
        self.links = list(links)

    def target(self, rest: str) -> str:
        return rest

    def take(self, rested: float = 0) -> Any:
        return self.links.pop(0) if self.links else None

    async def connect(self) -> Any:
        if not self.links:
            raise OSError("no connection")
        return self.links.pop(0)


class Desk:
    """A service that hands requests to passages to `far`."""

    def __init__(self, far: Far | None = None) -> None:
        self.far = far
        self.fronts: set[Front] = set()
        self.under_way = 0
        self.last_file = self.refused = 0
        self.counts = Counts()
        self.draining = False
        self.kept: list[Any] = []

    def begin(self, front: Front, head: RequestHead) -> Any:
        if self.far is None:
            return SimpleNamespace(upload=lambda piece, payload, last: None, resting=False, waits_since=0.0)
        return Passage(front, head, self.far, "a", "/x")  # type: ignore[arg-type]

    def keep(self, draft: Any) -> None:
        self.kept.append(draft)


def opened(desk: Desk) -> tuple[Front, Wire]:
    front, wire = Front(desk), Wire()
    front.connection_made(wire)  # type: ignore[arg-type]
    return front, wire


def post(length: int) -> bytes:
    return b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length


def test_an_upload_whose_first_bytes_fill_the_upstream_is_held_at_once() -> None:
    async def run() -> None:
        link = Link(room=1000)
        desk = Desk(Far())
        front, wire = opened(desk)
        desk.far.links.append(link)  # type: ignore[union-attr]
        desk.far.take = lambda rested=0: None  # type: ignore[union-attr,method-assign]
        front.data_received(post(4 << 20) + bytes(2000))
        assert not wire.reading, "nothing is connected yet"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert link.withheld and not wire.reading
        link.reader.go_on()
        assert wire.reading

    asyncio.run(run())


def test_a_request_that_is_asked_again_listens_to_its_agent_again() -> None:
    async def run() -> None:
        first, second = Link(room=1000), Link(room=1 << 20)
        front, wire = opened(Desk(Far(first, second)))
        front.data_received(post(2000) + bytes(2000))
        assert first.withheld and not wire.reading
        first.reader.lost(None)
        assert wire.reading, "or nobody would see that the agent leaves"
        await asyncio.sleep(0.01)
        assert second.reader is not None

    asyncio.run(run())


def test_whatever_fails_while_connecting_the_agent_gets_an_answer() -> None:
    async def run() -> None:
        desk = Desk(Far())
        desk.far.links.append(Link(room=1))  # type: ignore[union-attr]
        desk.far.take = lambda rested=0: None  # type: ignore[union-attr,method-assign]
        desk.far.host = None  # type: ignore[union-attr,assignment]  # no head can be made of it
        front, wire = opened(desk)
        front.data_received(GET)
        await asyncio.sleep(0.01)
        assert wire.written.startswith(b"HTTP/1.1 502 ") and len(desk.kept) == 1

    asyncio.run(run())


@pytest.mark.parametrize("waiting", (0, 5000))
def test_an_early_answer_is_not_cut_while_its_agent_still_reads_it(waiting: int) -> None:
    front, wire = opened(Desk())
    front.data_received(post(100) + b"some")
    front.answered(drop=True)
    wire.waiting = waiting
    front.check(time.monotonic() + 5, CONFIG)
    assert wire.ended == ("eof" if waiting else "abort")
    front.check(time.monotonic() + CONFIG.idle_timeout + 5, CONFIG)
    assert wire.ended == "abort"


def test_a_request_behind_an_unread_answer_is_not_called_slow() -> None:
    front, wire = opened(Desk())
    front.pause_writing()
    front.data_received(GET)
    front.check(time.monotonic() + CONFIG.head_timeout + 5, CONFIG)
    assert not wire.written and not wire.ended
    front.check(time.monotonic() + CONFIG.idle_timeout + 5, CONFIG)
    assert wire.ended == "close"


def test_bytes_of_windows_event_loop_are_read() -> None:
    answers, made = [], SimpleNamespace(transport=Wire())
    back = Back(SimpleNamespace(protocol=made, close=lambda: None))  # type: ignore[arg-type]
    back.reader = SimpleNamespace(answer=answers.append)  # type: ignore[assignment]
    back.data_received(bytearray(b"abc"))  # type: ignore[arg-type]
    assert [type(data) for data in answers] == [bytes]
    front, wire = opened(Desk())
    front.data_received(
        GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    )
    front.data_received(bytearray(b"3\r\nabc\r\n0\r\n\r\n"))  # type: ignore[arg-type]
    assert front.busy and not wire.ended


def test_frames_sent_before_the_handshake_is_answered_do_not_stop_a_connection() -> None:
    front, wire = opened(Desk())
    front.data_received(GET)
    front.data_received(bytes(70_000))
    assert not wire.reading
    passed: list[bytes] = []
    front.changed(SimpleNamespace(upload=lambda piece, payload, last: passed.append(piece)))  # type: ignore[arg-type]
    assert wire.reading and passed == [bytes(70_000)]


def test_one_broken_connection_costs_no_other_its_timeout(tmp_path: Path) -> None:
    async def run() -> None:
        journal = JournalWriter(tmp_path / "journal", max_mb=1)
        proxy = Proxy(tmp_path / "none.json", CONFIG, journal)
        seen: list[str] = []

        def fail(now: float, limits: Any) -> None:
            seen.append("bad")
            raise RuntimeError

        bad = SimpleNamespace(check=fail, transport=Wire())
        good = SimpleNamespace(check=lambda now, limits: seen.append("good"))
        proxy.fronts = [bad, good]  # type: ignore[assignment]
        tending = asyncio.create_task(proxy.tend())
        await asyncio.sleep(1.2)
        tending.cancel()
        assert seen == ["bad", "good"] * 2 and bad.transport.ended == "abort"
        await proxy.close()
        journal.close()

    asyncio.run(run())


def test_an_agent_that_wants_skills_put_in_costs_the_others_no_http_client(tmp_path: Path) -> None:
    async def run() -> None:
        journal = JournalWriter(tmp_path / "journal", max_mb=1)
        config = ProxyConfig(port=8787, home=str(tmp_path), upstreams={}, inject={"aider": ""})
        proxy = Proxy(tmp_path / "none.json", config, journal)
        front, wire = opened(proxy)
        front.data_received(GET)
        assert wire.written and proxy.configured is None
        front, wire = opened(proxy)
        front.data_received(GET.replace(b"GET /a/x", b"GET /aider/v1/models"))
        assert proxy.configured is not None
        await proxy.close()
        journal.close()

    asyncio.run(run())


def test_the_journal_goes_on_after_any_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(tmp_path, max_mb=10)
    ready = writer._files.ready
    calls = []

    def fail_once() -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("no such state")
        return ready()

    monkeypatch.setattr(writer._files, "ready", fail_once)
    writer.put(exchange())
    until = time.monotonic() + 5
    while writer.stats().exchanges < 1 and time.monotonic() < until:
        time.sleep(0.01)
    writer.close()
    assert writer.stats().exchanges == 1 and writer.stats().errors == 1 and not writer.stats().dropped


def exchange(*headers: tuple[str, str], body: bytes = b"") -> Exchange:
    return Exchange(
        id="1",
        agent="a",
        method="GET",
        path="/x",
        started=1.0,
        finished=2.0,
        request_headers=list(headers),
        request_body=body,
        status=101,
    )


@pytest.mark.parametrize(
    ("value", "masked"),
    (
        (
            "realtime, openai-insecure-api-key.0123456789abcdef, openai-beta.realtime-v1",
            "realtime, openai-insecure-api-key.<secret:sec-websocket-protocol>, openai-beta.realtime-v1",
        ),
        ("access_token, 0123456789abcdef", "access_token, <secret:sec-websocket-protocol>"),
        (
            "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.0123456789abcdef",
            "v4.channel.k8s.io, base64url.bearer.authorization.<secret:sec-websocket-protocol>",
        ),
        ("graphql-transport-ws, v1.json", "graphql-transport-ws, v1.json"),
    ),
)
def test_keys_among_subprotocols_reach_no_disk(value: str, masked: str) -> None:
    said = exchange(("Sec-WebSocket-Protocol", value), body=b'{"again": "0123456789abcdef"}')
    kept = Masker().mask(said)
    assert kept.request_headers == [("Sec-WebSocket-Protocol", masked)]
    assert (b"0123456789abcdef" in kept.request_body) == (value == masked)


# --- the process


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_a_stop_tells_those_who_wait_and_the_journal(make_proxy: Any) -> None:
    behind = Behind()
    proxy = make_proxy({"a": behind.url}, drain=0.2)
    with proxy.connect() as agent:
        agent.sendall(GET)
        head_of(behind.next())
        proxy.process.terminate()
        answer = Reader(agent).answer()
    assert answer.status == 503 and answer.whole and answer.get(b"connection") == [b"close"]
    assert "stopped" in json.loads(answer.body)["error"]["message"]
    (kept,) = proxy.exchanges(1)
    assert not kept.complete and "stopped" in kept.error
    behind.listener.close()


@pytest.mark.live
@pytest.mark.skipif(os.name != "posix", reason="limits of open files")
def test_more_connections_than_a_shell_allows_are_served(make_proxy: Any) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    proxy = make_proxy({"a": "http://127.0.0.1:1"}, preexec_fn=limit)
    socks = [proxy.connect() for _ in range(100)]
    for sock in socks:
        sock.sendall(GET.replace(b"/a/x", b"/healthz"))
        assert sock.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        sock.settimeout(2)
    for sock in socks:
        sock.close()


@pytest.mark.live
def test_an_upstream_that_is_the_proxy_itself_goes_round_never(make_proxy: Any) -> None:
    proxy = make_proxy({"b": "http://127.0.0.1:1"})
    for host in ("127.0.0.1", "localhost"):
        base = f"http://{host}:{proxy.port}/a"
        write_config(proxy.config, ProxyConfig(port=0, home=str(proxy.home), upstreams={"a": base}))
        time.sleep(1.1)
        answer = proxy.ask(GET.replace(b"localhost\r\n", b"localhost\r\nConnection: close\r\n"))
        assert answer.startswith(b"HTTP/1.1 502 ") and b"this proxy itself" in answer


@pytest.mark.live
def test_a_request_target_may_name_the_proxy_in_full(
    make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    upstream = make_upstream(replying(b"ok"))
    proxy = make_proxy({"a": upstream.url})
    ask = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert proxy.ask(ask % b"http://127.0.0.1:%d/a/x?y=http://z" % proxy.port).endswith(b"ok")
    assert upstream.seen[-1].line == b"GET /x?y=http://z HTTP/1.1"
    assert b'"status":"ok"' in proxy.ask(ask % b"HTTP://LOCALHOST:%d/healthz" % proxy.port)
    for other in (b"http://example.org/a/x", b"http://localhost:1/a/x", b"*", b"http://localhost@evil/a/x"):
        assert proxy.ask(ask % other).startswith(b"HTTP/1.1 404 "), other
    assert len(upstream.seen) == 1


@pytest.mark.live
@pytest.mark.parametrize(
    "base", ("ftp://u:geheim12@h/", "https://u:geheim12@h/\u65e5", "http://u:geheim12@h/a b")
)
def test_an_upstream_that_is_no_url_is_explained_without_its_password(base: str, make_proxy: Any) -> None:
    answer = make_proxy({"a": base}).ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 502 ") and b"geheim" not in answer and b"//h/" in answer


@pytest.mark.live
def test_it_works_on_asyncios_own_loop(make_proxy: Any, tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError\n", encoding="ascii")
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    behind = Behind()
    proxy = make_proxy({"a": behind.url}, env={"PYTHONPATH": path})
    body = bytes(3 << 20)
    arrived = behind.serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    with proxy.connect() as agent:
        asked = Reader(agent)
        for _ in range(2):
            agent.sendall(post(len(body)) + body)
            assert asked.answer().body == b"abc"
    assert [len(sent) for _, sent in arrived] == [len(body)] * 2
    assert [e.complete for e in proxy.exchanges(2)] == [True, True]
    behind.listener.close()
