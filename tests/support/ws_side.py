"""One end of a WebSocket, played by hand."""

from __future__ import annotations

import socket
from typing import Any

from wsproto.connection import Connection, ConnectionType
from wsproto.events import Event, Message, Ping, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import Opcode, RsvBits


class Deflate(PerMessageDeflate):
    """permessage-deflate with control frames between fragments, at which wsproto 1.3 forgets its state."""

    control = False

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> Any:
        self.control = opcode.iscontrol()
        if self.control:
            return RsvBits(False, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> Any:
        return data if self.control else super().frame_inbound_payload_data(proto, data)

    def frame_inbound_complete(self, proto: Any, fin: bool) -> Any:
        return None if self.control else super().frame_inbound_complete(proto, fin)


class Side:
    """One end of a WebSocket: wsproto's frames on a plain socket."""

    def __init__(self, sock: socket.socket, kind: ConnectionType, deflate: bool = False) -> None:
        self.sock = sock
        extensions: list[Extension] = [Deflate()] if deflate else []
        for extension in extensions:
            extension.finalize("permessage-deflate")
        self.frames = Connection(kind, extensions)
        self.sent = self.got = b""
        self._events: list[Event] = []

    def send(self, event: Event) -> None:
        data = self.frames.send(event)
        self.sent += data
        self.sock.sendall(data)

    def text(self, text: str) -> None:
        self.send(TextMessage(data=text))

    def next(self) -> Event:
        while not self._events:
            data = self.sock.recv(1 << 18)
            assert data, "closed"
            self.got += data
            self.frames.receive_data(data)
            self._events += self.frames.events()
        return self._events.pop(0)

    def message(self) -> str | bytes:
        parts: list[Any] = []
        while True:
            event = self.next()
            if isinstance(event, Ping):
                continue
            assert isinstance(event, Message)
            parts.append(event.data)
            if event.message_finished:
                return type(parts[0])().join(parts)  # type: ignore[no-any-return]
