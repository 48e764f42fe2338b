"""What a replay is made of and what it found.

A case is one task or one recorded decision, tried k times with the skills as they are and k times with the
change, with the same seeds. Who tries it (`evolve.replay`) gives a `CaseScore`; what follows is said here
and in `deciding`, whoever tried.
"""

from __future__ import annotations

from typing import Literal

from skillclaw.trajectory.model import Record

__all__ = ["CaseScore", "Cost", "ReplayResult"]


class Cost(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a replay cost. `usd` is null where the price is not known."""

    calls: int = 0
    tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0


class CaseScore(Record, frozen=True, kw_only=True):
    """How one case went. `before` and `after` have one entry a repeat, the i-th of both with the same seed:
    how well it went, 0 to 1 (of a decision: 1 the action that is known to work, 0 the one known to fail, 0.5
    neither, 0.75 the failing one and, when it failed, the one that works); null where it could not be tried.

    case     stands for the case: a hash of what it is made of, nothing of a user's words
    kind     `executable`: an agent ran and a grader looked; `decision`: a model named its next action
    source   `graded` tasks, `recorded` sessions, the user's `cases` folder
    user     whose session it came from (empty for none); cases are chosen turn by turn over users, and
             nothing else depends on it
    named    of a decision, for each repeat whether the text of the change names the action that worked in
             `after`; what it does not name is not its doing. Empty: nothing was to be named
    """

    case: str
    kind: Literal["executable", "decision"]
    source: Literal["graded", "recorded", "cases"]
    user: str = ""
    before: list[float | None] = []
    after: list[float | None] = []
    named: list[bool] = []
    note: str = ""


class ReplayResult(Record, frozen=True, kw_only=True):
    """A replay of one proposal: its cases and what asked (`agent`, `model`); `missing` says why there is none
    or not more (a sentence for the user), `cost` what was spent."""

    proposal: str
    agent: str = ""
    model: str = ""
    scores: list[CaseScore] = []
    missing: str = ""
    cost: Cost = Cost()
