"""A skill that is too long and about two things becomes two, in two steps so that no line is ever lost.

First the lines of one topic are made a skill of their own; the cycle after, when that one is there, they
leave the first. Between the two they stand in both.
"""

from __future__ import annotations

from collections import Counter

from skillclaw.errors import BadInputError
from skillclaw.evolve.care.retiring import NAME
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.evolvers._describe import describe
from skillclaw.evolve.evolvers._draft import Unit
from skillclaw.evolve.evolvers._lines import additions
from skillclaw.evolve.evolvers._names import skill_name, topic_title
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import Edit, EditError, apply
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.items import DESCRIPTION, all_items, item_id, markdown, same_text
from skillclaw.skills.records import Bundle, File, Item, Pattern, Proposal, Sidecar, content_id
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.skills.tokens import SKILL_TOKENS, estimate

__all__ = ["splits", "too_long"]

LEAST = 3
"""Lines of each part below which a skill is not split."""

APART = 0.8
"""Share of both parts' requests that must bring up their own part alone."""


def splits(given: Situation) -> list[Proposal]:
    """The steps that are due, in order of name."""
    found = []
    for name, skill in sorted(given.current.items()):
        if name in given.busy:
            continue
        proposal = _second(name, skill, given) or _first(name, skill, given)
        if proposal is not None:
            found.append(proposal)
    return found


def too_long(skill: Current) -> bool:
    """Whether SKILL.md has more tokens than the gate lets a skill grow to."""
    return estimate(markdown(skill.bundle).get("SKILL.md", "")) > SKILL_TOKENS * 1.1


def _first(name: str, skill: Current, given: Situation) -> Proposal | None:
    """A new skill with the lines of one topic of a skill that is too long."""
    if not too_long(skill):
        return None
    try:
        items = [i for i in all_items(skill.bundle, skill.sidecar) if i.section != DESCRIPTION and i.patterns]
    except BadInputError:
        return None
    topics: dict[str, list[Item]] = {}
    for item in items:
        known = Counter(given.by_id[p].topic for p in item.patterns if p in given.by_id)
        if known:
            topics.setdefault(max(sorted(known), key=lambda t: known[t]), []).append(item)
    large = sorted((t for t in topics if len(topics[t]) >= LEAST), key=lambda t: (-len(topics[t]), t))
    if len(large) < 2:
        return None
    topic = large[1]
    chosen = topics[topic]
    units = _units(chosen, given)
    if not units or not any(unit.kind != "condition" for unit in units):
        return None
    project = given.scope(name)[1]
    taken = {*given.current, *given.context.taken, *given.state.skills}
    fresh = skill_name(topic, project, taken)
    target = Target(
        skill=fresh, topic=topic, project=project, patterns=[p for unit in units for p in unit.patterns]
    )
    description, behind = describe(target, units, (), given.context)
    ids = {item.id for item in chosen}
    rest = [item for item in items if item.id not in ids]
    left = _units(rest, given)
    about = Target(
        skill=name, topic=large[0], project=project, patterns=[p for unit in left for p in unit.patterns]
    )
    if not _separate({description: chosen, describe(about, left, (), given.context)[0]: rest}, given):
        return None
    try:
        bundle = _bundle(fresh, description, topic, units)
    except EditError as error:
        given.notes.append(f"{name} is not split: {error.what}")
        return None
    refs = refs_of_items(chosen)
    described = Item(
        id=item_id(fresh, "condition", description),
        kind="condition",
        text=description,
        section=DESCRIPTION,
        patterns=[p.id for p in behind],
        evidence=refs,
    )
    made = version(bundle)
    return Proposal(
        id=content_id("proposal", "split", skill.version, made),
        action="split",
        skill=fresh,
        base=None,
        engine=NAME,
        why=f"{name} is too long and about two things; its {len(chosen)} lines about {topic} become a skill "
        "of their own, and leave it when that is there.",
        scope="project" if project is not None else "global",
        project=project,
        bundle=bundle,
        sidecar=Sidecar(
            skill=fresh, version=made, parents=[skill.version], engine=NAME, items=[described, *chosen]
        ),
        patterns=[p for unit in units for p in unit.patterns],
    )


