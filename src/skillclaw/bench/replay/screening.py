"""Which cases are used: those that the bare model fails, by a rule that never looks at a skill.

Candidates come in the order of hashes. Each is tried a few times without any skill, with other seeds than the
replay takes, so that what chance did in the screening is drawn anew. A case stays if at least four of five of
these trials could be made and were not solved. That goes on until there are as many as are wanted.

With no trial the first candidates are the cases, as the gate takes them: with those that the bare model
solves, the only ones that a skill can lose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from skillclaw.gate.replay.deciding import AGREE
from skillclaw.trajectory.model import Record

__all__ = ["NO_RULE", "RULE", "Screened", "screen", "stays"]

T = TypeVar("T")

RULE = (
    "A case stays if the model without a skill scores under 1 in at least four of five trials, with seeds of "
    "their own; candidates come in the order of hashes. No skill has a part in it."
)
NO_RULE = (
    "The first candidates in the order of hashes are the cases, as the gate takes them: what the model "
    "solves without a skill is among them, and can be lost."
)


class Screened(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A candidate: how the bare model did, a score a trial (null: it could not be tried)."""

    case: str
    name: str
    kind: str
    scores: list[float | None]
    stays: bool


def stays(scores: Sequence[float | None]) -> bool:
    """The rule."""
    failed = sum(score is not None and score < 1 for score in scores)
    return bool(scores) and failed >= math.ceil(AGREE * len(scores) - 1e-9)


def screen(
    candidates: Sequence[T],
    tried: Callable[[T], Screened] | None,
    wanted: int,
    progress: Callable[[int, int | None, str], None],
) -> tuple[list[T], list[Screened]]:
    """The first `wanted` of the candidates that stay, and how all that were looked at did. `tried` None: all
    stay, and nothing is tried."""
    if tried is None:
        return list(candidates[:wanted]), []
    kept: list[T] = []
    looked: list[Screened] = []
    for number, one in enumerate(candidates):
        if len(kept) >= wanted:
            break
        progress(number, len(candidates), f"choosing cases, {len(kept)} of {wanted}")
        looked.append(tried(one))
        if looked[-1].stays:
            kept.append(one)
    return kept, looked
