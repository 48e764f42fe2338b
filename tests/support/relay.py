"""A TCP relay that sees every byte between a client and a server, and reads them as HTTP afterwards.

It changes nothing and knows no HTTP while it relays, so what it saw is what the client really sent and got.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

import h11

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer upgrade transfer-encoding"
    b" proxy-connection".split()
)


@dataclass(frozen=True)
class Message:
    """One request with its response, chunk framing taken off."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    status: int
    response_headers: tuple[tuple[bytes, bytes], ...]
    answer: bytes


@dataclass
class Relay:
    """Listens on a port of its own and passes everything on to `port`."""

    port: int
    connections: list[tuple[bytearray, bytearray]] = field(default_factory=list)

    def __enter__(self) -> Relay:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            seen = (bytearray(), bytearray())
            self.connections.append(seen)
            for source, sink, log in ((client, server, seen[0]), (server, client, seen[1])):
                threading.Thread(target=_pump, args=(source, sink, log), daemon=True).start()

    def messages(self) -> list[Message]:
        """Every exchange that was answered, connection by connection; the last may lack its end."""
        return [message for sent, received in self.connections for message in _parse(sent, received)]


def _pump(source: socket.socket, sink: socket.socket, log: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            log += data
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def end_to_end(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that must pass a proxy unchanged: not Host, hop-by-hop or named by Connection."""
    named = {
        part.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for part in value.split(b",")
    }
    drop = HOP_BY_HOP | named | {b"host"}
    return tuple(sorted((n.lower(), v) for n, v in headers if n.lower() not in drop))


def _parse(sent: bytearray, received: bytearray) -> list[Message]:
    server, client = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
    server.receive_data(bytes(sent))
    client.receive_data(bytes(received))
    found = []
    while True:
        request, body, _ = _one(server, h11.Request)
        if request is None:
            return found
        # Each side's machine must be told what the other said, so that it knows how to frame what follows.
        client.send(request)
        if body:
            client.send(h11.Data(data=body))
        client.send(h11.EndOfMessage())
        response, answer, whole = _one(client, h11.Response)
        if response is None:
            return found
        found.append(
            Message(
                method=request.method,
                target=request.target,
                headers=end_to_end(list(request.headers)),
                body=body,
                status=response.status_code,
                response_headers=end_to_end(list(response.headers)),
                answer=answer,
            )
        )
        if not whole:
            return found
        server.send(h11.Response(status_code=response.status_code, headers=[("content-length", "0")]))
        server.send(h11.EndOfMessage())
        if {server.our_state, server.their_state, client.our_state, client.their_state} != {h11.DONE}:
            return found
        server.start_next_cycle()
        client.start_next_cycle()


def _one(connection: h11.Connection, kind: type) -> tuple[Any, bytes, bool]:
    """The next message of `kind`, its body so far, and whether it ended (a client may leave before that)."""
    head, body = None, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return head, bytes(body), False
        if isinstance(event, kind):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return head, bytes(body), True
