"""`extractive`: skills from patterns without an LLM (DESIGN 3.4). Deterministic: same patterns, same text.

Patterns of one topic and scope become one skill; a skill that was made from some of them is refined and keeps
its name. Every line is an item with its evidence. A refinement changes items, never the whole text:

- an item whose words would not change stays as it is, byte for byte, with its evidence brought up to date;
- a person's own line stays; a pinned skill is left alone;
- a pattern that is not among those of this cycle says nothing about its lines: they stay;
- at most `context.changes` items change in one proposal: what experience has turned against goes first (most
  contradicted first), then what now reads otherwise, then what is new (best supported first). What does not
  fit comes with a later cycle. A single unit larger than that (a long procedure) may go alone.

Where the text would stay as it is nothing is proposed, however much the evidence grew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.drafting.targets import targets
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._changes import Change, compare, within
from skillclaw.evolve.evolvers._describe import describe, near_misses, title_of
from skillclaw.evolve.evolvers._draft import Unit, draft, refs_of
from skillclaw.evolve.evolvers._edit import insert, remove, rewrite
from skillclaw.evolve.evolvers._names import topic_title
from skillclaw.evolve.evolvers._select import qualifies, turned_against
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, parse, render
from skillclaw.skills.items import DESCRIPTION, all_items, item_id, markdown, replace_text, same_text
from skillclaw.skills.records import Bundle, File, Item, Pattern, Proposal, Sidecar, content_id

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
            proposal = _create(group, context) if group.base is None else _refine(group, group.base, context)
            if proposal is not None:
                found.append(proposal)
        return found


EVOLVER = Extractive()


def _create(group: Target, context: EvolveContext) -> Proposal | None:
    units = draft([p for p in group.patterns if qualifies(p, context.policy)], context)
    if not any(unit.kind != "condition" for unit in units):
        return None
    title = title_of(group, units)
    description, behind = describe(group, units, near_misses(units, context.mined, context), context)
    head = render(Head(name=group.skill, description=description))
    text = f"{head}\n# {title}\n"
    bundle = Bundle(name=group.skill, files=[File(path="SKILL.md", data=text.encode("utf-8"))])
    items = [_item(group.skill, DESCRIPTION, "condition", description, tuple(behind))]
    bundle, items = _insert_all(bundle, items, units, title)
    why = f"{_count(units)} about {group.topic}, learned from {_sources(group.patterns, units)}."
    return _proposal(group, "create", bundle, items, units, why)


def _insert_all(
    bundle: Bundle, items: list[Item], units: Iterable[Unit], title: str
) -> tuple[Bundle, list[Item]]:
    for unit in units:
        bundle, pointer = insert(bundle, unit, title)
        items = [*items, *(_item(bundle.name, unit.section, unit.kind, t, unit.patterns) for t in unit.texts)]
        if pointer:
            items = _point(bundle.name, items, pointer, unit)
    return bundle, items


def _point(skill: str, items: list[Item], pointer: str, unit: Unit) -> list[Item]:
    """The items with the line that points to a reference file, which stands on all that lies there."""
    fresh = _item(skill, "More", "fact", pointer, unit.patterns)
    known = next((item for item in items if item.id == fresh.id), None)
    if known is None:
        return [*items, fresh]
    refs = {ref.session: ref for ref in [*known.evidence, *fresh.evidence]}
    joined = msgspec.structs.replace(
        known,
        evidence=[refs[session] for session in sorted(refs)],
        patterns=sorted({*known.patterns, *fresh.patterns}),
    )
    return [joined if item.id == known.id else item for item in items]


def _item(skill: str, section: str, kind: str, text: str, patterns: tuple[Pattern, ...]) -> Item:
    first = patterns[0]
    return Item(
        id=item_id(skill, kind, text),  # type: ignore[arg-type]
        kind=kind,  # type: ignore[arg-type]
        text=text,
        section=section,
        patterns=[pattern.id for pattern in patterns],
        evidence=refs_of(patterns),
        odds_ratio=first.stats.odds_ratio,
        ci=first.stats.ci,
    )


def _refine(group: Target, base: Current, context: EvolveContext) -> Proposal | None:
    try:
        known = all_items(base.bundle, base.sidecar)
    except BadInputError:
        return None  # somebody broke the file by hand; it is theirs to mend
    present = {pattern.id: pattern for pattern in group.patterns}
    units = draft([p for p in group.patterns if qualifies(p, context.policy)], context)
    if _all_turned(known, present):
        return _retire(group, base)
    changes, kept = compare(known, units, present)
    chosen = within(changes, context.changes)
    title = topic_title(group.topic)
    bundle, items = base.bundle, kept
    for change in chosen:
        bundle, items = _apply(bundle, items, change, title)
    bundle, items = _redescribe(bundle, items, base, units, chosen, group, context)
    if version(bundle) == base.version:
        return None
    left = [change for change in changes if not any(change is one for one in chosen)]
    items = [
        item for item in items if item.section == DESCRIPTION or not any(item in c.old for c in left)
    ] + [item for change in left for item in change.old]
    why = f"{_edits(chosen)} in {group.skill}, from {_sources(group.patterns, units)}."
    return _proposal(group, "refine", bundle, items, units, why)


def _all_turned(known: list[Item], present: dict[str, Pattern]) -> bool:
    behind = [item for item in known if item.patterns and item.section != DESCRIPTION]
    return (
        bool(behind)
        and len(behind) == sum(item.section != DESCRIPTION for item in known)
        and all(p in present and turned_against(present[p]) for item in behind for p in item.patterns)
    )


def _retire(group: Target, base: Current) -> Proposal:
    against = [pattern for pattern in group.patterns if turned_against(pattern)]
    sessions = len({ref.session for p in against for ref in p.contradictions})
    return Proposal(
        id=_id(base.version, against, "retire"),
        action="retire",
        skill=group.skill,
        base=base.version,
        engine=NAME,
        why=f"What {group.skill} says no longer works: {sessions} sessions speak against it.",
        scope="project" if group.project is not None else "global",
        project=group.project,
        patterns=against,
    )


def _apply(bundle: Bundle, items: list[Item], change: Change, title: str) -> tuple[Bundle, list[Item]]:
    unit = change.new
    if unit is None:
        return remove(bundle, change.old), items
    if len(change.old) == len(unit.texts):
        for old, text in zip(change.old, unit.texts, strict=True):
            if same_text(old.text) != same_text(text):
                bundle = rewrite(bundle, old, text)
            fresh = _item(bundle.name, old.section, unit.kind, text, unit.patterns)
            # The line keeps the identity of its first text, so that its history can be followed.
            items = [*items, msgspec.structs.replace(fresh, id=old.id)]
        return bundle, items
    if change.old:
        bundle = remove(bundle, change.old)
    return _insert_all(bundle, items, [unit], title)


def _redescribe(
    bundle: Bundle,
    items: list[Item],
    base: Current,
    units: list[Unit],
    chosen: list[Change],
    group: Target,
    context: EvolveContext,
) -> tuple[Bundle, list[Item]]:
    """A new description, if ours was not changed by a person and the lines changed."""
    head, body = parse(markdown(bundle)["SKILL.md"])
    ours = next((item for item in items if item.section == DESCRIPTION and item.patterns), None)
    if not chosen or ours is None or same_text(ours.text) != same_text(head.description):
        return bundle, items
    there = {same_text(item.text) for item in items}
    said = [unit for unit in units if all(same_text(text) in there for text in unit.texts)]
    if not any(unit.kind != "condition" for unit in said):
        return bundle, items
    description, behind = describe(group, said, near_misses(said, context.mined, context), context)
    fresh = msgspec.structs.replace(
        _item(group.skill, DESCRIPTION, "condition", description, tuple(behind)), id=ours.id
    )
    text = render(msgspec.structs.replace(head, description=description)) + body
    return replace_text(bundle, {"SKILL.md": text}), [fresh if i.id == ours.id else i for i in items]


def _proposal(
    group: Target, action: str, bundle: Bundle, items: list[Item], units: list[Unit], why: str
) -> Proposal:
    made = version(bundle)
    used = list({p.id: p for unit in units for p in unit.patterns}.values())
    base = group.base.version if group.base else None
    ordered = {(item.section, same_text(item.text)): item for item in items}
    sidecar = Sidecar(
        skill=group.skill,
        version=made,
        parents=[base] if base else [],
        engine=NAME,
        items=[item for item in ordered.values() if item.patterns or item.evidence],
    )
    return Proposal(
        id=_id(base, used, made),
        action=action,  # type: ignore[arg-type]
        skill=group.skill,
        base=base,
        engine=NAME,
        why=why,
        scope="project" if group.project is not None else "global",
        project=group.project,
        bundle=bundle,
        sidecar=sidecar,
        patterns=used,
    )


def _id(base: str | None, patterns: list[Pattern], made: str) -> str:
    """Depends on base, engine and text, and on each pattern with its evidence in coarse steps (doublings of
    sessions, number of users): a little more of the same does not ask people the same question again."""
    seen = sorted(
        (p.id, p.sessions.bit_length(), p.users, len(p.contradictions).bit_length()) for p in patterns
    )
    return content_id("proposal", base, NAME, made, seen)


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
