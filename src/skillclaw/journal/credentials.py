"""Credentials never reach a disk: they are replaced by typed placeholders before a record is written (7.3).

By name (headers, query values), by form (`Bearer ...`, `sk-...`), and then by value: what was found in
headers and query is replaced wherever it occurs in the exchange, bodies included. Names that tell sessions
apart are kept; without them a conversation could not be followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

import msgspec

from skillclaw.journal.records import Exchange
from skillclaw.wire.body import plain

__all__ = ["Masker", "secret_name"]

SESSION_HEADERS = frozenset(
    {
        "goose-session-id",
        "session-id",
        "session_id",
        "thread-id",
        "x-claude-code-agent-id",
        "x-claude-code-session-id",
        "x-client-request-id",
        "x-opencode-session",
        "x-parent-session-id",
        "x-qwenpaw-session",
        "x-session-affinity",
        "x-session-id",
    }
)
SECRET_WORDS = frozenset(
    {"apikey", "auth", "authentication", "authorization", "cookie", "credential", "credentials", "csrf"}
    | {"jwt", "key", "passphrase", "passwd", "password", "pwd", "secret", "sig", "signature", "token", "xsrf"}
)
SECRET_ENDS = ("accesstoken", "apikey", "authtoken", "cookie", "password", "secret", "token")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SCHEME = re.compile(r"(?i)(bearer|basic|digest|token|apikey|negotiate|dpop|aws4-hmac-sha256)\s+(.+)", re.S)
KEY_LIKE = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"
    r"|\b(?:sk|pk|rk|ek|sess)[-_][A-Za-z0-9_-]{12,}"
    r"|\b(?:gh[opusr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|gsk_|xai-|pplx-|nvapi-)[A-Za-z0-9_-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
SIGN_IN = re.compile(r"(?i)(?:^|/)(?:oauth2?|token|login|auth)(?:[/?]|$)")
"""Paths whose bodies are credentials themselves."""
SHORTEST = 8
"""A value below this would be found by chance in any text; no key is that short."""
DUMMIES = frozenset({"anything", "lm-studio", "no-key-required", "not-needed", "sk-no-key-required"})
"""What people give as a key where none is asked for: words, not secrets."""
REMEMBERED = 32
UNFIT = re.compile(r"[^a-z0-9-]")
"""What a kind in a keyed placeholder cannot hold (`journal.redact_text`)."""
LARGEST_INFLATED = 64 << 20


@lru_cache(1024)
def secret_name(name: str) -> bool:
    """Whether a header or query parameter of this name holds a credential."""
    lower = name.lower()
    if lower in SESSION_HEADERS or lower.startswith("x-codex-") or lower.endswith("idempotency-key"):
        return False
    words = {word.lower() for word in WORDS.findall(name)}
    return bool(words & SECRET_WORDS) or lower.endswith(SECRET_ENDS)


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
        request_headers = _headers(exchange.request_headers, self._keys, seen)
        cookies = list(seen)
        response_headers = _headers(exchange.response_headers, seen, seen)
        path = _query(exchange.path, self._keys)
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        if self._learned is not None:
            for value in (*self._keys, *cookies):
                self._learned(value)
        secrets = [
            (value, self._placeholder(value, kind))
            for value, kind in sorted((self._keys | seen).items(), key=lambda item: -len(item[0]))
        ]
        error = exchange.error
        request_body, response_body = exchange.request_body, exchange.response_body
        if SIGN_IN.search(exchange.path.partition("?")[0]) and (request_body or response_body):
            request_body = response_body = b""
            error = error or "bodies of sign-in requests are not kept"
        request_headers, request_body = _body(request_headers, request_body, secrets)
        response_headers, response_body = _body(response_headers, response_body, secrets)
        return msgspec.structs.replace(
            exchange,
            path=_text(path, secrets),
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


class _Masked(msgspec.Struct, frozen=True):
    """A header without its credentials, and those: (value, kind)."""

    value: str
    found: tuple[tuple[str, str], ...] = ()


def _learn(found: Iterable[tuple[str, str]], into: dict[str, str]) -> None:
    for value, kind in found:
        value = value.strip()
        if len(value) >= SHORTEST and value.lower() not in DUMMIES:
            into.pop(value, None)
            into[value] = kind


@lru_cache(2048)  # an agent's headers are the same in each request
def _header(name: str, value: str) -> _Masked:
    """The header's value masked."""
    kind = name.lower()
    if kind in ("cookie", "set-cookie"):
        cookies = value.split(";") if kind == "cookie" else [value.partition(";")[0]]
        return _Masked(f"<secret:{kind}>", tuple((part.partition("=")[2], kind) for part in cookies))
    if secret_name(name):
        scheme = SCHEME.fullmatch(value.strip())
        if scheme is None:
            return _Masked(f"<secret:{kind}>", ((value, kind),))
        found = [(scheme[2], kind)]
        if scheme[1].lower() == "basic":
            found.append((_password(scheme[2]), kind))
        return _Masked(f"{scheme[1]} <secret:{kind}>", tuple(found))
    if kind in SESSION_HEADERS or kind.startswith("x-codex-"):
        return _Masked(value)
    if kind == "sec-websocket-protocol":
        return _subprotocols(value)
    found = []

    def hide(match: re.Match[str]) -> str:
        scheme = SCHEME.fullmatch(match[0])
        found.append((scheme[2] if scheme else match[0], kind))
        return f"<secret:{kind}>"

    return _Masked(KEY_LIKE.sub(hide, value), tuple(found))


def _subprotocols(value: str) -> _Masked:
    """Browsers' WebSockets have no headers of their own, so that keys come as subprotocols: after a dot
    (`openai-insecure-api-key.KEY`), or as the one after a name (`access_token, KEY`).
    """
    kept, found, named = [], [], False
    for part in map(str.strip, value.split(",")):
        ends = [at for at, char in enumerate(part) if char == "."]
        dot = next((at for at in ends if secret_name(part[:at])), None)
        if dot is not None:
            found += [part[dot + 1 :], part.rpartition(".")[2]]
            part = part[: dot + 1] + "<secret:sec-websocket-protocol>"
        elif named or KEY_LIKE.search(part):
            found.append(part)
            part = "<secret:sec-websocket-protocol>"
        named = dot is None and secret_name(part)
        kept.append(part)
    return _Masked(", ".join(kept), tuple((secret, "sec-websocket-protocol") for secret in found))


def _headers(
    headers: Iterable[tuple[str, str]], keys: dict[str, str], cookies: dict[str, str]
) -> list[tuple[str, str]]:
    """The headers masked; their keys go to `keys`, their cookies to `cookies`."""
    masked = []
    for name, value in headers:
        made = _header(name, value)
        if made.found:
            _learn(made.found, cookies if name.lower() in ("cookie", "set-cookie") else keys)
        masked.append((name, made.value))
    return masked


def _password(encoded: str) -> str:
    """The password in a Basic credential; empty when it is none."""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return ""


def _query(path: str, keys: dict[str, str]) -> str:
    """The path with the values of credential parameters masked, and keys that are a part of the path."""
    base, mark, query = path.partition("?")
    _learn([(key, "path") for key in KEY_LIKE.findall(unquote(base))], keys)
    base = KEY_LIKE.sub("<secret:path>", base)
    if not mark:
        return base
    parts = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if equals and value and (secret_name(unquote(name)) or KEY_LIKE.search(unquote(value))):
            _learn([(text, "query") for text in (value, unquote_plus(value), unquote(value))], keys)
            value = "<secret:query>"
        parts.append(name + equals + value)
    return base + mark + "&".join(parts)


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
