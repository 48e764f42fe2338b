"""Ed25519 keys that sign the log. Made where they are used; they never move (DESIGN 7.4).

`<keys folder>/<group id>/<role>.key` holds the 32-byte seed in hex; files 0600, folders 0700.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from skillclaw.errors import BadInputError, StorageError

__all__ = ["SigningKey", "load", "load_or_create", "public_hex", "sign", "verify"]


def load(folder: Path, group: str, role: str) -> SigningKey | None:
    """This machine's key for `role` in `group`, or None where it has none."""
    path = folder / group / f"{role}.key"
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"Cannot read the key {path}.", str(error), "Check who owns the file.") from error
    try:
        return SigningKey(bytes.fromhex(text))
    except ValueError as error:
        raise BadInputError(
            f"{path} does not hold a key.",
            str(error),
            "Put it back from a backup; a lost key cannot be remade.",
        ) from error


def load_or_create(folder: Path, group: str, role: str) -> SigningKey:
    """This machine's key for `role` in `group`; made once, also where two processes ask at once."""
    known = load(folder, group, role)
    if known is not None:
        return known
    path = folder / group / f"{role}.key"
    aside = path.with_name(f".{role}-{secrets.token_hex(8)}.new")
    try:
        for place in (folder, folder / group):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(SigningKey.generate().encode().hex())
            file.flush()
            os.fsync(file.fileno())
        try:
            # link, unlike rename, refuses where another process was first
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"Cannot write the key {path}.", str(error), "Free space or mend permissions."
        ) from error
    made = load(folder, group, role)
    if made is None:
        raise StorageError(f"Cannot write the key {path}.", "It vanished after it was written.", "Try again.")
    return made


def public_hex(key: SigningKey) -> str:
    """The public half, as the log names it."""
    return key.verify_key.encode().hex()


def sign(key: SigningKey, message: bytes) -> str:
    """The signature of `message`, hex."""
    return key.sign(message).signature.hex()


def verify(public: str, message: bytes, signature: str) -> bool:
    """True where `signature` (hex) of `message` is by `public` (hex); False for anything else."""
    try:
        VerifyKey(bytes.fromhex(public)).verify(message, bytes.fromhex(signature))
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
