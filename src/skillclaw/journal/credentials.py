"""Credentials never reach a disk: they are replaced by typed placeholders before a record is written (7.3).

By name (headers, query values), by form (`Bearer ...`, `sk-...`), and then by value: what was found in
headers and query is replaced wherever it occurs in the exchange, bodies included, also as JSON writes it,
unless it is a word that texts hold by themselves (`journal.credential_signs`). Names that tell sessions apart
are kept; without them a conversation could not be followed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote

import msgspec

from skillclaw.journal.credential_heads import mask_header, mask_path
from skillclaw.journal.credential_signs import secret_name
from skillclaw.journal.records import Exchange
from skillclaw.wire.body import plain
from skillclaw.wire.routes import is_socket, protocol_of

__all__ = ["Masker", "secret_name"]

SIGN_IN = re.compile(r"(?i)(?:^|/)(?:oauth2?|token|login|auth)(?:[/?]|$)")
"""Paths whose bodies are credentials themselves, unless they are known to lead to an LLM."""
REMEMBERED = 32
UNFIT = re.compile(r"[^a-z0-9-]")
"""What a kind in a keyed placeholder cannot hold (`journal.redact_text`)."""
DEEP = 2
"""How often a text is written as JSON: an argument of a call is JSON in a JSON string."""
ESCAPED = re.compile(r"%[0-9A-F]{2}")
GO = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
"""What some writers of JSON escape for pages' sake (Go's is one)."""
LARGEST_INFLATED = 64 << 20


class Masker:
    """Masks exchanges; remembers the run's last keys, so that an answer that repeats one is masked too.

    With `key`, what is replaced in bodies gets the placeholder that redaction gives the same value in other
    sessions. `learned` is told each key and each cookie that a request brought, every time.
    """

    def __init__(self, key: bytes | None = None, learned: Callable[[str], None] | None = None) -> None:
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._key = key
        self._learned = learned

    def mask(self, exchange: Exchange) -> Exchange:
        """`exchange` without any credential that it or the run used."""
        seen: dict[str, str] = {}
        request_headers = _headers(exchange.request_headers, self._keys, seen, asked=True)
        cookies = list(seen)
        response_headers = _headers(exchange.response_headers, seen, seen, asked=False)
        asked = mask_path(exchange.path)
        _learn(asked.found, self._keys)
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        if self._learned is not None:
            for value in (*self._keys, *cookies):
                self._learned(value)
        secrets = [
            (form, self._placeholder(value, kind))
            for value, kind in (self._keys | seen).items()
            for form in _forms(value)
        ]
        secrets.sort(key=lambda item: -len(item[0]))
        error = exchange.error
        request_body, response_body = exchange.request_body, exchange.response_body
        if (request_body or response_body) and _is_sign_in(exchange):
            request_body = response_body = b""
            error = error or "bodies of sign-in requests are not kept"
        request_headers, request_body = _body(request_headers, request_body, secrets)
        response_headers, response_body = _body(response_headers, response_body, secrets)
        return msgspec.structs.replace(
            exchange,
            path=_text(asked.value, secrets),
            request_headers=_texts(request_headers, secrets),
            response_headers=_texts(response_headers, secrets),
            request_body=request_body,
            response_body=response_body,
            error=_text(error, secrets),
        )

    def _placeholder(self, value: str, kind: str) -> str:
        return f"<secret:{kind}>" if self._key is None else _keyed(self._key, value, kind)


@lru_cache(256)
def _keyed(key: bytes, value: str, kind: str) -> str:
    digest = hmac.digest(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:6]
    return f"<secret:{UNFIT.sub('-', kind)[:40]}:{digest}>"


@lru_cache(256)
def _forms(value: str) -> frozenset[str]:
    """A value as it is, as URLs and forms have it, and as writers of JSON escape it."""
    quoted = quote(value, safe="")
    forms = {value, quoted, ESCAPED.sub(lambda found: found[0].lower(), quoted)}
    for _ in range(DEEP):
        forms |= {written for form in forms for written in _written(form)}
    return frozenset(forms)


def _written(text: str) -> Iterable[str]:
    """What may stand between the quotes of a JSON string that says `text`."""
    for ascii_only in (False, True):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield from (written, written.replace("/", r"\/"), written.translate(GO))


def _is_sign_in(exchange: Exchange) -> bool:
    """Whether the bodies are credentials; a gateway may have its LLM at `/auth/v1/chat/completions`."""
    if not SIGN_IN.search(exchange.path.partition("?")[0]):
        return False
    socket = is_socket(exchange.method, exchange.status, exchange.request_headers)
    return protocol_of("POST" if socket else exchange.method, exchange.path) is None


def _learn(found: Iterable[tuple[str, str]], into: dict[str, str]) -> None:
    for value, kind in found:
        into.pop(value, None)
        into[value] = kind


def _headers(
    headers: Iterable[tuple[str, str]], keys: dict[str, str], cookies: dict[str, str], *, asked: bool
) -> list[tuple[str, str]]:
    """The headers masked, of a request or an answer; their keys go to `keys`, their cookies to `cookies`."""
    masked = []
    for name, value in headers:
        made = mask_header(name, value, asked=asked)
        if made.found:
            _learn(made.found, cookies if name.lower() in ("cookie", "set-cookie") else keys)
        masked.append((name, made.value))
    return masked


def _text(text: str, secrets: Iterable[tuple[str, str]]) -> str:
    for secret, placeholder in secrets:
        if secret in text:
            text = text.replace(secret, placeholder)
    return text


def _texts(headers: list[tuple[str, str]], secrets: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined = "\n".join([value for _, value in headers])
    if not any(secret in joined for secret, _ in secrets):
        return headers
    return [(name, _text(value, secrets)) for name, value in headers]


def _replace(body: bytes, secrets: Iterable[tuple[str, str]]) -> bytes:
    for secret, placeholder in secrets:
        raw = secret.encode("utf-8", "surrogateescape")
        if raw in body:
            body = body.replace(raw, placeholder.encode("utf-8"))
    return body


def _body(
    headers: list[tuple[str, str]], body: bytes, secrets: list[tuple[str, str]]
) -> tuple[list[tuple[str, str]], bytes]:
    """The body masked. A compressed one stays as it is unless a secret is inside; then it is inflated.

    One that cannot be inflated is not kept: nobody could read it later, or see what it holds.
    """
    if not body or not secrets:
        return headers, body
    encoding = ",".join(v.strip().lower() for n, v in headers if n.lower() == "content-encoding")
    if encoding.strip(", ") not in ("", "identity"):
        clear = plain(body, encoding, LARGEST_INFLATED)
        if clear is None:
            return headers, b""
        masked = _replace(clear, secrets)
        if masked is not clear or len(clear) >= LARGEST_INFLATED:
            return [(n, v) for n, v in headers if n.lower() != "content-encoding"], masked
    return headers, _replace(body, secrets)
