"""One call of a Chat Completions endpoint, with a limit on all of its time; failures are values."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from skillclaw.headless.agents.model import Endpoint
from skillclaw.headless.tasks.model import Message
from skillclaw.trajectory.model import Record

__all__ = ["Answer", "Call", "ask"]

LARGEST = 16_000_000
"""Bytes of an answer that are read."""
MOST = 10**9
"""A count of tokens beyond this is none."""


class Call(Record, frozen=True, kw_only=True):
    """A tool call of the model. `fault` says what is wrong with its arguments, if they cannot be used."""

    id: str
    name: str
    arguments: dict[str, Any]
    raw: str
    fault: str = ""


class Answer(Record, frozen=True, kw_only=True):
    """What the model said. With `error` there is no answer, with `late` none in time; tokens as its server
    counts them."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    late: bool = False
    error: str = ""


def ask(
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    tools: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    headers: Mapping[str, str],
    seconds: float,
) -> Answer:
    """Ask the model and wait for all of its answer, `seconds` at most; it never raises for what a server
    does."""
    body = {"model": endpoint.model, "messages": list(messages), **options}
    if tools:
        body["tools"] = list(tools)
    sent = {"Content-Type": "application/json", **headers}
    if endpoint.key:
        sent["Authorization"] = f"Bearer {endpoint.key}"
    end = time.monotonic() + seconds
    try:
        status, data = _post(f"{endpoint.base_url.rstrip('/')}/chat/completions", sent, body, end)
    except TimeoutError:
        return Answer(late=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(error=f"The model could not be reached: {error or type(error).__name__}.")
    if status != 200:
        return Answer(error=f"The model's server answered {status}: {_reason(data)}")
    return _read(data)


def _post(url: str, headers: Mapping[str, str], body: Any, end: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not a URL of a model")
    # A proxy in the environment is not asked: what is measured goes where it was told to.
    connection = kind(parts.hostname, parts.port, timeout=max(0.001, end - time.monotonic()))
    with contextlib.closing(connection), _ends(connection, end):
        connection.request("POST", parts.path, json.dumps(body).encode(), dict(headers))
        response = connection.getresponse()
        data = bytearray()
        while part := response.read1(65536):
            data += part
            if len(data) > LARGEST:
                raise ValueError(f"its answer has more than {LARGEST} bytes")
        if response.length:
            raise ValueError("it broke off in the middle of its answer")
        return response.status, bytes(data)


@contextmanager
def _ends(connection: http.client.HTTPConnection, end: float) -> Iterator[None]:
    """Ends all that is done with `connection` at `end`, with TimeoutError: the limit of a socket is for each
    wait, and a server that drips its head or its answer would never reach it."""
    connection.connect()
    used = connection.sock
    over = threading.Event()

    def cut() -> None:
        over.set()
        with contextlib.suppress(OSError):
            used.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, end - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError


def _reason(data: bytes) -> str:
    text = data[:2000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        text = str(json.loads(data)["error"]["message"])
    return " ".join(text.split())[:300] or "(nothing)"


def _read(data: bytes) -> Answer:
    try:
        body = json.loads(data)
        message = body["choices"][0]["message"]
        given = message.get("tool_calls") or []
        text = message.get("content") or ""
        if isinstance(text, list):
            text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
        calls = tuple(_call(number, call) for number, call in enumerate(given))
        usage = body.get("usage") or {}
        counts = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        start = " ".join(data[:200].decode("utf-8", "replace").split())
        return Answer(error=f"The model's server gave no Chat Completions answer: {start or '(nothing)'}")
    tokens = [count if isinstance(count, int) and 0 < count < MOST else 0 for count in counts]
    return Answer(text=str(text), calls=calls, tokens_in=tokens[0], tokens_out=tokens[1])


def _call(number: int, call: Any) -> Call:
    function = call["function"]
    raw = function.get("arguments")
    if not isinstance(raw, str):
        raw = json.dumps(raw if raw is not None else {})
    fault, arguments = "", {}
    try:
        arguments = json.loads(raw or "{}")
        if not isinstance(arguments, dict):
            fault, arguments = "The arguments must be a JSON object.", {}
    except (ValueError, RecursionError) as error:
        fault = f"The arguments are not JSON: {error}."
    return Call(
        id=str(call.get("id") or f"call_{number}"),
        name=str(function.get("name") or ""),
        arguments=arguments,
        raw=raw,
        fault=fault,
    )
