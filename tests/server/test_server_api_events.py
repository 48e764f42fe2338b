"""Server-sent events: what comes, in which order, and what becomes of readers that do not read."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from api_house import TOKEN, House, house, wait_for


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("events"), heartbeat=0.2, patience=0.5) as made:
        yield made


class Reader:
    """One reader of events."""

    def __init__(self, at: House, query: str = "", **headers: str) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", at.running.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.line.request("GET", f"/api/v1/events{query}", headers=at.headers | named)
        self.answer = self.line.getresponse()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def next(self) -> dict[str, Any] | str:
        """The next event with its fields, or a comment."""
        found: dict[str, Any] = {}
        while True:
            text = self.answer.readline().decode().rstrip("\n")
            if not text and found:
                if "data" in found:
                    return found | {"data": json.loads(found["data"]), "id": int(found["id"])}
                found = {}
            elif text.startswith(":"):
                return text
            elif text:
                name, _, value = text.partition(": ")
                found[name] = value

    def event(self) -> dict[str, Any]:
        """The next event; comments are left out."""
        while isinstance(found := self.next(), str):
            pass
        return found


def test_what_happens_is_told_once_and_goes_on_where_a_reader_stopped(at: House) -> None:
    with Reader(at) as first:
        assert first.answer.getheader("content-type") == "text/event-stream; charset=utf-8"
        kinds = []
        while True:
            event = first.event()
            kinds.append(event["event"])
            if event["event"] == "group":
                break
        assert kinds[0] in ("server", "pause")
        last = event["id"]
        at.post("groups/team/pause")
        event = first.event()
        assert event["id"] > last and event["event"] == "pause"
        assert event["data"] == {
            "time": event["data"]["time"],
            "group": at.hub.info.group,
            "data": {"paused": True},
        }
        assert first.next() == ": still here"
    with Reader(at, Last_Event_ID=str(last)) as second:
        assert second.event()["id"] == event["id"]
    with Reader(at, f"?after={last}") as third:
        assert third.event()["id"] == event["id"]
    with Reader(at, f"?after={event['id']}") as fourth:
        assert fourth.next() == ": hello" and fourth.next() == ": still here"
    for wrong in ("x", "-1", "9" * 17):
        assert at.ask("GET", "/api/v1/events", headers={"Last-Event-ID": wrong}).status == 422


def test_a_reader_that_does_not_read_is_dropped(at: House) -> None:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.settimeout(20)
        line.connect(("127.0.0.1", at.running.port))
        head = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
        line.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        wait_for(lambda: at.app.api.streams.open, "reader", 5)

        def dropped() -> bool:
            for _ in range(300):  # more than the buffers between them take
                at.service._events.add("pause", "g" * 60, {"paused": True, "more": "x" * 4000})
            return not at.app.api.streams.open

        wait_for(dropped, "end of the stream", 20)
        assert b"skillclaw_event_readers_dropped_total 1.0" in at.ask("GET", "/metrics").body
        # ended, not kept until somebody reads what is left
        wait_for(lambda: not at.running.server.server_state.connections, "end of the connection", 5)


def test_readers_are_counted_and_the_server_ends_with_some_open(
    at: House, capfd: pytest.CaptureFixture[str]
) -> None:
    streams = at.app.api.streams
    streams.readers = 2
    with Reader(at) as one, Reader(at) as two:
        assert (one.answer.status, two.answer.status) == (200, 200)
        refused = at.ask("GET", "/api/v1/events")
        assert refused.status == 503 and refused.headers["retry-after"]
        one.line.close()
        wait_for(lambda: streams.open < 2, "room for a reader", 5)
        newest = at.service.events(0, 0.0)[-1].id
        with Reader(at, f"?after={newest}") as three:  # `two` has much before it that it does not read
            assert three.answer.status == 200
            began = time.monotonic()
            at.running.stop(5.0)
            assert time.monotonic() - began < 6 and not at.running.alive
            assert three.answer.read().endswith(b"\n\n")  # to its end
    assert "Traceback" not in capfd.readouterr().err
