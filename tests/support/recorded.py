"""Exchanges of real clients as packaged in tests/wire/fixtures, and such as are made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skillclaw.journal.records import Exchange
from skillclaw.wire.records import Call

FIXTURES = Path(__file__).parents[1] / "wire" / "fixtures"


def lines(messages: list[Any]) -> bytes:
    """Messages of one side of a WebSocket as the record holds them."""
    return b"\n".join(json.dumps(message).encode() for message in messages)


def recorded(name: str) -> list[Exchange]:
    """The exchanges of a fixture, oldest first."""
    found = []
    for one in json.loads((FIXTURES / name).read_text("utf-8")):
        asked, told = one.pop("request", None), one.pop("response", "")
        if "request_messages" in one:
            request, response = lines(one.pop("request_messages")), lines(one.pop("response_messages"))
        else:
            request, response = json.dumps(asked).encode() if asked else b"", told.encode()
        one["request_headers"] = [(k, v) for k, v in one["request_headers"]]
        one["response_headers"] = [(k, v) for k, v in one["response_headers"]]
        found.append(Exchange(**one, request_body=request, response_body=response))
    return found


def call_of(exchange: Exchange) -> Call:
    """What the wire room takes of an exchange."""
    return Call(
        method=exchange.method,
        path=exchange.path,
        request_headers=exchange.request_headers,
        request_body=exchange.request_body,
        status=exchange.status,
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        complete=exchange.complete,
        error=exchange.error,
    )


def post(path: str, request: Any, response: Any = None, **rest: Any) -> Call:
    """A request with JSON (or bytes) both ways."""
    rest.setdefault("response_headers", [("content-type", "application/json")])
    return Call(
        method=rest.pop("method", "POST"),
        path=path,
        request_body=request if isinstance(request, bytes) else json.dumps(request).encode(),
        status=rest.pop("status", 200),
        response_body=response if isinstance(response, bytes) else json.dumps(response).encode(),
        **rest,
    )
