"""Receipts: which sealed object a session of a group came from, whose key signed it, and what it held.

An evolver keeps them beside the sessions. What a release publishes of one is a commitment: a MAC over it
under the secret by which the group's evolvers name people, so that they are bound to the very object, and
nobody else learns whose it is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.sealed import Opened
    from skillclaw.journal.store import SessionStore

__all__ = ["Receipt", "Receipts", "committed", "keep_receipt"]

_MARK = "receipt:"
"""Marks in the session store: `<session's key>:<object's name>` -> the receipt as JSON."""


class Receipt(Record, frozen=True, kw_only=True):
    """One sealed object that was taken in.

    object    its name in the hub; signer: the public key (hex) that signed it
    body      SHA-256 (hex) of the session's bytes, as they were signed
    revision  which form of the session it is; later ones replace earlier ones
    """

    object: str
    signer: str
    body: str
    revision: int = 1


def keep_receipt(sessions: SessionStore, key: str, name: str, opened: Opened, revision: int) -> None:
    """Remember that the session `key` came as the object `name`."""
    body = hashlib.sha256(opened.body).hexdigest()
    receipt = Receipt(object=name, signer=opened.signer, body=body, revision=revision)
    sessions.set_mark(f"{_MARK}{key}:{name}", msgspec.json.encode(receipt).decode())


def committed(receipt: Receipt, group: str, key: str, secret: bytes) -> str:
    """What is published of `receipt`, 64 hex digits."""
    parts = ("skillclaw receipt", group, key, receipt.object, receipt.signer, receipt.body)
    return hmac.digest(secret, "\0".join(parts).encode(), "sha256").hex()


class Receipts:
    """The receipts of one group on this machine."""

    def __init__(self, sessions: SessionStore, group: str, secret: bytes) -> None:
        self._sessions, self._group, self._secret = sessions, group, secret

    def commitment(self, key: str) -> str | None:
        """What a release says of the session `key` as it is now; None where there is no receipt."""
        newest = max(self.of(key), key=lambda one: (one.revision, one.object), default=None)
        return committed(newest, self._group, key, self._secret) if newest is not None else None

    def opening(self, key: str, commitment: str) -> Receipt | None:
        """The receipt that a release spoke of; None where this machine has no such one."""
        return next(
            (
                one
                for one in self.of(key)
                if hmac.compare_digest(committed(one, self._group, key, self._secret), commitment)
            ),
            None,
        )

    def of(self, key: str) -> Iterator[Receipt]:
        """All receipts of the session `key` that can be read: one for each form in which it came."""
        for name in sorted(self._sessions.marks(f"{_MARK}{key}:")):
            kept = self._sessions.get_mark(f"{_MARK}{key}:{name}")
            if kept is None:
                continue
            try:
                yield msgspec.json.decode(kept, type=Receipt)
            except UNREADABLE:  # what a fault of the disk left is no receipt
                continue
