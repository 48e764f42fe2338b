"""Sealed sessions that lie in the storage only since their signer left the group.

The day in an object's name is its sender's word, and one who left may still be able to write there: so when
it was put there decides, by the storage's clock. Where the storage was copied, that is when it was copied.
Such an object is refused until the group's owner says in the log when the copying was (the setting `moved`):
times up to then say nothing, and it is looked at again. What was refused before the copying, and has another
time now, was late by one that did say something.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from skillclaw.hub.kinds import is_moment
from skillclaw.hub.membership import left_at
from skillclaw.trajectory.moments import utc_text

if TYPE_CHECKING:
    from skillclaw.hub import HubState, Key

__all__ = ["LATE", "WHY", "late", "may_count"]

LATE = "late "
"""How the mark of such an object begins; what follows is when it was put there, as it was seen first."""
WHY = (
    "It was put there after its signer had left the group; or all was copied since "
    "(then the owner says when: skillclaw hub settings moved TIME)."
)


def late(state: HubState, signer: Key, put: datetime, mark: str) -> str | None:
    """The new mark of an object that was put there after its signer had left, empty where it never counts;
    None where it was not. `mark` is what an earlier look kept."""
    ended, now = left_at(state, signer), utc_text(put)
    if ended is None or now <= ended:
        return None
    if mark.startswith(LATE) and mark != LATE + now:
        return ""
    return None if now <= _moved(state) else LATE + now


def may_count(state: HubState, mark: str) -> bool:
    """Whether an object with this mark may count by what the owner said since."""
    return mark.removeprefix(LATE) <= _moved(state)


def _moved(state: HubState) -> str:
    """When the storage was copied last, as the owner says; empty where it never was."""
    said = state.settings.get("moved")
    return said if isinstance(said, str) and is_moment(said) else ""
