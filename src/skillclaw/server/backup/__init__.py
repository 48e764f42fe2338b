"""A home in one file, and back: `skillclaw backup` and `skillclaw restore` (docs/operating.md)."""

from __future__ import annotations

from skillclaw.server.backup.making import BackedUp, back_up
from skillclaw.server.backup.restoring import Restored, restore
from skillclaw.server.backup.sealing import passphrase_in

__all__ = ["BackedUp", "Restored", "back_up", "passphrase_in", "restore"]
