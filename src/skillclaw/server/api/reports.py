"""Reports of cycles as the API tells them: without what single sessions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.ranking import expected_value
from skillclaw.evolve.report import CycleReport
from skillclaw.server.api import models

if TYPE_CHECKING:
    from skillclaw.server.serving.records import CycleLine

__all__ = ["load", "patterns", "told"]


def load(found: dict[str, Any]) -> CycleReport:
    """The report that the server kept; BadInputError where it is none."""
    known = {name: found[name] for name in CycleReport.__struct_fields__ if name in found}
    try:
        return msgspec.convert(known, CycleReport)
    except msgspec.ValidationError as error:
        raise BadInputError(
            "The report of the cycle cannot be read.",
            "Another version of SkillClaw wrote it.",
            "The next cycle writes its own.",
        ) from error


def told(line: CycleLine, report: CycleReport | None) -> models.CycleReport:
    """A cycle with what its report says."""
    cycle = models.of(models.Cycle, line)
    if report is None:
        return models.CycleReport(cycle=cycle)
    judged = [
        models.Judged(
            id=one.proposal.id,
            skill=one.proposal.skill,
            action=one.proposal.action,
            verdict=one.verdict,
            reasons=models.of_all(models.Reason, one.reasons),
            patterns=[pattern.id for pattern in one.proposal.patterns],
            dropped=one.dropped,
            known=one.known,
        )
        for one in report.proposals
    ]
    return models.CycleReport(
        cycle=cycle,
        sessions=report.sessions,
        episodes=report.episodes,
        units=report.units,
        remade=report.remade,
        proposals=judged,
        released=models.of_all(models.Released, report.released),
        stages=report.stages,
        set_aside=models.of_all(models.SetAside, report.aside),
        effects=models.of_all(models.Effect, report.effects),
        notes=report.notes,
        model=report.model,
        forecast=models.of_all(models.Forecast, report.forecast),
        whole=True,
    )


def patterns(report: CycleReport) -> list[models.Pattern]:
    """The patterns of a cycle, what most people met first."""
    found = sorted(report.patterns, key=lambda p: (-p.users, -p.sessions, p.id))
    return [
        models.Pattern(
            id=one.id,
            kind=one.kind,
            title=one.title,
            topic=one.topic,
            sessions=one.sessions,
            users=one.users,
            agents=one.agents,
            odds_ratio=one.stats.odds_ratio,
            ci=list(one.stats.ci) if one.stats.ci is not None else None,
            q=one.stats.q,
            value=expected_value(one, report.sessions).value,
            stale=one.stale,
        )
        for one in found
    ]
