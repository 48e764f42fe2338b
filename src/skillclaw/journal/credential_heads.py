"""Headers and paths of one exchange, masked, and what is looked for elsewhere because it stood in them.

What a name says to be a credential is one whatever it is. Under other names, keys are known by their form,
by the names that stand before them (`{"api_key": "..."}`, `token=...`), and in a request because they look
random.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

import msgspec

from skillclaw.journal.credential_signs import (
    SESSION_HEADERS,
    WORDS,
    cookie_stands_out,
    secret_name,
    secret_parameter,
    stands_out,
)
from skillclaw.journal.redact_entropy import random_tokens

__all__ = ["Masked", "mask_header", "mask_path"]

SCHEME = re.compile(r"(?i)(bearer|basic|digest|token|apikey|negotiate|dpop|aws4-hmac-sha256)\s+(.+)", re.S)
KEY_LIKE = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"
    r"|\b(?:sk|pk|rk|ek|sess)[-_][A-Za-z0-9_-]{12,}"
    r"|\b(?:gh[opusr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|gsk_|xai-|pplx-|nvapi-)[A-Za-z0-9_-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
ANY_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,40})\s+(.+)", re.S)
"""How an authorization header begins, whatever its scheme is: `Key ...`, `OAuth ...`, `SSWS ...`."""
KIND = 80
"""Characters of a header's name that placeholders have."""
SPLIT = re.compile(r"[\s,]")
"""What no single key holds; of one as `ID:KEY` the second part is the secret."""
PAIR = re.compile(
    r'"(?P<member>[^"\\]{1,80})"\s*:\s*"(?P<text>(?:[^"\\]|\\.)+)"'
    r'|(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z][A-Za-z0-9_.-]{0,79})="?(?P<value>[^"\s;,&]+)'
)
"""A member of a JSON object, or a pair as headers have them."""
PUBLIC = re.compile(
    r"(?i)(?:accept|content-|sec-|if-|user-agent|referer|origin|via|forwarded|baggage|sentry-|x-stainless-|x-amz-cf-|x-b3)"
)
PUBLIC_WORDS = frozenset(
    {"agent", "conversation", "device", "id", "ids", "machine", "metadata", "model", "request", "session"}
    | {"span", "thread", "trace", "traceparent", "tracestate", "uuid", "version"}
)
"""Headers and parameters whose values look random as they are made, and tell what belongs together."""


class Masked(msgspec.Struct, frozen=True):
    """A text without its credentials, and those that are looked for elsewhere: (value, kind)."""

    value: str
    found: tuple[tuple[str, str], ...] = ()


@lru_cache(2048)  # an agent's headers are the same in each request
def mask_header(name: str, value: str, *, asked: bool) -> Masked:
    """The header's value masked; `asked`: it is a request's."""
    kind = name.lower()[:KIND]
    if kind in ("cookie", "set-cookie"):
        cookies = value.split(";") if kind == "cookie" else [value.partition(";")[0]]
        values = (part.partition("=")[2].strip() for part in cookies)
        return Masked(f"<secret:{kind}>", tuple((one, kind) for one in values if cookie_stands_out(one)))
    if secret_name(name):
        return _credential(value.strip(), kind)
    if kind in SESSION_HEADERS or kind.startswith("x-codex-"):
        return Masked(value)
    if kind == "sec-websocket-protocol":
        return _subprotocols(value)
    return _unknown(name, value, kind, asked=asked)


def mask_path(path: str) -> Masked:
    """The path with the values of credential parameters masked, and keys that are a part of the path."""
    base, mark, query = path.partition("?")
    found = _telling(KEY_LIKE.findall(unquote(base)), "path")
    base = _without_keys(base)
    if not mark:
        return Masked(base, found)
    parts = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if equals and value:
            inner = _unknown(unquote(name), unquote_plus(value), "query", asked=True)
            if secret_parameter(unquote(name)) or inner.value != unquote_plus(value):
                found += inner.found
                found += _telling((value, unquote_plus(value), unquote(value)), "query")
                value = "<secret:query>"
        elif not equals and KEY_LIKE.search(unquote_plus(name)):
            found += _telling(KEY_LIKE.findall(unquote_plus(name)), "query")
            name = "<secret:query>"
        parts.append(name + equals + value)
    return Masked(base + mark + "&".join(parts), found)


