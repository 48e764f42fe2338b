"""The host's end of the way out of a room: a Unix socket that leads to one port on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from skillclaw.errors import StorageError, UsageError
from skillclaw.sandbox.relay import pump

__all__ = ["bind", "inside", "socket_to"]

INSIDE = "127.0.0.1:8787"
"""Where a room with a socket sees it (`sandbox.open_box`)."""
NAME = "model.sock"
LONGEST = 100
"""Bytes that the path of a Unix socket may have; the kernels' limits are 104 and 108."""


@contextlib.contextmanager
def socket_to(url: str, folder: Path) -> Iterator[Path]:
    """A Unix socket in `folder` that leads to the host and port of `url`, until the end of the block.

    Only bytes are forwarded. What lies at the port sees connections as from this process. Raises UsageError
    when `url` is not plain HTTP with a port on loopback, StorageError when the socket cannot be made.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1") or not port:
        raise UsageError(
            f"A sandbox cannot be led to {url}.",
            "It must be http:// with a port on this machine, as SkillClaw's proxy has it.",
            "Give the proxy's URL, such as http://127.0.0.1:8787.",
        )
    address = (parts.hostname, port)
    path = folder / NAME
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bind(listener, path)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise StorageError(f"Cannot make the socket {path}.", str(error)) from error
    threading.Thread(target=_accept, args=(listener, address), daemon=True).start()
    try:
        yield path
    finally:
        # Shut down first: closing alone does not wake the thread that waits in accept.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        path.unlink(missing_ok=True)


def inside(base_url: str) -> str:
    """`base_url` as programs in the room reach it: the same path at the room's own address."""
    return f"http://{INSIDE}{urlsplit(base_url).path.rstrip('/')}"


def bind(listener: socket.socket, path: Path) -> None:
    """Bind a Unix socket to `path`, however long that is. Raises OSError."""
    if len(os.fsencode(path)) <= LONGEST:
        listener.bind(str(path))
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _accept(listener: socket.socket, address: tuple[str, int]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(address, timeout=10)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        pump(client, server)
