"""The strings that people pass on: an invite to a group, and a request to admit a key. Pure.

`skillclaw-invite-1:` and base64url (no padding) of 6 bytes of SHA-256 and a msgpack array (`Invitation`);
`skillclaw-key-1:` likewise (`KeyRequest`). The checksum finds a string that was cut or mistyped. Whoever can
replace the whole string can lead to another group, so it has to come from the owner on a way that is trusted.
An invite is a secret until it was used: it holds the one-time key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, UpgradeNeededError
from skillclaw.hub import keys
from skillclaw.hub.keys import SigningKey
from skillclaw.hub.records import Invite, Role
from skillclaw.hub.statements import statement
from skillclaw.hub.store import local_folder, plain
from skillclaw.trajectory.model import Ready

__all__ = ["Invitation", "KeyRequest", "read_invite", "read_request", "shareable", "why_not_join", "write"]

_S3 = ("region", "endpoint", "virtual_hosted_style_request", "endpoint_url")
_OPTIONS = {
    "s3": frozenset([*_S3, *(f"aws_{name}" for name in _S3), "style", "checksums"]),
    "az": frozenset(["account_name", "azure_storage_account_name"]),
}
"""Options of a URL that say where the storage is, hold no credential, and cannot send one to somebody else.

S3's key stays here whatever the endpoint is: requests are signed with it, OSS's too. A token for Azure or
Google goes to the endpoint as it is, and other options have obstore read files and send them to where they
say.
"""
_CHECK = 6
_MAX = 8192


class Invitation(msgspec.Struct, frozen=True, kw_only=True, array_like=True, metaclass=Ready):
    """What an invite says.

    url        where the hub lies, without credentials
    group      its group's id; owner: the founder's key in hub.json (32 bytes)
    seq, tip, head  the last entry of the log that the owner saw, the hash of its bytes, the head after it
    role, expires, name  as in the log, which decides
    seed       of the one-time key
    hub        what the owner calls the hub
    """

    url: str
    group: str
    owner: bytes
    seq: int
    tip: bytes
    head: bytes
    role: str
    expires: str
    name: str
    seed: bytes
    hub: str

    @property
    def key(self) -> SigningKey:
        """The one-time key."""
        return SigningKey(self.seed)


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, array_like=True, metaclass=Ready):
    """What `hub key` asks an owner to admit; `sig` is by the key itself (statements.request)."""

    group: str
    public: str
    role: Role
    name: str
    sealing: str
    sig: str


_PREFIX: dict[type[msgspec.Struct], str] = {Invitation: "skillclaw-invite", KeyRequest: "skillclaw-key"}
_Given = TypeVar("_Given", Invitation, KeyRequest)


def write(told: Invitation | KeyRequest) -> str:
    """The one string that says it."""
    data = msgspec.msgpack.encode(told)
    checked = hashlib.sha256(data).digest()[:_CHECK] + data
    return f"{_PREFIX[type(told)]}-1:{base64.urlsafe_b64encode(checked).decode().rstrip('=')}"


def read_invite(text: str) -> Invitation:
    """The invite in `text`; BadInputError where it is none, or not whole."""
    told = _read(text, Invitation, "invite")
    if not (len(told.owner) == len(told.tip) == len(told.head) == len(told.seed) == 32) or told.seq < 1:
        raise _broken("invite", "a key in it has the wrong length")
    _check_text("invite", told.url, told.group, told.role, told.expires, told.name, told.hub)
    return told


def read_request(text: str) -> KeyRequest:
    """The request in `text`, signed by the key that it is about; BadInputError where it is none."""
    told = _read(text, KeyRequest, "request")
    said = statement("key", told.group, told.public, told.role, told.name, told.sealing)
    if not keys.verify(told.public, said, told.sig):
        raise _broken("request", "it is not signed by the key in it")
    _check_text("request", told.group, told.name)
    return told


def shareable(url: str) -> tuple[str, list[str]]:
    """`url` as another person may have it, and the names of the options that were left out. UsageError where
    it is no address."""
    if local_folder(url) is not None:
        return plain(url), []
    kept, left = [], []
    scheme = urlsplit(url).scheme
    # `oss` knows the names of S3's options
    known = _OPTIONS.get("s3" if scheme in ("s3", "s3a", "oss") else "az" if scheme[0] == "a" else "", ())
    for name, value in parse_qsl(urlsplit(url).query):
        if name.lower() not in known:
            left.append(name)
            continue
        try:
            parts = urlsplit(value)
        except ValueError:  # an endpoint that is no address is of use to nobody
            left.append(name)
            continue
        if parts.scheme and "@" in parts.netloc:
            left.append(f"user of {name}")
            value = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        kept.append((name, value))
    return plain(url) + (f"?{urlencode(kept)}" if kept else ""), left


def _read(text: str, kind: type[_Given], what: str) -> _Given:
    text = "".join(text.split())
    head, colon, body = text.partition(":")
    if not colon or not head.startswith(f"{_PREFIX[kind]}-") or len(text) > _MAX:
        raise _broken(what, f"it does not begin with {_PREFIX[kind]}-1:")
    if head != f"{_PREFIX[kind]}-1":
        raise UpgradeNeededError(
            f"Upgrade needed: the {what} is of a newer format.", "", "Upgrade SkillClaw, or ask for another."
        )
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _broken(what, "it holds characters that do not belong there") from error
    if hashlib.sha256(data[_CHECK:]).digest()[:_CHECK] != data[:_CHECK]:
        raise _broken(what, "it was cut, mistyped or changed on its way")
    try:
        return msgspec.msgpack.decode(data[_CHECK:], type=kind)
    except UNREADABLE as error:
        raise _broken(what, str(error)[:200]) from error


def _check_text(what: str, *texts: str) -> None:
    """A stranger's text must not steer the terminal of whoever is asked about it."""
    if not all(text.isprintable() for text in texts):
        raise _broken(what, "it holds control characters")


def _broken(what: str, why: str) -> BadInputError:
    return BadInputError(
        f"This is not a whole {what}.",
        f"Reason: {why}.",
        f"Copy it once more, all of it, or ask for a new {what}.",
    )


def why_not_join(invite: Invite, now: str) -> str:
    """Why nobody can join with this invite at `now` (a time as records have it); empty where somebody can."""
    if invite.withdrawn:
        return "the invite was withdrawn"
    if len(invite.used) >= invite.uses:
        return "the invite was used already"
    return f"the invite expired at {invite.expires}" if now > invite.expires else ""
