"""What a cycle found and did, and what is otherwise than in the cycle before."""

from __future__ import annotations

import msgspec

from skillclaw.evolve.care.report import CareReport
from skillclaw.evolve.effects import SkillEffect
from skillclaw.evolve.models.records import Forecast, StageSpent
from skillclaw.evolve.ranking import Changes, carried, changed, marks
from skillclaw.evolve.rollouts.report import Rollout
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.taking import Aside
from skillclaw.evolve.view import (
    ClusterPoint,
    CycleView,
    EffectLine,
    LeftOut,
    PatternMark,
    ProposalLine,
    ReleasedLine,
    SetAside,
)
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.skills.records import Pattern, Proposal, Verdict
from skillclaw.trajectory.model import Record

__all__ = ["CycleReport", "Judged", "ReleasedVersion", "Spent", "compared", "view_of"]


class Spent(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a cycle used; `usd` of models, `seconds` of wall time; answers that were recorded cost nothing."""

    tokens: int = 0
    calls: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    recorded: int = 0
    stages: list[StageSpent] = []


class Judged(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A proposal with what the gate said. `dropped` counts items that the gate did not let through."""

    proposal: Proposal
    verdict: str
    reasons: list[Verdict]
    dropped: int = 0
    known: bool = False


class ReleasedVersion(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A version that this cycle made available."""

    skill: str
    version: str
    stage: str


class CycleReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a cycle found and did.

    units, remade  what is mined by itself (tasks, failures, topics), and how many of these were mined anew
    stages         seconds of each stage: read, mine, propose, judge
    clusters       the task clusters
    effects        success in sessions that read a version of a skill, against the same tasks without it
    notes          what a user should know of how it was done
    became         by pattern id the last verdict on each skill that was made from it, earlier cycles included
    changes        what is otherwise than in the cycle before; None for the first
    aside          sessions and units that could not be read or mined, proposals whose text could not
    model          the model that was asked; empty for none
    forecast       of a dry run: what the model would be asked at most
    care           how the library is
    rollouts       what became of the canaries
    degraded       why the extractive engine took over where the evolver failed, or a replay was cut off; the
                   next cycle tries it again
    replays        what came of trying proposals on cases that they were not made from
    supported      patterns that enough sessions and people show for a skill
    left_out       what is shown so, or in dispute, and stands in no skill; `notes` tells of the first
    """

    cycle: str
    time: str
    sessions: int
    episodes: int
    patterns: list[Pattern]
    proposals: list[Judged]
    released: list[ReleasedVersion]
    spent: Spent
    units: int = 0
    remade: int = 0
    stages: dict[str, float] = {}
    aside: list[Aside] = []
    clusters: list[ClusterPoint] = []
    effects: list[SkillEffect] = []
    became: dict[str, dict[str, str]] = {}
    changes: Changes | None = None
    notes: list[str] = []
    model: str = ""
    forecast: list[Forecast] = []
    care: CareReport = CareReport()
    rollouts: list[Rollout] = []
    degraded: str = ""
    replays: list[ReplayResult] = []
    supported: int = 0
    left_out: list[LeftOut] = []


def compared(memory: EvolveState, report: CycleReport, *, keep: bool) -> CycleReport:
    """The report with what changed since the cycle before; with `keep` the next is compared with this one."""
    before = memory.load(memory.get_meta("cycle"), list[PatternMark])
    now = carried(before or [], marks(view_of(report)))
    if keep:
        memory.put_meta("cycle", msgspec.msgpack.encode(now))
    report = msgspec.structs.replace(report, became={m.id: m.verdicts for m in now if m.verdicts})
    if before is None:
        return report
    return msgspec.structs.replace(report, changes=changed(before, now))


def view_of(report: CycleReport) -> CycleView:
    """The cycle as its page tells it."""
    return CycleView(
        cycle=report.cycle,
        time=report.time,
        sessions=report.sessions,
        episodes=report.episodes,
        model_calls=report.spent.calls,
        patterns=report.patterns,
        clusters=report.clusters,
        proposals=[
            ProposalLine(
                id=judged.proposal.id,
                skill=judged.proposal.skill,
                action=judged.proposal.action,
                verdict=judged.verdict,
                reasons=judged.reasons,
                patterns=[pattern.id for pattern in judged.proposal.patterns],
            )
            for judged in report.proposals
        ],
        released=[ReleasedLine(skill=r.skill, version=r.version, stage=r.stage) for r in report.released],
        effects=[
            EffectLine(
                skill=one.skill,
                version=one.version or "",
                read_n=one.with_n,
                read_success=one.with_success,
                control_n=one.without_n,
                control_success=one.without_success,
                odds_ratio=one.odds_ratio,
                ci=one.ci,
            )
            for one in report.effects
        ],
        set_aside=[SetAside(session=one.what, reason=one.reason) for one in report.aside],
        became=report.became,
        confounders={p.id: doubts for p in report.patterns if (doubts := _doubts(p))},
        supported=report.supported,
        left_out=report.left_out,
    )


def _doubts(pattern: Pattern) -> list[str]:
    found = []
    for one in pattern.stats.carriers:
        rest = "nothing is left to compare"
        if one.odds_ratio is not None and one.ci is not None:
            rest = f"the odds ratio is {one.odds_ratio:.2f} [{one.ci[0]:.2f}, {one.ci[1]:.2f}]"
        found.append(f"{one.kind} {one.name} has {one.share:.0%} of the successes; without it {rest}")
    return [*found, *pattern.stale]
