"""Who this installation is: a pseudonymous person, a pseudonymous client, and the client's secret key.

`<home>/identity.json` (0600) holds all three. The key never leaves the machine: it keys the placeholders
that stand for secrets and the names of shared sessions, so that neither can be guessed
from outside. The ids are random; nothing about the person or the machine goes into them.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from skillclaw.errors import UNREADABLE, BadInputError, BusyError, StorageError
from skillclaw.formats import stop_at_newer
from skillclaw.private import lasting_folder, whole_file
from skillclaw.trajectory.model import Record

__all__ = ["Identity"]

VERSION = 1
KEY_BYTES = 32
LOCK_SECONDS = 20.0


class Identity(Record, frozen=True, kw_only=True):
    """One installation. `user`: `u-` and 8 hex digits; `client`: `c-` and 8; `key`: 32 random bytes."""

    user: str
    client: str
    key: bytes
    v: int = VERSION

    def __repr__(self) -> str:
        """Without the key, so that no log or traceback shows it."""
        return f"Identity(user={self.user!r}, client={self.client!r})"

    @classmethod
    def load_or_create(cls, home: Path) -> Identity:
        """The identity of `home`, made on first use; two processes at once get the same one.

        Raises BadInputError when the file does not hold an identity (it is never replaced: a new key
        would orphan what the old one named), UpgradeNeededError when a newer SkillClaw wrote it,
        StorageError when it cannot be read or made.
        """
        path = home / "identity.json"
        found = _read(path)
        if found is not None:
            return found
        try:
            lasting_folder(home)
            with FileLock(home / "identity.lock", timeout=LOCK_SECONDS, mode=0o600):
                found = _read(path)  # another process may have made it while this one waited
                if found is None:
                    found = cls(
                        user=f"u-{secrets.token_hex(4)}",
                        client=f"c-{secrets.token_hex(4)}",
                        key=secrets.token_bytes(KEY_BYTES),
                    )
                    with whole_file(path) as file:
                        file.write(msgspec.json.encode(found) + b"\n")
                return found
        except Timeout as error:
            raise BusyError(
                f"Another process is making {path}.",
                f"It has not finished for {LOCK_SECONDS:.0f} s.",
                "Wait for it, or end it.",
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot make {path}.", str(error), "Free space, mend permissions, or choose another --home."
            ) from error


def _read(path: Path) -> Identity | None:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    try:
        stop_at_newer(body, str(path), VERSION)
        found = msgspec.json.decode(body, type=Identity)
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error
    if not found.user or not found.client or len(found.key) != KEY_BYTES:
        raise _damaged(path, f"user, client or the {KEY_BYTES}-byte key is missing")
    return found


def _damaged(path: Path, why: str) -> BadInputError:
    return BadInputError(
        f"{path} does not hold an identity.",
        why,
        "Restore the file from a backup; or delete it, and this machine counts as a new client.",
    )
