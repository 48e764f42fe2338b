"""HTTP/1.1 answers read as strictly as a careful agent would, and told apart: whole, cut, reset."""

from __future__ import annotations

import itertools
import re
import socket
from dataclasses import dataclass

CHUNK = re.compile(rb"([0-9a-fA-F]+)(?:;[^\r\n]*)?\r\n")


@dataclass
class Answer:
    """One answer as it came. `whole`: its end came; `reset`: the connection was reset instead."""

    head: bytes
    body: bytes
    whole: bool
    reset: bool = False
    closed: bool = False

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1]) if self.head else 0

    @property
    def lines(self) -> list[bytes]:
        return [line for line in self.head.split(b"\r\n")[1:] if line]

    def get(self, name: bytes) -> list[bytes]:
        pairs = (line.partition(b":") for line in self.lines)
        return [value.strip(b" \t") for key, _, value in pairs if key.lower() == name.lower()]


@dataclass
class Reader:
    """Reads answers from `sock`; what follows an answer stays for the next."""

    sock: socket.socket
    data: bytes = b""
    reset: bool = False
    ended: bool = False

    def more(self) -> bool:
        if self.ended:
            return False
        try:
            part = self.sock.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            self.reset = self.ended = True
            return False
        self.ended = not part
        self.data += part
        return bool(part)

    def head(self) -> bytes:
        """A head with its empty line; empty when the connection ended before."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return b""
        at = self.data.index(b"\r\n\r\n") + 4
        head, self.data = self.data[:at], self.data[at:]
        return head

    def final(self) -> tuple[bytes, list[bytes]]:
        """The final head, and the interim ones before it."""
        interim = []
        while (head := self.head()) and head.split(b" ", 2)[1].startswith(b"1"):
            interim.append(head)
        return head, interim

    def answer(self, method: bytes = b"GET") -> Answer:
        """The next answer, interim ones skipped."""
        head, _ = self.final()
        answer = Answer(head, b"", False)
        if head:
            self._body(answer, method)
        answer.reset, answer.closed = self.reset, self.ended
        return answer

    def request(self) -> tuple[bytes, bytes]:
        """The next request's head and body; an empty head at the end."""
        head = self.head()
        request = Answer(b"HTTP/1.1 200 OK\r\n" + head.partition(b"\r\n")[2], b"", False)
        if head and (request.get(b"content-length") or request.get(b"transfer-encoding")):
            self._body(request, b"")
            assert request.whole, head
        return head, request.body

    def _body(self, answer: Answer, method: bytes) -> None:
        codings, lengths = answer.get(b"transfer-encoding"), answer.get(b"content-length")
        assert not (codings and lengths), answer.head
        assert len(lengths) <= 1 and len(codings) <= 1, answer.head
        if method == b"HEAD" or answer.status in (204, 304):
            answer.whole = True
        elif codings:
            assert codings[0].lower().split(b",")[-1].strip() == b"chunked", answer.head
            self._chunked(answer)
        elif lengths:
            parts, left = [self.data[: int(lengths[0])]], int(lengths[0])
            self.data, left = self.data[left:], left - len(parts[0])
            while left and self.more():
                parts.append(self.data[:left])
                self.data, left = self.data[left:], left - len(parts[-1])
            answer.body = b"".join(parts)
            answer.whole = len(answer.body) == int(lengths[0])
        else:
            while self.more():
                pass
            answer.body, self.data = self.data, b""
            answer.whole = not self.reset

    def _line(self) -> bytes:
        while b"\n" not in self.data:
            if not self.more():
                return b""
        at = self.data.index(b"\n") + 1
        line, self.data = self.data[:at], self.data[at:]
        return line

    def _chunked(self, answer: Answer) -> None:
        parts: list[bytes] = []
        while line := self._line():
            match = CHUNK.fullmatch(line)
            if match is None:
                break
            size = int(match[1], 16)
            if not size:
                while (line := self._line()) and line != b"\r\n":
                    pass
                answer.whole = line == b"\r\n"
                break
            while len(self.data) < size + 2 and self.more():
                pass
            parts.append(self.data[:size])
            ending, self.data = self.data[size : size + 2], self.data[size + 2 :]
            if ending != b"\r\n":
                break
        answer.body = b"".join(parts)


def chunked(body: bytes, sizes: list[int], *, last: bool = True) -> bytes:
    """`body` in chunked coding, cut at `sizes`."""
    out, at = [], 0
    for size in [*sizes, len(body)]:
        part = body[at : at + size]
        at += size
        if part:
            out.append(b"%x\r\n%b\r\n" % (len(part), part))
    return b"".join(out) + (b"0\r\n\r\n" if last else b"")


def payload(wire: bytes) -> bytes:
    """What there is of the payload in the first bytes of a chunked body."""
    out, at = [], 0
    while (end := wire.find(b"\r\n", at)) >= 0:
        size = int(wire[at:end].split(b";")[0], 16)
        if not size:
            break
        out.append(wire[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(out)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places (taken modulo its length)."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]
