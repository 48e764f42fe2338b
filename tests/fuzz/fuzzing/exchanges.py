"""Inputs that are recorded exchanges, written so that a mutation finds its way into their JSON.

Each is a line of JSON (method, path, agent, status, both sides' headers), the request's body up to an empty
line with `==>`, and the response's body; `<==` on a line of its own parts one from the next.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import zstandard

from skillclaw.journal.records import Exchange

__all__ = ["MOST", "read", "write"]

MOST = 8
"""Exchanges of one input that are looked at."""
BODIES = ("request", "response", "request_messages", "response_messages")


def read(data: bytes) -> list[Exchange]:
    """The exchanges; a head that cannot be read counts as an empty one, since the bodies are what matters."""
    found = []
    for number, part in enumerate(data.split(b"\n<==\n")[:MOST]):
        line, _, bodies = part.partition(b"\n")
        request, _, response = bodies.partition(b"\n==>\n")
        try:
            head = json.loads(line)
        except (ValueError, RecursionError):
            head = {}
        head = head if isinstance(head, dict) else {}
        asked, answered = _pairs(head.get("request_headers")), _pairs(head.get("response_headers"))
        found.append(
            Exchange(
                id=f"{number:016x}",
                agent=_word(head, "agent", "codex"),
                method=_word(head, "method", "POST"),
                path=_word(head, "path", "/v1/messages"),
                started=1_800_000_000.0 + number,
                finished=1_800_000_001.0 + number,
                request_headers=asked,
                request_body=_packed(request, asked),
                status=head["status"] if isinstance(head.get("status"), int) else 200,
                response_headers=answered,
                response_body=_packed(response, answered),
                complete=head.get("complete") is not False,
                error=_word(head, "error", ""),
            )
        )
    return found


def write(exchanges: list[dict[str, Any]]) -> bytes:
    """The input for exchanges as the fixtures of `tests/wire` have them."""
    parts = []
    for one in exchanges:
        head = {name: value for name, value in one.items() if name not in BODIES}
        if "request_messages" in one:  # of a WebSocket, one a line
            request, response = (
                "\n".join(json.dumps(message, ensure_ascii=False) for message in one[name])
                for name in ("request_messages", "response_messages")
            )
        else:
            request = json.dumps(one["request"], ensure_ascii=False) if one["request"] else ""
            response = one["response"]
        parts.append("\n".join((json.dumps(head), request, "==>", response)))
    return "\n<==\n".join(parts).encode()


def _word(head: dict[str, Any], name: str, otherwise: str) -> str:
    value = head.get(name)
    # What came over HTTP has no halves of surrogate pairs.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else otherwise


def _pairs(value: Any) -> list[tuple[str, str]]:
    pairs = value if isinstance(value, list) else []
    return [
        (str(one[0]).encode("utf-8", "replace").decode(), str(one[1]).encode("utf-8", "replace").decode())
        for one in pairs
        if isinstance(one, list) and len(one) == 2
    ]


def _packed(body: bytes, headers: list[tuple[str, str]]) -> bytes:
    """The body in the coding that its header names, so that what is inside is read; else as it is."""
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), "")
    if coding == "gzip":
        return gzip.compress(body, 1, mtime=0)
    return zstandard.ZstdCompressor(level=1).compress(body) if coding == "zstd" else body
