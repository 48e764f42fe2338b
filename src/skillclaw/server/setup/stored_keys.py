"""Keys that `skillclaw config key` put into the system's keyring, where `uninstall` finds them again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from skillclaw.system_keyring import SERVICE

__all__ = ["forget_keys", "stored_keys"]

PLACE = "keyring:"


def stored_keys(home: Path) -> list[str]:
    """Under which names the settings of this home say that `config key` stored one. Empty where they cannot
    be read."""
    try:
        tree = tomllib.loads((home / "config.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    given = {str(name): one for name, one in _table(tree, "upstreams").items()}
    given["evolve.model"] = _table(_table(tree, "evolve"), "model")
    return sorted(
        name
        for name, one in given.items()
        if isinstance(one, dict) and one.get("key") == f"{PLACE}{name}"  # another name: the user's own
    )


def forget_keys(names: list[str]) -> tuple[list[str], list[str]]:
    """Take these out of the keyring: those that are gone, and those that stay."""
    try:
        import keyring  # an extra, and slow to load
    except ImportError:
        return [], names
    gone, stay = [], []
    for name in names:
        try:
            keyring.delete_password(SERVICE, name)
            gone.append(name)
        except Exception:  # backends raise what they like
            stay.append(name)
    return gone, stay


def _table(tree: Any, name: str) -> dict[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}
