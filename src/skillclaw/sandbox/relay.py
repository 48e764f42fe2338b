"""Run inside a room: 127.0.0.1:8787 leads to a Unix socket of the host, and the command given is run.

    python3 relay.py PORT SOCKET COMMAND [ARGUMENT ...]

The room has a network of its own with nothing but loopback, so the socket is the only way out of it. This
file is mounted alone and imports nothing but the standard library: SkillClaw itself is not in the room. It
ends when the command ends, with its exit code (128 + the signal, as shells have it, where one stopped it).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

__all__ = ["main", "pump"]

WAITING = 64
"""Connections that may wait to be taken."""


def main(argv: list[str]) -> int:
    """Listen, start the command, forward until it ends; its exit code."""
    port, path, command = int(argv[0]), argv[1], argv[2:]
    # Bound before the command starts, so that its first connection is taken; it does not inherit the socket.
    listener = socket.create_server(("127.0.0.1", port), backlog=WAITING)
    child = os.fork()
    if child == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            sys.stderr.flush()
        os._exit(127)
    # The pipes are the command's own: whoever reads them sees their end when the command closes them.
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    threading.Thread(target=_accept, args=(listener, path), daemon=True).start()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _accept(listener: socket.socket, path: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(path)
        except OSError:
            client.close()
            server.close()
            continue
        pump(client, server)


def pump(one: socket.socket, other: socket.socket) -> None:
    """Forward both ways in two threads, until each side has said that it is done; then close both."""
    done = threading.Semaphore(0)

    def forward(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        done.release()

    def close() -> None:
        done.acquire()
        done.acquire()
        one.close()
        other.close()

    threading.Thread(target=forward, args=(one, other), daemon=True).start()
    threading.Thread(target=forward, args=(other, one), daemon=True).start()
    threading.Thread(target=close, daemon=True).start()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
