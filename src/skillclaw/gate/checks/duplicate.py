"""`duplicate`: a new skill says something that no skill here says already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skillclaw.gate.context import GateContext
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle, Proposal, Verdict
from skillclaw.skills.text import claims
from skillclaw.skills.vocabulary import content_words

__all__ = ["check", "name", "order", "overlap"]

name = "duplicate"
order = 80
SAME = 0.7
"""Share of a new skill's telling parts that another one has, from which on it says the same."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a new skill that says what another says; holds one whose name is taken."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement says nothing.")]
    base = context.base(proposal)
    if base is not None and base.version == version(proposal.bundle):
        return [Verdict(check=name, verdict="reject", reason="It changes nothing.")]
    if proposal.action != "create":
        return [Verdict(check=name, verdict="pass", reason="It changes a skill that is there.")]
    if proposal.skill in context.current:
        reason = f"There is a skill named {proposal.skill} already; it can be refined, not made anew."
        return [Verdict(check=name, verdict="reject", reason=reason)]
    others: Mapping[str, Bundle] = {
        **{skill.name: skill.bundle for skill in context.foreign},
        **{other: current.bundle for other, current in context.current.items()},
    }
    for other, bundle in sorted(others.items()):
        share = overlap(proposal.bundle, bundle)
        if share >= SAME:
            reason = f"The skill {other} says the same already ({share:.0%} of its commands and terms)."
            return [Verdict(check=name, verdict="reject", reason=reason)]
    if any(skill.name.casefold() == proposal.skill.casefold() for skill in context.foreign):
        reason = (
            f"A skill named {proposal.skill} that SkillClaw did not write is installed; it stays as it is."
        )
        return [Verdict(check=name, verdict="hold", reason=reason)]
    return [Verdict(check=name, verdict="pass", reason="No other skill says the same.")]


def overlap(new: Bundle, old: Bundle) -> float:
    """The share of what `new` says that `old` says too, from 0 to 1; a code span weighs as three words."""
    mine, theirs = _parts(new), _parts(old)
    weight = _weigh(mine)
    return _weigh(mine & theirs) / weight if weight else 0.0


def _parts(bundle: Bundle) -> frozenset[str]:
    found: set[str] = set()
    for text in markdown(bundle).values():
        body = split(text)[1]
        found |= {f"`{' '.join(claim.text.split())}`" for claim in claims(body) if claim.kind != "quote"}
        found |= set(content_words(body))
    return frozenset(found)


def _weigh(parts: Iterable[str]) -> int:
    return sum(3 if part.startswith("`") else 1 for part in parts)
