"""How the library is: what its descriptions cost, how they do, what is double, what is out of date."""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.care.merging import Pair
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.state_file import SkillUses
from skillclaw.gate.triggers import TriggerScore, evaluate
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.tokens import estimate
from skillclaw.trajectory.model import Record

__all__ = ["CareReport", "SkillCare", "StaleLine", "take_stock", "told"]

COSTLY = 3
"""Skills that a note names."""

TOLD = 0.8
"""Overlap from which on a pair is told without being asked for."""


class SkillCare(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One skill. `tokens` of its name and description, which every session pays; `trigger` on requests held
    out, None where there are none: not measured.
    """

    name: str
    tokens: int
    offered: int
    read: int
    users: int
    trigger: TriggerScore | None = None
    pinned: bool = False


class StaleLine(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A line whose evidence is of an environment that has changed since; `reasons` say how."""

    skill: str
    item: str
    text: str
    reasons: list[str]


class CareReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The library at one cycle; `budget` is the setting evolve.descriptions, 0 for none."""

    time: str = ""
    tokens: int = 0
    budget: int = 0
    skills: list[SkillCare] = []
    duplicates: list[Pair] = []
    stale: list[StaleLine] = []


def take_stock(given: Situation, found: Sequence[Pair], budget: int) -> CareReport:
    """The report on the skills of `given`."""
    uses = given.memory.skill_uses()
    skills = [_one(name, given, uses.get(name, SkillUses())) for name in sorted(given.current)]
    return CareReport(
        time=given.context.now.isoformat(timespec="seconds"),
        tokens=sum(skill.tokens for skill in skills),
        budget=budget,
        skills=skills,
        duplicates=list(found),
        stale=_stale(given),
    )


def _one(name: str, given: Situation, uses: SkillUses) -> SkillCare:
    held_out = [trial for trial in given.trials(name) if trial.test]
    score = evaluate(name, given.index, held_out)
    return SkillCare(
        name=name,
        tokens=estimate(f"{name}: {given.entries[name].description}"),
        offered=uses.offered + uses.read,
        read=uses.read,
        users=uses.users,
        trigger=score if score.own else None,
        pinned=given.current[name].pinned and not given.current[name].measured,
    )


def _stale(given: Situation) -> list[StaleLine]:
    found = []
    for name, skill in sorted(given.current.items()):
        for item in skill.sidecar.items:
            if item.section == DESCRIPTION:
                continue
            known = [given.by_id[p] for p in item.patterns if p in given.by_id]
            # What one pattern still holds by newer evidence is not out of date.
            if known and all(pattern.stale for pattern in known):
                reasons = list(dict.fromkeys(reason for pattern in known for reason in pattern.stale))
                found.append(StaleLine(skill=name, item=item.id, text=item.text, reasons=reasons))
    return found


def told(report: CareReport) -> list[str]:
    """What a user should know without asking, a sentence each."""
    notes = []
    if report.budget and report.tokens > report.budget:
        costly = sorted(report.skills, key=lambda skill: (-skill.tokens, skill.name))[:COSTLY]
        names = ", ".join(f"{skill.name} ({skill.tokens})" for skill in costly)
        notes.append(
            f"The descriptions of {len(report.skills)} skills take about {report.tokens} tokens of every "
            f"session; evolve.descriptions is {report.budget}. The longest: {names}."
        )
    notes += [f"Near-duplicates: {pair.text()}." for pair in report.duplicates if pair.overlap >= TOLD]
    if report.stale:
        skills = ", ".join(sorted({line.skill for line in report.stale}))
        lines = f"{len(report.stale)} line{'' if len(report.stale) == 1 else 's'}"
        notes.append(f"The environment has changed since the evidence for {lines} of {skills}.")
    return notes
