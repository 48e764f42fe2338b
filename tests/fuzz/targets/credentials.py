"""Exchanges before they reach a disk: whatever shape the headers, paths and bodies have, the key that a
request brought in a header is not in what is kept.

Framed as `fuzzing.exchanges` has it.
"""

from __future__ import annotations

from fuzzing.exchanges import read
from msgspec.structs import replace

from skillclaw.journal.credentials import Masker

KEY = "sk-Zq8vK2mT5xW9bN3cR7yL1pD4"
DICT = (
    b"authorization",
    b"Bearer ",
    b"Basic ",
    b"cookie",
    b"set-cookie",
    b"x-api-key",
    b"?key=",
    b"&api_key=",
    b"content-encoding",
    b"gzip",
    b"/oauth/token",
    b"?code=",
    b"x-portkey-config",
    b'{"api_key":"',
    b"x-pass",
    b"Key ",
    b"sec-websocket-protocol",
    b"proxy-authorization",
    b"\n==>\n",
    KEY.encode(),
    b"%73k-",
)


def once(data: bytes) -> None:
    """The exchange is masked, with and without keyed placeholders."""
    for key in (None, b"k" * 32):
        masker = Masker(key)
        for one in read(data)[:3]:
            headers = [*one.request_headers, ("Authorization", f"Bearer {KEY}")]
            kept = masker.mask(replace(one, request_headers=headers))
            told = [kept.path, kept.error, *(value for _, value in kept.request_headers)]
            told += [value for _, value in kept.response_headers]
            assert not any(KEY in text for text in told)
