"""`extractive`: skills from patterns without an LLM. Deterministic: same patterns, same text.

Patterns of one job become one skill (`evolve.job_groups`); a skill that was made from some of them is refined
and keeps its name. Every line is an item with its evidence. A refinement changes items, never the whole text:

- an item whose words would not change stays as it is, byte for byte, with its evidence brought up to date;
- a person's own line stays; a pinned skill is left alone;
- a pattern that is not among those of this cycle says nothing about its lines: they stay;
- at most `context.changes` items change in one proposal: what experience has turned against goes first (most
  contradicted first), then what now reads otherwise, then what is new (best supported first). What does not
  fit comes with a later cycle. A single unit larger than that (a long procedure) may go alone.

Where the text would stay as it is nothing is proposed, however much the evidence grew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from skillclaw.evolve.drafting.building import build, written
from skillclaw.evolve.drafting.labels import known_items
from skillclaw.evolve.drafting.records import Draft, DraftError, Target
from skillclaw.evolve.drafting.targets import targets
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._changes import Change, compare, edits, within
from skillclaw.evolve.evolvers._describe import describe, near_misses, title_of
from skillclaw.evolve.evolvers._draft import Unit, draft
from skillclaw.evolve.evolvers._lines import additions
from skillclaw.evolve.evolvers._names import topic_title
from skillclaw.evolve.evolvers._select import qualifies, turned_against
from skillclaw.evolve.evolvers._superseded import superseded
from skillclaw.evolve.unlearned import unlearned
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.records import Item, Pattern, Proposal

__all__ = ["EVOLVER", "Extractive"]

NAME = "extractive"


class Extractive:
    """The engine that needs no model."""

    name = NAME

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """One proposal at most for each skill, in the order of their names."""
        found: list[Proposal] = []
        context = context if context.mined else replace(context, mined=patterns)
        for group in targets(patterns, current, context):
            try:
                proposal = _create(group, context) if group.base is None else _refine(group, context)
            except DraftError as error:
                context.notes.append(f"{error.what} {error.why}")
                continue
            if proposal is not None:
                found.append(proposal)
        return found


EVOLVER = Extractive()


def _create(group: Target, context: EvolveContext) -> Proposal | None:
    units = _units(group, context)
    if not any(unit.kind != "condition" for unit in units):
        return None
    description, behind = describe(group, units, near_misses(group, units, context), context)
    proposal = written(
        "create",
        group,
        [],
        additions(units, ()),
        NAME,
        title=title_of(group, units),
        description=description,
        behind=behind,
    )
    why = f"{_count(units)} about {group.topic}, learned from {_sources(group.patterns, units)}."
    return msgspec.structs.replace(proposal, why=why) if proposal is not None else None


def _units(group: Target, context: EvolveContext) -> list[Unit]:
    """What the skill should say, of what is well enough supported and holds still."""
    gone = superseded(group.patterns, context.policy)
    good = [p for p in group.patterns if p.id not in gone and qualifies(p, context.policy)]
    return draft(good, context, group.asked)


def _refine(group: Target, context: EvolveContext) -> Proposal | None:
    known = known_items(group)
    if not known:
        return None  # somebody broke the file by hand; it is theirs to mend
    present = {pattern.id: pattern for pattern in group.patterns}
    if _all_turned(known, present) and not (group.base and unlearned(group.base.bundle, known)):
        why = f"What {group.skill} says no longer works."
        return build(Draft(action="retire", why=why), group, context, NAME)
    units = _units(group, context)
    changes, kept = compare(known, units, present, superseded(group.patterns, context.policy))
    chosen = within(changes, context.changes)
    left = [change for change in changes if change not in chosen]
    wanted, items = edits(chosen, [*kept, *(item for change in changes for item in change.old)])
    description, behind = _redescribed(kept, units, left, group, context) if chosen else ("", [])
    proposal = written(
        "refine",
        group,
        items,
        wanted,
        NAME,
        title=topic_title(group.topic),
        description=description,
        behind=behind,
    )
    why = f"{_edits(chosen)} in {group.skill}, from {_sources(group.patterns, units)}."
    return msgspec.structs.replace(proposal, why=why) if proposal is not None else None


def _all_turned(known: list[Item], present: dict[str, Pattern]) -> bool:
    behind = [item for item in known if item.patterns and item.section != DESCRIPTION]
    return (
        bool(behind)
        and len(behind) == sum(item.section != DESCRIPTION for item in known)
        and all(p in present and turned_against(present[p]) for item in behind for p in item.patterns)
    )


def _redescribed(
    kept: Sequence[Item], units: list[Unit], left: Sequence[Change], group: Target, context: EvolveContext
) -> tuple[str, list[Pattern]]:
    """A description of what the skill then says, and what it rests on; none where a person wrote the one that
    is there."""
    if not any(item.section == DESCRIPTION and item.patterns for item in kept):
        return "", []
    waiting = [change.new for change in left]
    said = [unit for unit in units if unit not in waiting]
    if not any(unit.kind != "condition" for unit in said):
        return "", []
    return describe(group, said, near_misses(group, said, context), context)


def _count(units: list[Unit]) -> str:
    procedures = sum(unit.kind == "step" for unit in units)
    others = sum(unit.kind in ("fix", "pitfall") for unit in units)
    parts = []
    if procedures:
        parts.append(f"{procedures} procedure{'' if procedures == 1 else 's'}")
    if others:
        parts.append(f"{others} fix{'' if others == 1 else 'es'}")
    return " and ".join(parts) or "Lines"


def _sources(patterns: Sequence[Pattern], units: list[Unit]) -> str:
    used = {p.id for unit in units for p in unit.patterns}
    refs = [ref for p in patterns if p.id in used for ref in p.evidence]
    sessions, users = len({ref.session for ref in refs}), len({ref.user for ref in refs})
    return f"{sessions} session{'' if sessions == 1 else 's'} of {users} user{'' if users == 1 else 's'}"


def _edits(chosen: list[Change]) -> str:
    counts = [sum(c.cost for c in chosen if c.order == order) for order in (2, 1, 0)]
    words = [
        f"{n} line{'' if n == 1 else 's'} {what}"
        for n, what in zip(counts, ("new", "changed", "gone"), strict=True)
        if n
    ]
    return ", ".join(words) or "A new description"
