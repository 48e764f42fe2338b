"""Who has a canary, and when: the switchback design. Pure.

Each client has each canary in some blocks of time and is without it in the others, drawn anew for every
client, version and block. So a client is its own control, and what differs between its blocks beside the
skill differs by chance alone. A block is one day of UTC: what a client's clock says of its time zone has no
part in it. The draw depends on public facts only, so that the evolver knows a session's arm without being
told: analysis is by assignment, whatever the client did.

A release that names no share is one of before this design: each client then has it always or never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["CONTROL", "block", "drawn", "share_of", "treated"]

CONTROL = 0.5
"""Share of blocks in which a client has a canary, where the group's settings do not say another."""


def share_of(settings: Mapping[str, Any]) -> float:
    """The share that a new canary gets by a group's settings: `canary`, a number above 0 and up to 1 (1:
    without a control); what is none of these counts as not set, and that is `CONTROL`."""
    given = settings.get("canary")
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= 1:
        return float(given)
    return CONTROL


def block(moment: datetime) -> str:
    """The block of a moment: its day of UTC, as `2026-11-27`. A naive moment counts as UTC."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).date().isoformat()


def treated(client: str, skill: str, version: str, day: str, share: float) -> bool:
    """Whether `client` (`Key.member`) has this version in the block `day`; a larger `share` only adds
    blocks."""
    return drawn("arm", client, skill, version, day) < share


def drawn(*parts: str) -> float:
    """A number of [0, 1) that looks drawn by lot and depends on `parts` alone."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
