"""Upstreams whose names cannot be looked up, and a name server that says nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from dns_server import Names, name_server
from raw_http import Answer, Reader

pytestmark = pytest.mark.live

KEY = b"sk-ant-api03-" + b"not-a-key-" * 4
PATHS = (b"v1/messages", b"v1/responses", b"v1beta/models/g:generateContent")
BAD = {
    "nx": "not known",
    "servfail": "failure in name resolution",
    "refused": "",
    "empty": "No address",
    "garbage": "",
}
"""Label of the name, and what is said of it (the system's own words, where two systems say the same)."""


@pytest.fixture
def names(tmp_path: Path) -> Iterator[Names]:
    (tmp_path / "dns").mkdir()
    with name_server(tmp_path / "dns") as running:
        yield running


def asked(proxy: Any, agent: str, path: bytes = PATHS[0], timeout: float = 20) -> tuple[Answer, float]:
    began = time.monotonic()
    with proxy.connect(timeout) as sock:
        sock.sendall(
            b"POST /%b/%b HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %b\r\nContent-Length: 2\r\n\r\n{}"
            % (agent.encode(), path, KEY)
        )
        return Reader(sock).answer(), time.monotonic() - began


def of(upstream: Any, name: str) -> str:
    return f"http://{name}.example:{upstream.port}/"


def test_names_that_do_not_resolve_are_told_and_the_good_ones_work(
    make_upstream: Any, make_proxy: Any, replying: Any, names: Names, tmp_path: Path
) -> None:
    upstream = make_upstream(replying(b"ok"))
    agents = {name: of(upstream, name) for name in (*BAD, "good", "later")}
    names.instead["later.example"] = "nx"
    proxy = make_proxy(agents, wrap=names.wrap)
    (process,) = psutil.Process(proxy.process.pid).children()
    assert asked(proxy, "good")[0].body == b"ok"
    assert asked(proxy, "later")[0].status == 502
    files = process.num_fds()
    for name, why in BAD.items():
        for path in PATHS:
            answer, seconds = asked(proxy, name, path)
            message = json.loads(answer.body)["error"]["message"]
            assert answer.status == 502 and answer.whole, name
            assert f"{name}.example" in message and why in message, message
            assert KEY.decode() not in message
            assert seconds < 15
        assert asked(proxy, "good")[0].body == b"ok"
    # no answer is remembered: a name that is mended works with the next request
    del names.instead["later.example"]
    assert asked(proxy, "later")[0].body == b"ok"
    assert process.num_fds() <= files + 4
    kept = proxy.exchanges(3 * len(BAD) + len(BAD) + 3)
    failed = [one for one in kept if not one.complete]
    assert len(failed) == 3 * len(BAD) + 1
    assert all(one.error and one.status == 0 for one in failed)
    assert KEY not in b"".join(path.read_bytes() for path in proxy.home.rglob("*") if path.is_file())


def test_a_name_server_that_hangs_holds_up_nobody_else(
    make_upstream: Any, make_proxy: Any, replying: Any, names: Names
) -> None:
    """Ten agents wait for names; those whose upstream is known, or on this machine, notice nothing."""
    upstream = make_upstream(replying(b"ok"))
    agents = {f"hang{n}": of(upstream, f"hang{n}") for n in range(10)}
    agents |= {"good": of(upstream, "good"), "local": f"http://localhost:{upstream.port}"}
    proxy = make_proxy(agents, wrap=names.wrap, connect_timeout=1.5)
    answers: dict[str, tuple[Answer, float]] = {}

    def ask(agent: str) -> None:
        answers[agent] = asked(proxy, agent)

    threads = [threading.Thread(target=ask, args=(agent,)) for agent in agents if "hang" in agent]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    for agent in ("local", "good"):
        answer, seconds = asked(proxy, agent)
        assert answer.body == b"ok" and seconds < 1.2, (agent, seconds)
    for thread in threads:
        thread.join(20)
    for answer, seconds in answers.values():
        assert answer.status == 504 and b"within 1.5 s" in answer.body
        assert 1.3 < seconds < 6
    assert asked(proxy, "local")[0].body == b"ok"
    assert proxy.health()["under_way"] == 0
    # lookups that nobody waits for any more do not hold the end up
    began = time.monotonic()
    (process,) = psutil.Process(proxy.process.pid).children()
    process.terminate()
    proxy.process.wait(10)
    assert time.monotonic() - began < 2.5
