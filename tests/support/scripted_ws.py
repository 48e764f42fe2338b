"""The scripted provider's Responses API over WebSocket, as Codex speaks it; anything else is a 404.

A `response.create` may bring only what is new, with `previous_response_id`; the server keeps the rest.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from scripted import Script, Upstream, _responses
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import ProtocolError


@dataclass
class WebSocketUpstream:
    """Plays `scripts` over WebSocket; `asked` are the messages that came, `said` those that went."""

    scripts: dict[str, Script]
    deflate: bool = True
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __enter__(self) -> WebSocketUpstream:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._kept: dict[str, list[Any]] = {}
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        frames = WSConnection(ConnectionType.SERVER)
        text = ""
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(65536):
                try:
                    frames.receive_data(data)
                    for event in frames.events():
                        if isinstance(event, Request):
                            sock.sendall(self._welcome(frames, event))
                        elif isinstance(event, TextMessage):
                            text += event.data
                            if event.message_finished:
                                self.asked.append(text)
                                self._answer(sock, frames, json.loads(text))
                                text = ""
                        elif isinstance(event, Ping | CloseConnection):
                            sock.sendall(frames.send(event.response()))
                except ProtocolError:
                    sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")
                    return

    def _welcome(self, frames: WSConnection, request: Request) -> bytes:
        if not request.target.split("?")[0].endswith("/responses"):
            return frames.send(RejectConnection(status_code=404))
        extensions: list[Extension] = [PerMessageDeflate()] if self.deflate else []
        return frames.send(AcceptConnection(extensions=extensions))

    def _answer(self, sock: socket.socket, frames: WSConnection, request: dict[str, Any]) -> None:
        given = request.get("input") or []
        whole = [*self._kept.get(request.get("previous_response_id") or "", []), *given]
        answer, events = _responses({**request, "input": whole}, {}, Upstream(self.scripts))
        if request.get("generate") is False:
            answer = {**answer, "output": []}
            events = [(name, event) for name, event in events if name == "response.created"]
            events.append(("response.completed", {"type": "response.completed", "response": answer}))
        self._kept[answer["id"]] = [*whole, *answer["output"]]
        for _, event in events:
            text = json.dumps(event)
            self.said.append(text)
            sock.sendall(frames.send(TextMessage(data=text)))