def _units(items: list[Item], given: Situation) -> list[Unit]:
    """The lines as units, steps of one section together."""
    groups: dict[tuple[str, int], list[Item]] = {}
    for place, item in enumerate(items):
        groups.setdefault((item.section, 0 if item.kind == "step" else place + 1), []).append(item)
    units = []
    for (section, _), lines in groups.items():
        patterns: dict[str, Pattern] = {
            p: given.by_id[p] for i in lines for p in i.patterns if p in given.by_id
        }
        if patterns:
            texts = tuple(item.text for item in lines)
            units.append(Unit(section, lines[0].kind, texts, tuple(patterns.values())))
    return units


def _bundle(name: str, description: str, topic: str, units: list[Unit]) -> Bundle:
    title = topic_title(topic)
    text = f"{render(Head(name=name, description=description))}\n# {title}\n"
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode("utf-8"))])
    return apply(bundle, (), additions(units, ()), title)[0]


def _separate(parts: dict[str, list[Item]], given: Situation) -> bool:
    """Whether requests tell the parts, by description, from each other; one behind both says nothing."""
    asked = {
        said: set(cited_requests(refs_of_items(items), given.gate.sessions)) for said, items in parts.items()
    }
    shared = set.intersection(*asked.values())
    index = Index(Entry(name=str(number), description=said) for number, said in enumerate(parts))
    right = total = 0
    for number, texts in enumerate(asked.values()):
        for text in sorted(texts - shared):
            hits = index.ranked(text)
            total += 1
            right += bool(hits) and hits[0].name == str(number)
    return total > 0 and right >= APART * total


def _second(name: str, skill: Current, given: Situation) -> Proposal | None:
    """The first skill without the lines that a skill split off it holds by now."""
    known = given.state.skills.get(name)
    released = {release.version for release in known.releases} if known is not None else set()
    off = [
        other
        for other_name, other in sorted(given.current.items())
        if other_name != name and released & other.split_from and _is_stable(other_name, given)
    ]
    # In its section: another procedure may have the very same step.
    there = {
        (item.section, same_text(item.text))
        for other in off
        for item in other.sidecar.items
        if item.section != DESCRIPTION
    }
    gone = [
        i for i in skill.sidecar.items if i.section != DESCRIPTION and (i.section, same_text(i.text)) in there
    ]
    if not gone:
        return None
    names = ", ".join(other.sidecar.skill for other in off)
    ids = {item.id for item in gone}
    try:
        lines = all_items(skill.bundle, skill.sidecar)
        drops = [Edit(op="drop", item=item.id) for item in lines if item.id in ids]
        bundle, _ = apply(skill.bundle, lines, drops, topic_title(name.replace("-", "_")))
    except BadInputError:
        return None  # somebody broke the file by hand
    made = version(bundle)
    scope, project = given.scope(name)
    left = [item for item in skill.sidecar.items if item.id not in ids]
    if made == skill.version or not any(item.section != DESCRIPTION for item in left):
        return None
    return Proposal(
        id=content_id("proposal", "split", skill.version, made),
        action="split",
        skill=name,
        base=skill.version,
        engine=NAME,
        why=f"{len(gone)} lines of {name} stand in {names} now, which was split off it.",
        scope="project" if scope == "project" else "global",
        project=project,
        bundle=bundle,
        sidecar=Sidecar(skill=name, version=made, parents=[skill.version], engine=NAME, items=left),
    )


def _is_stable(name: str, given: Situation) -> bool:
    """Whether everybody has the skill: those who have no canary would be without its lines."""
    skill = given.state.skills.get(name)
    return skill is not None and skill.stage in ("stable", "unproven")