def _without_keys(base: str) -> str:
    """A path without what looks like a key, also where a part of it is written as `%2D`."""
    parts = KEY_LIKE.sub("<secret:path>", base).split("/")
    return "/".join("<secret:path>" if KEY_LIKE.search(unquote(part)) else part for part in parts)


def _telling(values: Iterable[str], kind: str) -> tuple[tuple[str, str], ...]:
    """Of these values those that are looked for elsewhere, with their kind."""
    return tuple((value.strip(), kind) for value in values if stands_out(value.strip()))


def _credential(value: str, kind: str) -> Masked:
    """The value of a header whose name says that it is a credential."""
    known = SCHEME.fullmatch(value)
    shown = f"{known[1]} <secret:{kind}>" if known else f"<secret:{kind}>"
    authorization = "authorization" in kind
    scheme = known or (ANY_SCHEME.fullmatch(value) if authorization else None)
    if scheme is None:
        return Masked(shown, _telling([value], kind))
    found = [scheme[2]]
    if authorization:
        inner = ANY_SCHEME.fullmatch(scheme[2])  # some clients put one before a value that has its own
        found += [inner[2]] if inner else []
        found += _pairs(scheme[2], kind)[1]
        found += [part[2] for key in found if SPLIT.search(key) is None and (part := key.rpartition(":"))[1]]
    telling = _telling(found, kind)
    if scheme[1].lower() == "basic":
        telling += _basic(scheme[2], kind)
    return Masked(shown, telling)


def _basic(encoded: str, kind: str) -> tuple[tuple[str, str], ...]:
    """The password in a Basic credential, or the key in the user's place; nothing when it is none."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return ()
    if not password:
        return _telling([user], kind)
    return ((password, kind),) if stands_out(password, password=True) else ()


def _unknown(name: str, value: str, kind: str, *, asked: bool) -> Masked:
    """The value of a header or parameter whose name says nothing."""
    masked, keys = _pairs(value, kind)

    def hide(match: re.Match[str]) -> str:
        scheme = SCHEME.fullmatch(match[0])
        keys.append(scheme[2] if scheme else match[0])
        return f"<secret:{kind}>"

    masked = KEY_LIKE.sub(hide, masked)
    if asked and not _is_public(name):
        # With its name before it, which tells of ids and hashes.
        named, kept, done = f"{name}={masked}", list[str](), len(name) + 1
        for token in random_tokens(named):
            if token.end() > done:
                begin = max(token.start(), done)
                keys.append(named[begin : token.end()])
                kept += [named[done:begin], f"<secret:{kind}>"]
                done = token.end()
        masked = "".join([*kept, named[done:]])
    return Masked(masked, _telling(keys, kind))


def _is_public(name: str) -> bool:
    words = {word.lower() for word in WORDS.findall(name)}
    return PUBLIC.match(name) is not None or bool(words & PUBLIC_WORDS)


def _pairs(text: str, kind: str) -> tuple[str, list[str]]:
    """The text without the values that stand behind names of credentials, and those."""
    found: list[str] = []

    def hide(match: re.Match[str]) -> str:
        if not secret_name(match["member"] or match["name"]):
            return match[0]
        part = "text" if match["member"] else "value"
        found.extend({match[part], _unescaped(match[part])})
        start, end = (at - match.start() for at in match.span(part))
        return f"{match[0][:start]}<secret:{kind}>{match[0][end:]}"

    return PAIR.sub(hide, text), found


def _unescaped(text: str) -> str:
    """What a JSON string says; the text itself when it is none."""
    try:
        return msgspec.json.decode(f'"{text}"', type=str)
    except msgspec.DecodeError:
        return text


def _subprotocols(value: str) -> Masked:
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
    return Masked(", ".join(kept), _telling(found, "sec-websocket-protocol"))
