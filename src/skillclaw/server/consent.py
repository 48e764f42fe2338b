"""What the user agreed to. Without it, `up` counts histories and runs the proxy, no more (DESIGN 7.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

__all__ = ["agree", "agreed"]


def _path(home: Path) -> Path:
    return home / "consent.json"


def agreed(home: Path) -> bool:
    """True when the user agreed that sessions are imported, agents connected and skills installed."""
    try:
        return bool(msgspec.json.decode(_path(home).read_bytes()).get("agreed"))
    except (OSError, msgspec.DecodeError, AttributeError):
        return False


def agree(home: Path) -> None:
    """Remember the user's yes."""
    path = _path(home)
    path.write_bytes(
        msgspec.json.encode({"agreed": True, "time": datetime.now(UTC).isoformat(timespec="seconds")})
    )
    path.chmod(0o600)
