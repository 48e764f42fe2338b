"""What the report of a cycle tells, as records, and what is kept of it to compare the next cycle with."""

from __future__ import annotations

from skillclaw.skills.records import Pattern, Verdict
from skillclaw.trajectory.model import Record

__all__ = [
    "ClusterPoint",
    "CycleView",
    "EffectLine",
    "LeftOut",
    "PatternMark",
    "ProposalLine",
    "ReleasedLine",
    "SetAside",
]


class ClusterPoint(Record, frozen=True, kw_only=True):
    """A task cluster: sessions that asked for the same, how they ended, and its terms with their weights."""

    id: str
    label: str
    topic: str = ""
    sessions: int
    users: int
    success: int = 0
    failure: int = 0
    unknown: int = 0
    terms: dict[str, float] = {}


class ProposalLine(Record, frozen=True, kw_only=True):
    """A proposal of the cycle as the report tells it; `patterns` are ids of the patterns it was made from."""

    id: str
    skill: str
    action: str
    verdict: str
    reasons: list[Verdict] = []
    patterns: list[str] = []


class ReleasedLine(Record, frozen=True, kw_only=True):
    """A version that the cycle made available."""

    skill: str
    version: str
    stage: str


class EffectLine(Record, frozen=True, kw_only=True):
    """What a skill's version did: sessions that read it against a control; None: not measured."""

    skill: str
    version: str
    read_n: int
    read_success: int
    control_n: int
    control_success: int
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None


class SetAside(Record, frozen=True, kw_only=True):
    """A session that the cycle left out, and why."""

    session: str
    reason: str


class LeftOut(Record, frozen=True, kw_only=True):
    """What enough sessions show, and no skill says: the ids of its patterns, what it is, and why."""

    patterns: list[str]
    what: str
    reason: str

    @property
    def told(self) -> str:
        """For people."""
        return f"Left out: {self.what.rstrip('.')}. {self.reason}"


class CycleView(Record, frozen=True, kw_only=True):
    """All that the report of one cycle tells.

    time         when the cycle ran, ISO 8601
    sessions     sessions that the patterns were mined from, the denominator of every frequency
    model_calls  calls of a language model that the cycle made, 0 with the extractive engine
    became       by pattern id the last verdict on each skill that was made from it, earlier cycles included
    confounders  by pattern id: sentences that name what else may explain its figures
    supported    patterns that enough sessions and people show for a skill
    left_out     what is shown so, or in dispute, and stands in no skill
    """

    cycle: str
    time: str
    sessions: int
    episodes: int
    model_calls: int = 0
    patterns: list[Pattern] = []
    clusters: list[ClusterPoint] = []
    proposals: list[ProposalLine] = []
    released: list[ReleasedLine] = []
    effects: list[EffectLine] = []
    set_aside: list[SetAside] = []
    became: dict[str, dict[str, str]] = {}
    confounders: dict[str, list[str]] = {}
    supported: int = 0
    left_out: list[LeftOut] = []


class PatternMark(Record, frozen=True, kw_only=True):
    """What is kept of a pattern to compare the next cycle with; `verdicts` by skill it was proposed for."""

    id: str
    title: str
    kind: str
    sessions: int
    users: int
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None
    q: float | None = None
    value: float | None = None
    verdicts: dict[str, str] = {}
