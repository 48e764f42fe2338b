"""Keys in the system's own keyring: the one name that they are all kept under, and how they are read."""

from __future__ import annotations

__all__ = ["SERVICE", "KeyringError", "get_key"]

SERVICE = "skillclaw"
"""What the keyring calls the program that its keys belong to."""


class KeyringError(Exception):
    """The keyring cannot be asked; the message says why, in one sentence."""


def get_key(name: str) -> str:
    """The key that is stored under `name`; empty for none. Raises KeyringError."""
    try:
        import keyring  # an extra, and slow to load
    except ImportError:
        raise KeyringError("It is in the keyring, and the package `keyring` is not installed.") from None
    try:
        return keyring.get_password(SERVICE, name) or ""
    except Exception as error:  # backends raise what they like
        raise KeyringError(f"The keyring refused: {type(error).__name__}.") from None
