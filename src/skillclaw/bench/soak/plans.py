"""What one request of the soak is: its body, its answer, and how it must end; pure functions of its number.

Client, upstream and the reader of the journal each make the bytes anew, so that none trusts another.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from functools import lru_cache
from typing import NamedTuple

__all__ = ["HUGE", "KINDS", "MARK", "Kind", "Plan", "answer_of", "body_of", "from_mark"]

MARK = "x-soak"
"""The header that carries a plan to the upstream and into the journal."""
HUGE = 20_000_000
"""Bytes of the largest bodies: images in a conversation."""
CONVERSATIONS = 40
TURNS = 30


class Kind(NamedTuple):
    """One kind of request.

    weight   how often it comes, against the others; 0: not at random
    status   what the client must see; 0: its connection may also just end
    whole    whether the answer comes to its end
    coding   Content-Encoding of the answer
    events   events of a streamed answer, `gap` seconds apart; 0: a document
    size     bytes of a document; large ones are not compressible
    upload   bytes of the request body; 0: a turn of a conversation
    """

    name: str
    weight: float
    status: int = 200
    whole: bool = True
    coding: str = ""
    events: int = 0
    gap: float = 0.0
    size: int = 3_000
    upload: int = 0
    method: str = "POST"


_ALL = (
    Kind("short", 22, events=10),
    Kind("long", 4, events=400),
    Kind("paced", 6, events=20, gap=0.02),
    Kind("json", 14),
    Kind("gzip", 4, coding="gzip", events=60),
    Kind("br", 4, coding="br", size=20_000),
    Kind("zstd", 2, coding="zstd", size=20_000),
    Kind("upload-gzip", 2),
    Kind("upload-chunked", 4, upload=40_000),
    Kind("upload-200kb", 6, events=10, upload=200_000),
    Kind("upload-20mb", 0, upload=HUGE),
    Kind("answer-20mb", 0, size=HUGE),
    Kind("slow-reader", 0.6, size=4_000_000),
    Kind("no-length", 3, events=30),
    Kind("stall", 0.6, events=10),
    Kind("leave", 4, whole=False, events=200, gap=0.02),
    Kind("leave-early", 2, whole=False),
    Kind("reset-before", 2, status=0, whole=False),
    Kind("reset-inside", 2, whole=False, events=50),
    Kind("cut-chunked", 2, whole=False, events=50),
    Kind("cut-sized", 2, whole=False, size=30_000),
    Kind("refused", 2, status=0, whole=False),
    Kind("status-429", 2, status=429),
    Kind("status-500", 2, status=500),
    Kind("status-529", 2, status=529),
    Kind("head", 1, method="HEAD", size=0),
    Kind("models", 1, method="GET"),
    Kind("websocket", 1, method="GET"),
)
KINDS = {kind.name: kind for kind in _ALL}


class Plan(NamedTuple):
    """A request: its kind and its number in the run."""

    kind: Kind
    number: int
    seed: int

    @property
    def mark(self) -> str:
        """The value of the header MARK."""
        return f"{self.seed}/{self.kind.name}/{self.number}"

    @property
    def path(self) -> str:
        """The API's path."""
        return {"models": "/v1/models", "websocket": "/v1/responses"}.get(
            self.kind.name, "/v1/chat/completions"
        )


def from_mark(mark: str) -> Plan:
    """The plan that a header names; ValueError."""
    seed, name, number = mark.split("/")
    if name not in KINDS:
        raise ValueError(f"no such kind: {name}")
    return Plan(KINDS[name], int(number), int(seed))


@lru_cache(1)
def _text() -> str:
    """A megabyte of words, to cut messages from."""
    source = random.Random(7)  # noqa: S311  drawn again
    words = [
        "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))) for _ in range(4_000)
    ]
    return " ".join(source.choices(words, k=160_000))


@lru_cache(1)
def _noise() -> str:
    """4 MB that do not compress, as images do."""
    return base64.b64encode(random.Random(8).randbytes(3_000_000)).decode()  # noqa: S311  drawn again


def _passage(at: int, size: int) -> str:
    text = _text()
    begin = at * 631 % (len(text) - size)
    return text[begin : begin + size]


def _large(number: int, size: int) -> str:
    noise = _noise()
    return f"{number}." + (noise * (size // len(noise) + 1))[:size]


def body_of(plan: Plan) -> bytes:
    """The request body as it goes on the wire; a conversation's next turn repeats the turns before it."""
    kind, number = plan.kind, plan.number
    if kind.method != "POST":
        return b""
    if kind.upload:
        said = _large(number, kind.upload) if kind.upload > 1_000_000 else _passage(number, kind.upload)
        messages = [{"role": "user", "content": said}]
    else:
        conversation, turn = number % CONVERSATIONS, number // CONVERSATIONS % TURNS
        first = plan.seed + conversation * 7_919 + number // (CONVERSATIONS * TURNS) * 104_729
        messages = [
            {"role": ("user", "assistant")[at % 2], "content": _passage(first + at, 300 + first % 200)}
            for at in range(2 * turn + 1)
        ]
    document = {"model": "soak", "stream": bool(kind.events), "messages": messages}
    data = json.dumps(document, separators=(",", ":")).encode()
    return gzip.compress(data, 1, mtime=0) if kind.name == "upload-gzip" else data


def events_of(plan: Plan) -> list[bytes]:
    """The events of a streamed answer, before any coding."""
    return [
        b'data: {"id":"%d","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
        % (plan.number, _passage(plan.number + at, 40).encode())
        for at in range(plan.kind.events)
    ]


def answer_of(plan: Plan) -> bytes:
    """The body of the upstream's answer as it goes on the wire, whether or not all of it will be sent."""
    kind = plan.kind
    if kind.events:
        data = b"".join(events_of(plan))
    elif kind.size == 0:
        data = b""
    else:
        said = _large if kind.size > 1_000_000 else _passage
        data = b'{"id":"%d","content":"%b"}' % (plan.number, said(plan.number, kind.size).encode())
    return coded(data, kind.coding)


def coded(data: bytes, coding: str) -> bytes:
    """`data` in a content coding (RFC 9110 8.4.1)."""
    if coding == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if coding == "br":
        import brotli

        packed: bytes = brotli.compress(data, quality=2)
        return packed
    if coding == "zstd":
        from skillclaw import zstd

        return zstd.compress(data, 1)
    return data
