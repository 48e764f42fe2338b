"""Ed25519 keys that sign the log. Made where they are used; they never move.

`<keys folder>/<group id>/<role>.key` holds the 32-byte seed in hex; files 0600, folders 0700. While a
rotation is not in the log yet its new key is `<role>.next.key`; after it the one before is
`<role>.old-<public>.key`, since sessions may still be sealed to it. `sealing` is a role here, though its key
(X25519) signs nothing.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from skillclaw.errors import BadInputError, StorageError
from skillclaw.private import lasting_folder, sync_folder

__all__ = [
    "SigningKey",
    "count",
    "counted",
    "load",
    "load_or_create",
    "public_hex",
    "set_aside",
    "sign",
    "take_next",
    "verify",
    "with_earlier",
]


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


def load_or_create(folder: Path, group: str, role: str, seed: bytes | None = None) -> SigningKey:
    """This machine's key for `role` in `group`; made once, also where two processes ask at once: of `seed`,
    else at random.
    """
    known = load(folder, group, role)
    if known is not None:
        return known
    path = folder / group / f"{role}.key"
    aside = path.with_name(f".{role}-{secrets.token_hex(8)}.new")
    try:
        for place in (folder, folder / group):
            lasting_folder(place)
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write((SigningKey(seed) if seed else SigningKey.generate()).encode().hex())
                file.flush()
                os.fsync(file.fileno())
            # link, unlike rename, refuses where another process was first
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(path.parent)  # before anything names this key
    except OSError as error:
        raise StorageError(
            f"Cannot write the key {path}.", str(error), "Free space or mend permissions."
        ) from error
    made = load(folder, group, role)
    if made is None:
        raise StorageError(f"Cannot write the key {path}.", "It vanished after it was written.", "Try again.")
    return made


def take_next(folder: Path, group: str, role: str) -> None:
    """The key of a rotation takes its place; the one before stays beside it. Cut off anywhere, call again."""
    place = folder / group
    if load(folder, group, f"{role}.next") is None:
        return
    set_aside(folder, group, role, keep=True)
    try:
        (place / f"{role}.next.key").replace(place / f"{role}.key")
        sync_folder(place)
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        raise StorageError(f"Cannot write {place}.", str(error), "Free space or mend permissions.") from error


def set_aside(folder: Path, group: str, role: str, *, keep: bool = False) -> None:
    """Keep the key under another name, for what was sealed to it; with `keep` in its place too."""
    own = load(folder, group, role)
    if own is None:
        return
    path = folder / group / f"{role}.key"
    try:
        with suppress(FileExistsError):
            os.link(path, path.with_name(f"{role}.old-{public_hex(own)[:16]}.key"))
        sync_folder(path.parent)
        if not keep:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error


def with_earlier(folder: Path, group: str, role: str) -> list[SigningKey]:
    """This machine's key for `role`, the one that is to take its place, and those that it had before."""
    names = [
        role,
        f"{role}.next",
        *sorted(path.name[:-4] for path in (folder / group).glob(f"{role}.old-*.key")),
    ]
    found = [load(folder, group, name) for name in names]
    return [key for key in found if key is not None]


def counted(folder: Path, group: str, public: str) -> int:
    """The number of the last message that this key sent from here (inbox.py); 0 where none is known."""
    try:
        return int((folder / group / f"{public[:16]}.sent").read_text("ascii"))
    except (OSError, ValueError):
        return 0  # where the next one goes is then found by trying


def count(folder: Path, group: str, public: str, n: int) -> None:
    """Remember that message `n` was sent."""
    path = folder / group / f"{public[:16]}.sent"
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}.new")
    with suppress(OSError):
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(str(n))
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def public_hex(key: SigningKey) -> str:
    """The public half, as the log names it."""
    return key.verify_key.encode().hex()


def sign(key: SigningKey, message: bytes) -> str:
    """The signature of `message`, hex."""
    return key.sign(message).signature.hex()


def verify(public: str, message: bytes, signature: str) -> bool:
    """True where `signature` (hex) of `message` is by `public` (hex); False for anything else.

    There is one way to write either, in small letters, so that nothing signed can be written differently.
    """
    try:
        if bytes.fromhex(public).hex() != public or bytes.fromhex(signature).hex() != signature:
            return False
        VerifyKey(bytes.fromhex(public)).verify(message, bytes.fromhex(signature))
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
