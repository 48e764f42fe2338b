"""An upstream that a test plays by hand, socket by socket."""

from __future__ import annotations

import contextlib
import socket
import threading

from raw_http import Reader


class Behind:
    """An upstream played by hand: `next()` is the next connection that the proxy made."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.socks: list[socket.socket] = []

    def next(self) -> socket.socket:
        sock, _ = self.listener.accept()
        sock.settimeout(5)
        self.socks.append(sock)
        return sock

    def serve(self, answer: bytes) -> list[tuple[bytes, bytes]]:
        """Answer every whole request from now on; the list that their heads and bodies go to."""
        arrived: list[tuple[bytes, bytes]] = []

        def one(sock: socket.socket) -> None:
            with sock, contextlib.suppress(OSError, AssertionError):
                asked = Reader(sock)
                while (request := asked.request())[0]:
                    arrived.append(request)
                    sock.sendall(answer)

        def accept() -> None:
            while self.listener.fileno() >= 0:
                with contextlib.suppress(OSError):
                    threading.Thread(target=one, args=(self.next(),), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return arrived

    def none_within(self, seconds: float) -> bool:
        self.listener.settimeout(seconds)
        try:
            self.socks.append(self.listener.accept()[0])
        except TimeoutError:
            return True
        finally:
            self.listener.settimeout(5)
        return False


def head_of(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(1)
        assert part, data
        data += part
    return data
