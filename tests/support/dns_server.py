"""A name server on loopback (RFC 1035, by UDP) that does what the name says, and a room that asks only it.

A name's first label decides: `nx` there is no such name, `servfail` and `refused` those errors, `empty` a
name without an address, `garbage` bytes that are no answer, `hang` nothing at all; all others are 127.0.0.1.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HOST = "127.0.77.53"
CODES = {"nx": 3, "servfail": 2, "refused": 5}


@dataclass
class Names:
    """A running name server; `asked` are the names that were looked up."""

    wrap: list[str]
    """What a command line begins with whose program is to ask this server."""
    asked: list[str] = field(default_factory=list)
    instead: dict[str, str] = field(default_factory=dict)
    """Whole name -> the label that it is taken for."""


@contextmanager
def name_server(place: Path) -> Iterator[Names]:
    """One, with its settings in the folder `place`; skips where the system does not let this user."""
    box = shutil.which("bwrap")
    settings = Path(os.path.realpath("/etc/resolv.conf"))
    if box is None or not settings.is_file():
        pytest.skip("needs bubblewrap and /etc/resolv.conf, to give one program another name server")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((HOST, 53))
    except OSError as error:
        sock.close()
        pytest.skip(f"needs port 53 of {HOST}, which only root has: {error}")
    own = place / "resolv.conf"
    own.write_text(f"nameserver {HOST}\noptions timeout:4 attempts:2\n")
    wrap = [box, "--dev-bind", "/", "/", "--ro-bind", str(own), str(settings)]
    switch = Path(os.path.realpath("/etc/nsswitch.conf"))
    if switch.is_file():
        (place / "nsswitch.conf").write_text("hosts: files dns\n")
        wrap += ["--ro-bind", str(place / "nsswitch.conf"), str(switch)]
    names = Names([*wrap, "--"])
    thread = threading.Thread(target=_serve, args=(sock, names), daemon=True)
    thread.start()
    try:
        yield names
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (HOST, 53))
        thread.join(5)
        sock.close()


def _serve(sock: socket.socket, names: Names) -> None:
    while True:
        data, whence = sock.recvfrom(4096)
        if not data:
            return
        answer = _answer(data, names)
        if answer:
            sock.sendto(answer, whence)


def _answer(data: bytes, names: Names) -> bytes:
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += data[at] + 1
    question = data[12 : at + 5]
    name = ".".join(labels)
    names.asked.append(name)
    label = re.sub(r"\d+$", "", names.instead.get(name, labels[0]))
    if label == "hang":
        return b""
    if label == "garbage":
        return data[:2] + b"\x81\x80\xff\xff"
    code, records = CODES.get(label, 0), b""
    if not code and label != "empty" and data[at + 1 : at + 3] == b"\0\1":
        records = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton("127.0.0.1")
    counts = b"\0\1" + (b"\0\1" if records else b"\0\0") + b"\0\0\0\0"
    return data[:2] + bytes([0x81, 0x80 | code]) + counts + question + records
