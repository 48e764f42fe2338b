"""`GET /readyz` of the proxy says why it is not ready; agents are served all the same."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from broken_disk import disk, why_none
from msgspec.structs import replace

from skillclaw.proxy import ProxyConfig, read_config, write_config
from skillclaw.proxy.facts import UpFacts, write_facts
from skillclaw.proxy.ready import STUCK

ASK = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CHECKS = {"proxy", "connections", "upstreams", "journal", "disk", "up"}


def trouble(proxy: Any) -> dict[str, str]:
    """The checks with something to say; the status goes with it, and no path is told."""
    time.sleep(0.3)  # so long an answer holds
    head, _, body = proxy.ask(ASK).partition(b"\r\n\r\n")
    assert str(proxy.home).encode() not in body
    told = json.loads(body)
    wrong = {name: why for name, why in told["checks"].items() if why}
    assert set(told["checks"]) == CHECKS and told["ready"] is not bool(wrong)
    assert head.startswith(b"HTTP/1.1 503 " if wrong else b"HTTP/1.1 200 ")
    return wrong


def test_ready_and_what_keeps_it_from_that(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    proxy = make_proxy(
        {"a": make_upstream(replying(b"x")).url, "b": "no url"}, journal_max_mb=1, parent=os.getpid()
    )
    assert trouble(proxy) == {}, "one agent's upstream of two is enough"
    assert not [path for path in (proxy.home / "journal").iterdir() if "ready" in path.name]
    write_facts(proxy.home, UpFacts(pid=os.getpid(), at=time.time() - STUCK - 9, version="1"))
    assert "told nothing for 9" in trouble(proxy)["up"]
    write_facts(proxy.home, UpFacts(pid=os.getpid(), at=time.time(), version="1"))
    for _ in range(2):
        body = os.urandom(700_000).hex().encode()
        head = b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        assert proxy.ask(head % len(body) + body).endswith(b"x")
    proxy.exchanges(2)
    assert trouble(proxy) == {"journal": "The journal is full (1 MB, setting journal.max_mb)."}


def test_without_an_upstream_it_is_not_ready_and_web_pages_learn_nothing(make_proxy: Any) -> None:
    proxy = make_proxy({"a": "no url"})
    told = proxy.ask(ASK.replace(b"localhost", b"rebound.example"))
    assert told.startswith(b"HTTP/1.1 403 ") and b"upstreams" not in told
    assert trouble(proxy)["upstreams"].startswith("No agent has an upstream that can be used (a): ")
    write_config(proxy.config, replace(read_config(proxy.config), upstreams={}))
    time.sleep(0.6)
    assert "agents.NAME.upstream" in trouble(proxy)["upstreams"]


@pytest.mark.slow
@pytest.mark.skipif(bool(why_none()), reason=why_none())
def test_a_full_disk_is_told_and_forgotten_once_there_is_room(
    tmp_path: Path, make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    with disk(place) as small:
        upstreams = {"a": make_upstream(replying(b"x")).url}
        # What the proxy sees at its home is the small disk; what this test sees there is not.
        config = ProxyConfig(port=0, home=str(place), upstreams=upstreams)
        write_config(small.root / "run" / "proxy.json", config)
        proxy = make_proxy(upstreams, home=place, wrap=small.argv())
        assert trouble(proxy) == {}
        small.leave(0)
        wrong = trouble(proxy)
        assert "No space left on device" in wrong["journal"] and " KiB are free" in wrong["disk"]
        assert proxy.ask(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").endswith(b"x")
        time.sleep(0.6)
        assert "Recording stopped: the journal cannot be written" in trouble(proxy)["journal"]
        small.free()
        assert trouble(proxy) == {}
        proxy.process.terminate()
        proxy.process.wait(10)
