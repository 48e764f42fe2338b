"""Strings that people pass on: invites and requests to admit a key, and the address of a hub inside them.

A line of JSON (the fields, in their order) is written as an invite or a request with its right sum; anything
else is the string itself. What is read is then used as far as no network is needed.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec
from fuzzing.group import loaded

from skillclaw.errors import SkillClawError
from skillclaw.hub import invites
from skillclaw.hub.store_url import local_folder, masked, options_of, plain, scrubbed, secrets_of

ALLOWED = (SkillClawError,)
DICT = (
    b"skillclaw-invite-1:",
    b"skillclaw-key-1:",
    b"skillclaw-invite-2:",
    b"s3://",
    b"file://",
    b"az://",
    b"oss://",
    b"~",
    b"gs://",
    b"@",
    b"?region=x&endpoint=http://u:p@h",
    b"[",
    b"]",
    b"%00",
    b"://",
    b"\\",
    b"C:",
    b"//host/share",
)


def once(data: bytes) -> None:
    """An invite, a request, a URL."""
    told = loaded(data)
    if isinstance(told, list):
        fields = [
            one.encode("utf-8", "replace") if isinstance(one, str) and len(one) == 32 else one for one in told
        ]
        try:
            packed = msgspec.msgpack.encode(fields)
        except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return
        body = base64.urlsafe_b64encode(hashlib.sha256(packed).digest()[:6] + packed).decode().rstrip("=")
        for text in (f"skillclaw-invite-1:{body}", f"skillclaw-key-1:{body}"):
            _read(text)
        return
    text = data.decode("utf-8", "replace")
    _read(text)
    _url(text)


def _read(text: str) -> None:
    try:
        invite = invites.read_invite(text)
    except SkillClawError:
        invites.read_request(text)
    else:
        assert invites.read_invite(invites.write(invite)) == invite
        _url(invite.url)


def _url(url: str) -> None:
    local_folder(url)
    options_of(url)
    shown = scrubbed(masked(url), secrets_of(url, {}))
    kept, _ = invites.shareable(url)
    assert isinstance(shown + plain(kept), str)
