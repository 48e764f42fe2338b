"""WebSockets pass as bytes, and each turn of a Responses session is in the journal as soon as it is over."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from behind import Behind, head_of
from ws_side import Side
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from skillclaw.journal.reader import read

pytestmark = pytest.mark.live

ASK = (
    b"GET /codex/v1/responses?x=%%2F HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc-123456789\r\n"
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n%b\r\n"
)
ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Models: a\r\n%b\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
CREATE = json.dumps({"type": "response.create", "model": "m", "input": ["hi"]})
DONE = json.dumps({"type": "response.completed", "response": {"id": "r1"}})


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


def opened(proxy: Any, behind: Behind, deflate: bool = False) -> tuple[Side, Side]:
    """Both ends of a WebSocket through the proxy."""
    agent = proxy.connect(5)
    agent.sendall(ASK % b"")
    upstream = behind.next()
    head_of(upstream)
    upstream.sendall(ACCEPT % (DEFLATE if deflate else b""))
    head_of(agent)
    return Side(agent, ConnectionType.CLIENT, deflate), Side(upstream, ConnectionType.SERVER, deflate)


def kept_turns(proxy: Any, count: int, seconds: float = 3) -> list[Any]:
    kept: list[Any] = proxy.exchanges(count, seconds=seconds)
    assert len(kept) == count
    for exchange in kept:
        assert (exchange.method, exchange.path, exchange.status) == ("GET", "/v1/responses?x=%2F", 101)
    return kept


def test_the_handshake_passes_as_it_is(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url + "/base"})
    with proxy.connect(5) as agent:
        agent.sendall(ASK % b"OpenAI-Beta: x\r\n")
        upstream = behind.next()
        lines = head_of(upstream).split(b"\r\n")
        assert lines[0] == b"GET /base/v1/responses?x=%2F HTTP/1.1"
        assert sorted(lines[2:-2]) == sorted(
            (ASK % b"OpenAI-Beta: x\r\n").replace(b"keep-alive, Upgrade", b"Upgrade").split(b"\r\n")[2:-2]
        )
        upstream.sendall(ACCEPT % DEFLATE)
        got = head_of(agent).split(b"\r\n")
        assert got[0] == b"HTTP/1.1 101 Switching Protocols"
        assert sorted(line.lower() for line in got[1:]) == sorted(
            line.lower() for line in (ACCEPT % DEFLATE).split(b"\r\n")[1:]
        )


@pytest.mark.parametrize("deflate", (False, True))
def test_two_turns_are_two_records_each_at_its_end(deflate: bool, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind, deflate)
    for turn in (1, 2):
        ask, delta = CREATE.replace("hi", f"turn {turn} ü"), '{"type": "response.output_text.delta"}'
        agent.text(ask)
        assert upstream.message() == ask
        for said in (delta, '{\n "pretty":\r\n true}', DONE):
            upstream.text(said)
            assert agent.message() == said
        ended = time.time()
        kept = kept_turns(proxy, turn, seconds=1)[turn - 1]
        assert kept.request_body.decode() == ask + "\n"
        said_lines = kept.response_body.decode().splitlines()
        assert [json.loads(line) for line in said_lines] == [
            json.loads(delta),
            {"pretty": True},
            json.loads(DONE),
        ]
        assert kept.complete and not kept.error and kept.first_byte is not None
        assert abs(kept.finished - ended) < 1 and kept.started <= kept.finished
        names = {name.lower() for name, _ in kept.request_headers}
        assert {"authorization", "upgrade", "sec-websocket-key"} <= names
        assert ("X-Models", "a") in kept.response_headers
        assert "abc-123456789" not in repr(kept)
    assert agent.sent == upstream.got and upstream.sent == agent.got
    agent.sock.close()
    time.sleep(0.2)
    kept_turns(proxy, 2)


def test_kill_9_after_a_turn_loses_nothing(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind)
    agent.text(CREATE)
    upstream.message()
    upstream.text(DONE)
    agent.message()
    time.sleep(0.1)
    os.kill(proxy.process.pid, signal.SIGKILL)
    proxy.process.wait(5)
    (kept,) = [exchange for exchange, _ in read(proxy.home / "journal")]
    assert kept.complete and kept.response_body.decode() == DONE + "\n"


@pytest.mark.parametrize("who", ("agent", "upstream"))
@pytest.mark.parametrize("how", ("close", "close frame"))
def test_a_turn_that_is_cut_is_recorded_as_cut(who: str, how: str, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind)
    agent.text(CREATE)
    upstream.message()
    upstream.text('{"type": "response.created"}')
    agent.message()
    one, other = (agent, upstream) if who == "agent" else (upstream, agent)
    if how == "close frame":
        one.send(CloseConnection(code=1011, reason="überlast"))
        event = other.next()
        assert isinstance(event, CloseConnection) and (event.code, event.reason) == (1011, "überlast")
        other.send(event.response())
        assert isinstance(one.next(), CloseConnection)
        assert one.frames.state is ConnectionState.CLOSED
    one.sock.close()
    assert other.sock.recv(100) == b""
    (kept,) = kept_turns(proxy, 1)
    assert not kept.complete and f"the {who} closed the connection" in kept.error
    assert kept.response_body == b'{"type": "response.created"}\n'


def test_events_that_end_a_response_and_texts_that_only_look_so(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind)
    nested = {"type": "response.created", "response": {"metadata": {"type": "error"}, "a": '"type":"error"'}}
    ends = ("response.completed", "response.failed", "response.incomplete", "error")
    for number, end in enumerate(ends, 1):
        agent.text(CREATE)
        upstream.message()
        upstream.text(json.dumps(nested))
        upstream.text(json.dumps({"type": "response.output_text.delta", "delta": "response.completed"}))
        upstream.text(json.dumps({"response": {"id": "x"}, "type": end}, separators=(",", ":")))
        for _ in range(3):
            agent.message()
        kept = kept_turns(proxy, number)[-1]
        assert kept.complete and len(kept.response_body.splitlines()) == 3


@pytest.mark.parametrize("deflate", (False, True))
def test_frames_of_all_kinds_pass_byte_for_byte(deflate: bool, make_proxy: Any, behind: Behind) -> None:
    """Fragments with pings between, 5 MB, empty messages; binary ones too, which are not recorded."""
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind, deflate)
    rnd = random.Random(7)
    large = "".join(rnd.choices("abcdefgh ü漢😀\n", k=1_500_000))
    for one, other in ((agent, upstream), (upstream, agent)):
        one.send(Ping(payload=b"are you there"))
        assert other.next() == Ping(payload=b"are you there")
        other.send(Pong(payload=b"yes"))
        assert isinstance(one.next(), Pong)
        one.send(TextMessage(data='{"a":', message_finished=False))
        one.send(Ping(payload=b"between"))
        one.send(TextMessage(data=' "ü"}', message_finished=True))
        assert other.message() == '{"a": "ü"}'
        one.text("")
        assert other.message() == ""
        one.text(large)
        assert other.message() == large
    upstream.text(DONE)
    agent.message()
    (kept,) = kept_turns(proxy, 1)
    line = re.sub("\n+", " ", large)
    same = kept.response_body.decode() == f'{{"a": "ü"}}\n\n{line}\n{DONE}\n'
    assert kept.complete and same
    for one, other in ((agent, upstream), (upstream, agent)):
        one.send(BytesMessage(data=rnd.randbytes(100_000)))
        other.message()
        one.text(CREATE)
        assert other.message() == CREATE
    assert agent.sent == upstream.got and upstream.sent == agent.got
    agent.sock.close()
    last = kept_turns(proxy, 2)[-1]
    assert not last.complete and "binary" in last.error


def test_any_bytes_pass_and_are_said_to_be_unreadable(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    rnd = random.Random(3)
    for number in range(1, 31):
        agent, upstream = opened(proxy, behind, deflate=number % 2 == 0)
        there, back = rnd.randbytes(rnd.randrange(1, 400)), rnd.randbytes(rnd.randrange(1, 400))
        agent.sock.sendall(there)
        upstream.sock.sendall(back)
        got = b""
        while len(got) < len(there):
            got += upstream.sock.recv(1000)
        assert got == there
        got = b""
        while len(got) < len(back):
            got += agent.sock.recv(1000)
        assert got == back
        for side in (agent, upstream):
            side.sock.close()
    assert proxy.health()["status"] == "ok"
    assert all(not exchange.complete for exchange in proxy.exchanges(1))


def test_frames_cut_anywhere_are_read_all_the_same(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind, deflate=True)
    rnd = random.Random(5)
    for number in range(1, 6):
        for side, other, text in ((agent, upstream, CREATE), (upstream, agent, DONE)):
            data, step = side.frames.send(TextMessage(data=text)), rnd.randrange(1, 5)
            for at in range(0, len(data), step):
                side.sock.sendall(data[at : at + step])
            assert other.message() == text
        kept = kept_turns(proxy, number)[-1]
        assert (kept.request_body.decode(), kept.response_body.decode()) == (CREATE + "\n", DONE + "\n")


@pytest.mark.parametrize("status", (426, 404, 401, 503))
def test_an_upgrade_that_is_refused_passes_as_it_is(status: int, make_proxy: Any, behind: Behind) -> None:
    body = b'{"error": {"message": "no"}}'
    lines = b"Content-Type: application/json\r\nContent-Length: %d\r\nX-A: b\r\n" % len(body)
    upgrade = b"Upgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n" if status == 426 else b""
    proxy = make_proxy({"codex": behind.url})
    with proxy.connect(5) as agent:
        for _ in range(2):
            agent.sendall(ASK % b"")
            upstream = behind.socks[0] if behind.socks else behind.next()
            head_of(upstream)
            upstream.sendall(b"HTTP/1.1 %d Nope\r\n%b%b\r\n%b" % (status, lines, upgrade, body))
            head = head_of(agent)
            assert head.startswith(b"HTTP/1.1 %d Nope\r\n" % status) and lines in head
            assert (b"\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n" in head) == (status == 426)
            assert agent.recv(len(body)) == body
    kept = proxy.exchanges(2)
    assert [(e.status, e.complete, e.response_body) for e in kept] == [(status, True, body)] * 2


def test_web_pages_open_no_websocket(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    for lines in (
        b"Origin: https://evil.example\r\n",
        b"Origin: null\r\n",
        b"Sec-Fetch-Site: cross-site\r\n",
        b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: none\r\n",
        b"Sec-Fetch-Mode: websocket\r\nSec-Fetch-Site: same-site\r\n",
    ):
        assert proxy.ask((ASK % lines).replace(b"keep-alive", b"close")).startswith(b"HTTP/1.1 403 "), lines
    evil = (ASK % b"").replace(b"Host: localhost", b"Host: evil.example:8787")
    assert proxy.ask(evil.replace(b"keep-alive", b"close")).startswith(b"HTTP/1.1 403 ")
    assert behind.none_within(0.1)


@pytest.mark.parametrize(
    "head",
    (
        b"GET /codex/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n",
        b"GET /codex/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"GET /codex/x HTTP/1.0\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST /codex/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Content-Length: 2\r\n\r\n{}",
    ),
)
def test_what_asks_for_no_websocket_gets_no_tunnel(head: bytes, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"codex": behind.url})
    with proxy.connect(5) as agent:
        agent.sendall(head)
        upstream = behind.next()
        assert b"upgrade" not in head_of(upstream).lower()
        upstream.sendall(ACCEPT % b"")
        assert agent.recv(13) == b"HTTP/1.1 502 "


def test_a_real_client_and_server_work_through_the_proxy(make_proxy: Any) -> None:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(protocols=("chat",))
        await answer.prepare(request)
        async for message in answer:
            if message.data == "end":
                await answer.close(code=4001, message=b"as you wish")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await answer.send_str(message.data)
            else:
                await answer.send_bytes(message.data)
        return answer

    async def drive() -> None:
        app = web.Application()
        app.router.add_get("/v1/responses", serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        proxy = await asyncio.to_thread(make_proxy, {"codex": f"http://127.0.0.1:{port}"})
        url = f"http://127.0.0.1:{proxy.port}/codex/v1/responses"
        async with aiohttp.ClientSession() as session:
            for compress in (0, 15, 9):
                async with session.ws_connect(url, protocols=("chat",), compress=compress) as ws:
                    assert ws.protocol == "chat" and bool(ws.compress) == bool(compress)
                    for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
                        await ws.send_str("ü" * size)
                        assert await ws.receive_str() == "ü" * size
                        await ws.send_bytes(b"\xff" * size)
                        assert await ws.receive_bytes() == b"\xff" * size
                    await ws.ping(b"x")
                    await ws.send_str("end")
                    assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
                    assert ws.close_code == 4001
        await runner.cleanup()

    asyncio.run(drive())


def test_an_end_that_reads_nothing_holds_the_other_back(make_proxy: Any, behind: Behind) -> None:
    import psutil

    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind)
    process = psutil.Process(proxy.process.pid)
    before = process.memory_info().rss
    for side in (agent, upstream):
        data = side.frames.send(TextMessage(data="x" * (1 << 20), message_finished=False))
        side.sock.settimeout(0.5)
        sent = 0
        with pytest.raises(TimeoutError):
            for _ in range(100):
                side.sock.sendall(data)
                sent += 1
                if sent == 1:
                    data = side.frames.send(TextMessage(data="x" * (1 << 20), message_finished=False))
        assert sent < 60
    assert process.memory_info().rss - before < 80 << 20
    assert proxy.health()["status"] == "ok"


def test_a_bomb_of_compressed_text_costs_no_memory_and_little_time(make_proxy: Any, behind: Behind) -> None:
    import psutil

    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind, deflate=True)
    process = psutil.Process(proxy.process.pid)
    before = process.memory_info().rss
    bomb = upstream.frames.send(TextMessage(data="x" * 200_000_000))
    assert len(bomb) < 400_000
    begun = time.monotonic()
    upstream.sock.sendall(bomb)
    got = 0
    while got < len(bomb):
        got += len(agent.sock.recv(1 << 18))
    assert proxy.health()["status"] == "ok" and time.monotonic() - begun < 2
    assert process.memory_info().rss - before < 120 << 20
    agent.sock.close()
    (kept,) = kept_turns(proxy, 1)
    assert not kept.complete and "longer" in kept.error


@pytest.mark.parametrize("resting", (True, False))
def test_a_proxy_that_stops_waits_for_turns_and_not_for_resting_websockets(
    resting: bool, make_proxy: Any, behind: Behind
) -> None:
    proxy = make_proxy({"codex": behind.url}, drain=3.0)
    agent, upstream = opened(proxy, behind)
    for turn in range(1 if resting else 2):
        agent.text(CREATE)
        upstream.message()
        if turn == 0:
            upstream.text(DONE)
            agent.message()
    begun = time.monotonic()
    proxy.process.send_signal(signal.SIGTERM)
    if not resting:
        time.sleep(0.3)
        upstream.text(DONE)
        assert agent.message() == DONE
    proxy.process.wait(10)
    assert time.monotonic() - begun < 2
    assert all(kept.complete for kept in kept_turns(proxy, 1 if resting else 2))


@pytest.mark.parametrize("who", ("agent", "upstream"))
def test_a_message_that_is_too_long_costs_its_own_turn_alone(
    who: str, make_proxy: Any, behind: Behind
) -> None:
    """A history with pictures in it, sent again, between two turns."""
    proxy = make_proxy({"codex": behind.url})
    agent, upstream = opened(proxy, behind)
    long = json.dumps(
        {"type": "response.create" if who == "agent" else "response.delta", "x": "y" * (17 << 20)}
    )
    for turn in range(3):
        ask, said = CREATE.replace("hi", f"turn {turn}"), '{"type": "response.output_text.delta"}'
        if turn == 1 and who == "agent":
            ask = long
        if turn == 1 and who == "upstream":
            said = long
        for one, other, text in ((agent, upstream, ask), (upstream, agent, said), (upstream, agent, DONE)):
            sending = Thread(target=one.text, args=(text,))
            sending.start()
            assert other.message() == text
            sending.join()
    kept = kept_turns(proxy, 3)
    assert [one.complete for one in kept] == [True, False, True]
    assert ["longer than" in one.error for one in kept] == [False, True, False]
    assert kept[2].request_body.decode() == CREATE.replace("hi", "turn 2") + "\n"
    assert kept[1].response_body.decode().endswith(DONE + "\n")
