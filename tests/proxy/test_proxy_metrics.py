"""`GET /metrics` of the proxy: what passed is counted by agents of the settings, and not told."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from skillclaw.proxy.counts import Spread
from skillclaw.proxy.facts import CycleFacts, HubFacts, UpFacts, write_facts

SECRET = b"sk-live-" + b"0123456789abcdef" * 2
POST = (
    b"POST /%b/v1/messages?key=%b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
    b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
)


def metrics(proxy: Any) -> dict[str, float]:
    """Samples by name and the values of their labels, with spaces between."""
    answer = proxy.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"Content-Type: text/plain; version=" in head
    return {
        " ".join([sample.name.removeprefix("skillclaw_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def status(code: bytes) -> Any:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 %b Said\r\nContent-Length: 3\r\n\r\nyes" % code)

    return script


def test_what_passed_is_counted_by_agent_and_class(make_upstream: Any, make_proxy: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = f"http://127.0.0.1:{gone.getsockname()[1]}"
    proxy = make_proxy(
        {"good": make_upstream(status(b"200")).url, "busy": make_upstream(status(b"529")).url, "away": nobody}
    )
    for agent in (b"good", b"good", b"busy", b"away", b"unknown-%d" % os.getpid()):
        proxy.ask(POST % (agent, SECRET, SECRET))
    proxy.exchanges(4)
    found = metrics(proxy)
    assert found["proxy_exchanges_total good 2xx"] == 2
    assert found["proxy_exchanges_total busy 5xx"] == 1
    assert found["proxy_exchanges_total away none"] == 1
    assert found["proxy_exchanges_unfinished_total away upstream"] == 1
    assert found["proxy_exchanges_unfinished_total away agent"] == 0
    assert (found["proxy_request_bytes_total good"], found["proxy_response_bytes_total good"]) == (
        10,
        6,
    )
    assert found["proxy_own_errors_total 502"] == found["proxy_own_errors_total 404"] == 1
    assert found["proxy_first_byte_seconds_count good"] == 2
    counted = found["proxy_added_seconds_count kept"] + found["proxy_added_seconds_count new"]
    assert counted == 3, "to nobody nothing was sent"
    assert found["journal_records_total"] == 4 and found["journal_records_lost_total"] == 0
    assert 0 < found["journal_bytes"] < found["journal_most_bytes"] and found["journal_segments"] == 1
    assert found["proxy_under_way"] == 0, "who asks for metrics is no request"
    assert found["process_resident_bytes proxy"] > 1 << 20 and found["process_cpu_seconds_total proxy"] > 0
    agents = {key.split()[1] for key in found if key.startswith("proxy_exchanges_total ")}
    assert agents == {"good", "busy", "away"}, "a name that anybody can make up is no label"


def test_no_text_of_a_request_is_in_them(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    proxy = make_proxy({"a": make_upstream(replying(b"the answer's text")).url})
    proxy.ask(POST % (b"a", SECRET, SECRET))
    proxy.ask(POST % (b"not-an-agent", SECRET, SECRET))
    proxy.exchanges(1)
    text = proxy.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    for piece in (
        SECRET,
        b"hello",
        b"answer's text",
        b"v1/messages",
        b"not-an-agent",
        str(proxy.home).encode(),
    ):
        assert piece not in text


def test_an_agent_that_leaves_is_no_failure_of_the_upstream(make_upstream: Any, make_proxy: Any) -> None:
    def never(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
        time.sleep(2)

    upstream = make_upstream(never)
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect() as sock:
        sock.sendall(POST % (b"a", SECRET, SECRET))
        assert b"begin" in sock.recv(1 << 16)
    proxy.exchanges(1)
    found = metrics(proxy)
    assert found["proxy_exchanges_unfinished_total a agent"] == 1
    assert found["proxy_exchanges_unfinished_total a upstream"] == 0
    assert found["proxy_exchanges_total a 2xx"] == 1


def test_only_this_machine_s_programs_may_ask(make_proxy: Any) -> None:
    proxy = make_proxy({})
    asked = b"GET /metrics HTTP/1.1\r\nHost: %b\r\n%bConnection: close\r\n\r\n"
    for host, more in (
        (b"rebound.example", b""),
        (b"localhost", b"Origin: https://page.example\r\n"),
        (b"127.0.0.1", b"Sec-Fetch-Site: cross-site\r\n"),
    ):
        assert proxy.ask(asked % (host, more)).startswith(b"HTTP/1.1 403 ")
    head = proxy.ask(b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n")
    put = proxy.ask(
        b"PUT /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    assert put.startswith(b"HTTP/1.1 404 ")


def test_what_up_told_is_told_on_unless_an_earlier_one_told_it(make_proxy: Any) -> None:
    proxy = make_proxy({}, parent=os.getpid())
    facts = UpFacts(
        pid=os.getpid(),
        at=time.time() - 100,
        version="9.9",
        failing=["sync"],
        parts=["record", "sync"],
        sessions=7,
        cycle=CycleFacts(done=2, failed=1, ended=1e9, seconds=3.5, well=False),
        hubs={"team": HubFacts(answered=time.time() - 50, failures=3), "new": HubFacts(failures=1)},
    )
    write_facts(proxy.home, facts)
    found = metrics(proxy)
    assert 100 <= found["up_loop_age_seconds"] < 160 and 50 <= found["up_hub_age_seconds team"] < 110
    assert "up_hub_age_seconds new" not in found, "one that never answered has no age"
    assert (found["up_hub_failures new"], found["up_sessions"], found["up_info 9.9"]) == (1, 7, 1)
    assert (found["up_part_failing sync"], found["up_part_failing record"]) == (1, 0)
    assert found["up_cycles_total failed"] == 1 and found["up_cycle_last_well"] == 0
    assert "up_skills_installed" not in found, "what cannot be read is not told as none"
    write_facts(proxy.home, UpFacts(pid=1, at=time.time(), version="0"))
    time.sleep(0.3)  # so long a page holds
    assert not any(key.startswith("up_") for key in metrics(proxy))
    (proxy.home / "run" / "facts.json").write_bytes(b"{")
    time.sleep(0.3)
    assert not any(key.startswith("up_") for key in metrics(proxy))


@given(st.lists(st.floats(0, 10)))
def test_a_spread_says_how_many_were_no_larger(values: list[float]) -> None:
    spread = Spread((0.5, 1.0, 5.0))
    for value in values:
        spread.add(value)
    told = dict(spread.up_to())
    assert told == {
        "0.5": sum(v <= 0.5 for v in values),
        "1": sum(v <= 1 for v in values),
        "5": sum(v <= 5 for v in values),
        "+Inf": len(values),
    }
